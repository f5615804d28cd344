// zdev_core._core: the C++ library for Python. _core.pyi documents each name; a test compares the two.

#include "bindings.hpp"

PYBIND11_MODULE(_core, module, py::mod_gil_not_used()) {
    module.doc() = "The binding of zdev's C++ library to pyzmq's sockets. `zdev_core` exports all public names.";
    zdev_core::register_libzmq(module);  // first: it connects the bridge that all the others call through
    zdev_core::register_errors(module);
    zdev_core::register_enums(module);
    zdev_core::register_statistics(module);
    zdev_core::register_device(module);
}
