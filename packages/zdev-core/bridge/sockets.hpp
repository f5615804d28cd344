// pyzmq's sockets and the role that each plays in a device.
//
// Threads: all functions with the GIL held.

#ifndef ZDEV_CORE_SOCKETS_HPP
#define ZDEV_CORE_SOCKETS_HPP

#include <zmq.hpp>

#include "bindings.hpp"

namespace zdev_core {

// Any object passed as a socket; a zmq.Socket in signatures.
class socket_argument : public py::object {
    PYBIND11_OBJECT_DEFAULT(socket_argument, object, [](PyObject*) { return true; })
};

// An open pyzmq socket, kept alive until let_go(). It still belongs to the caller, who may close it.
class held_socket {
public:
    // role: "in", "out", "mon" or "ctrl", for the texts of errors. Throws TypeError if it is not a zmq.Socket, zdev::error with
    // ENOTSOCK if it is closed, and RuntimeError if another libzmq than pyzmq's made it.
    held_socket(const char* role, socket_argument socket);

    zmq::socket_ref handle() const;  // not after let_go()

    // From now on the caller keeps it alive. If it no longer exists, it counts as closed.
    void let_go() { kept_ = py::none(); }

    // Throws zdev::error with ENOTSOCK if it is closed by now. Only from the thread that uses the socket.
    void require_open() const;

private:
    const char* role_;
    py::object kept_;
    py::weakref socket_;
};

}  // namespace zdev_core

template <>
struct pybind11::detail::handle_type_name<zdev_core::socket_argument> {
    static constexpr auto name = const_name("zmq.Socket[Any]");
};

#endif
