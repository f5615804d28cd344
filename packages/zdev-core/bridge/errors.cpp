#include <cerrno>
#include <zdev/device.hpp>

#include "bindings.hpp"

namespace zdev_core {

namespace {

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

}  // namespace

void register_errors(py::module_&) { py::register_local_exception_translator(&translate); }

}  // namespace zdev_core
