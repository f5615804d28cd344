// Instances made by Python's __new__ without __init__, for which pybind11 allocates uninitialised memory.

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

// For a registered class: every method of such an instance raises TypeError.
template <typename T>
void refuse_uninitialised() {
    detail::set_allocation<T>(&detail::refused<T>);
}

// For a registered class: such an instance has the value T{}.
template <typename T>
void value_initialise() {
    detail::set_allocation<T>(&detail::value_initialised<T>);
}

}  // namespace zdev_core

#endif
