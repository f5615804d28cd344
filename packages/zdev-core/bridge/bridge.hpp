// The bridge to pyzmq's libzmq. A pyzmq wheel has its own libzmq, and only that one may use pyzmq's sockets. So this extension
// links no libzmq: it defines the zmq_* functions that the C++ library calls, hidden inside the extension, and each jumps to
// the function of that name in the library that made the socket.
//
// Names do not show which library that is: with another libzmq in the global scope (LD_PRELOAD, RTLD_GLOBAL, a host program
// that links one) pyzmq's calls bind to that one. The socket shows it: the first word of its handle points to its vtable, which
// lies in the library that made it.
//
// Threads: call connect() before all others; those may be called from any thread.

#ifndef ZDEV_CORE_BRIDGE_HPP
#define ZDEV_CORE_BRIDGE_HPP

#include <string>

namespace zdev_core::bridge {

// Looks up every function in the libzmq that made `socket`. Throws std::runtime_error with the names of the library and of the
// function that it lacks.
void connect(const void* socket);

// Throws std::runtime_error with the names of both libraries if another libzmq than the connected one made `socket`.
void require_same_library(const void* socket);

// Path of the connected library.
const std::string& path();

}  // namespace zdev_core::bridge

#endif
