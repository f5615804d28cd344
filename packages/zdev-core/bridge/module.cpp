// zdev_core._core: the C++ library for Python. _core.pyi says what each name means; a test holds the two together.

#include "bindings.hpp"

PYBIND11_MODULE(_core, module, py::mod_gil_not_used()) {
    module.doc() =
        "The engine: zdev's C++ library on pyzmq's own sockets. Everything public here is re-exported by `zdev_core`.";
    zdev_core::register_libzmq(module);  // first: it connects the bridge that all the others call through
    zdev_core::register_errors(module);
    zdev_core::register_enums(module);
    zdev_core::register_statistics(module);
    zdev_core::register_device(module);
}
