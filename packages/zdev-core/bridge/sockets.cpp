#include "sockets.hpp"

#include <cerrno>
#include <stdexcept>
#include <string>
#include <zdev/device.hpp>

#include "bridge.hpp"

namespace zdev_core {

held_socket::held_socket(const char* role, socket_argument socket) : role_(role), kept_(std::move(socket)) {
    const auto base = py::module_::import("zmq").attr("Socket");  // of zmq.asyncio's and zmq.green's sockets too
    if (!py::isinstance(kept_, base)) {
        throw py::type_error("the " + std::string(role_) + " socket must be a zmq.Socket, not " +
                             Py_TYPE(kept_.ptr())->tp_name);
    }
    socket_ = py::weakref(kept_);
    require_open();
    try {
        bridge::require_same_library(handle().handle());
    } catch (const std::runtime_error& error) {
        throw std::runtime_error("the " + std::string(role_) + " socket cannot be used: " + error.what());
    }
}

zmq::socket_ref held_socket::handle() const {
    return zmq::socket_ref(zmq::from_handle, PyLong_AsVoidPtr(kept_.attr("underlying").ptr()));
}

void held_socket::require_open() const {
    const py::object socket = socket_();
    const bool closed = socket.is_none() || socket.attr("closed").cast<bool>();
    if (closed) throw zdev::error(ENOTSOCK, "the " + std::string(role_) + " socket is closed");
}

}  // namespace zdev_core
