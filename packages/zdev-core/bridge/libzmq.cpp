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
        throw py::import_error("zdev_core works on pyzmq's sockets, and pyzmq can't be imported: " +
                               py::repr(error.value()).cast<std::string>());
    }
}

void check_version(const py::module_& zmq) {
    if (zmq.attr("pyzmq_version_info")()[py::int_(0)].cast<int>() >= oldest_pyzmq) return;
    throw py::import_error("zdev_core needs pyzmq " + std::to_string(oldest_pyzmq) + " or later; this is pyzmq " +
                           zmq.attr("pyzmq_version")().cast<std::string>());
}

const void* handle_of(const py::object& socket) { return PyLong_AsVoidPtr(socket.attr("underlying").ptr()); }

// A socket of pyzmq's own making tells which libzmq pyzmq really uses. It lives in a context of its own, so that neither
// zmq.Context.instance() nor its settings are touched, and without I/O threads, since nothing is sent.
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
    module.def("libzmq", &bridge::path, "The path of the libzmq that pyzmq uses, and so this module too.");
}

}  // namespace zdev_core
