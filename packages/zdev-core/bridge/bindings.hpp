// The functions that add the parts of the binding to a module, one per file.

#ifndef ZDEV_CORE_BINDINGS_HPP
#define ZDEV_CORE_BINDINGS_HPP

#include <pybind11/pybind11.h>

namespace py = pybind11;

namespace zdev_core {

void register_libzmq(py::module_& module);
void register_statistics(py::module_& module);
void register_device(py::module_& module);
void register_wire(py::module_& module);
void register_load(py::module_& module);

}  // namespace zdev_core

#endif
