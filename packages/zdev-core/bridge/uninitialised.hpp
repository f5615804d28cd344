// Instances that Python's __new__ alone has made. pybind11 would give their methods memory as it comes.

#ifndef ZDEV_CORE_UNINITIALISED_HPP
#define ZDEV_CORE_UNINITIALISED_HPP

#include <cstddef>
#include <string>

#include "bindings.hpp"

namespace zdev_core {

namespace detail {

template <typename T>
void* refused(std::size_t) {
    throw py::type_error(py::type::of<T>().attr("__name__").template cast<std::string>() + ".__init__() must be called first");
}

template <typename T>
void* value_initialised(std::size_t) {
    return new T{};
}

template <typename T>
void set_allocation(void* (*allocate)(std::size_t)) {
    py::detail::get_type_info(typeid(T), true)->operator_new = allocate;
}

}  // namespace detail

// Both for a class that is registered. Every method raises TypeError ...
template <typename T>
void refuse_uninitialised() {
    detail::set_allocation<T>(&detail::refused<T>);
}

// ... or finds T{}.
template <typename T>
void value_initialise() {
    detail::set_allocation<T>(&detail::value_initialised<T>);
}

}  // namespace zdev_core

#endif
