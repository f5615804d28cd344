#include <stdexcept>
#include <string>

#include "bindings.hpp"
#include "bridge.hpp"

namespace zdev_core {

namespace {

using namespace py::literals;

constexpr int oldest_pyzmq = 26;  // before it, sockets have no `underlying` of the kind read here

py::module_ import_pyzmq() {
    try {
        return py::module_::import("zmq");
    } catch (const py::error_already_set& error) {
        throw py::import_error("zdev_core cannot import pyzmq, on whose sockets it works: " +
                               py::repr(error.value()).cast<std::string>());
    }
}

void check_version(const py::module_& zmq) {
    if (zmq.attr("pyzmq_version_info")()[py::int_(0)].cast<int>() >= oldest_pyzmq) return;
    throw py::import_error("zdev_core needs pyzmq " + std::to_string(oldest_pyzmq) + " or later; this is pyzmq " +
                           zmq.attr("pyzmq_version")().cast<std::string>());
}

const void* handle_of(const py::object& socket) { return PyLong_AsVoidPtr(socket.attr("underlying").ptr()); }

// A socket made by pyzmq shows which libzmq pyzmq really uses. It has its own context, so that zmq.Context.instance() and its
// settings are not touched, without I/O threads, since nothing is sent.
void connect_to_libzmq_of(const py::module_& zmq) {
    const py::object context = zmq.attr("Context")("io_threads"_a = 0);
    const py::object probe = context.attr("socket")(zmq.attr("PAIR"));
    std::string failure;
    try {
        bridge::connect(handle_of(probe));
    } catch (const std::runtime_error& error) {
        failure = error.what();
    }
    probe.attr("close")();
    context.attr("term")();
    if (!failure.empty()) throw py::import_error("zdev_core: " + failure);
}

}  // namespace

void register_libzmq(py::module_& module) {
    const py::module_ zmq = import_pyzmq();
    check_version(zmq);
    connect_to_libzmq_of(zmq);
    module.def("libzmq", &bridge::path, "Return the path of the libzmq that pyzmq, and so this module, uses.");
}

}  // namespace zdev_core
