#include "enums.hpp"

namespace zdev_core {

namespace {

using namespace py::literals;

template <typename Enum>
void add_enum(py::module_& module) {
    class_of<Enum>().call_once_and_store_result([&] {
        py::list members;
        for (const auto& [name, value] : python_enum<Enum>::members) members.append(py::make_tuple(name, value));
        // The module's name makes the members pickle.
        py::object type = py::module_::import("enum").attr("Enum")(python_enum<Enum>::name.text, members,
                                                                   "module"_a = module.attr("__name__"));
        type.attr("__doc__") = python_enum<Enum>::doc;
        return type;
    });
    module.attr(python_enum<Enum>::name.text) = class_of<Enum>().get_stored();
}

}  // namespace

void register_enums(py::module_& module) {
    add_enum<zdev::state>(module);
    add_enum<zdev::outcome>(module);
}

}  // namespace zdev_core
