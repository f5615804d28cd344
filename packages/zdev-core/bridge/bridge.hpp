// The bridge to pyzmq's libzmq. A pyzmq wheel carries a libzmq of its own, and only that one may touch pyzmq's sockets. So
// this extension links no libzmq: it defines the zmq_* functions that the C++ library calls, hidden inside the extension, and
// each jumps to the function of that name in the library that made the socket.
//
// Which library that is can't be told from names: with another libzmq in the global scope (LD_PRELOAD, RTLD_GLOBAL, a host
// program that links one) pyzmq's calls bind to that one, whatever the wheel carries. The socket itself tells: the first word
// of its handle points to its vtable, which lies in the library that made it.
//
// Threads: connect() before all else; the rest from any thread.

#ifndef ZDEV_CORE_BRIDGE_HPP
#define ZDEV_CORE_BRIDGE_HPP

#include <string>

namespace zdev_core::bridge {

// Looks up every function in the libzmq that made `socket`. Throws std::runtime_error that names the library and the function
// it lacks.
void connect(const void* socket);

// Throws std::runtime_error that names both libraries when another libzmq than the connected one made `socket`.
void require_same_library(const void* socket);

// Of the connected library.
const std::string& path();

}  // namespace zdev_core::bridge

#endif
