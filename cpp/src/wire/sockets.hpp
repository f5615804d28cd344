// Sockets of the system, with the options of a role.
//
// Threads: any. Errors of the system are left in errno.

#ifndef ZDEV_SRC_WIRE_SOCKETS_HPP
#define ZDEV_SRC_WIRE_SOCKETS_HPP

#include <zdev/wire.hpp>

#include "address.hpp"
#include "descriptor.hpp"

namespace zdev::wire {

// Non-blocking, close-on-exec, with the options that must be set before bind() or connect(). Empty on failure: see errno.
descriptor open_socket(int family, const socket_options& options);
// Sets the options of a connection: TCP_NODELAY, keep-alive, buffers.
void set_options(int fd, int family, const socket_options& options);
address local_address(int fd);

}  // namespace zdev::wire

#endif
