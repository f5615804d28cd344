// zdev_core._core: the C++ library for Python. _core.pyi documents each name; a test compares the two.

#include <cerrno>
#include <zdev/device.hpp>

#include "bindings.hpp"
#include "enums.hpp"

namespace zdev_core {

namespace {

using namespace py::literals;

void set_python_error(const py::object& error) { PyErr_SetObject(py::type::handle_of(error).ptr(), error.ptr()); }

// As pyzmq raises them: ContextTerminated and Again are subclasses of ZMQError with their own texts.
void raise_zmq_error(const zmq::error_t& error, const char* text) {
    const auto zmq = py::module_::import("zmq");
    switch (error.num()) {
        case ETERM: return set_python_error(zmq.attr("ContextTerminated")());
        case EAGAIN: return set_python_error(zmq.attr("Again")());
        default: return set_python_error(zmq.attr("ZMQError")(error.num(), text));
    }
}

void translate(std::exception_ptr thrown) {
    try {
        if (thrown) std::rethrow_exception(thrown);
    } catch (const zmq::error_t& error) {
        raise_zmq_error(error, error.what());
    }
}

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

void register_enums(py::module_& module) {
    add_enum<zdev::state>(module);
    add_enum<zdev::outcome>(module);
}

}  // namespace

}  // namespace zdev_core

PYBIND11_MODULE(_core, module, py::mod_gil_not_used()) {
    module.doc() = "The binding of zdev's C++ library to pyzmq's sockets. `zdev_core` exports all public names.";
    zdev_core::register_libzmq(module);  // first: it connects the bridge that all the others call through
    py::register_local_exception_translator(&zdev_core::translate);
    zdev_core::register_enums(module);
    zdev_core::register_statistics(module);
    zdev_core::register_device(module);
#ifdef __linux__
    zdev_core::register_wire(module);
#endif
}
