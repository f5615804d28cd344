// Sockets of the system: made, bound, accepted, connected, with the options of a role.
//
// Threads: any. Errors of the system are left in errno.

#ifndef ZDEV_SRC_WIRE_SOCKETS_HPP
#define ZDEV_SRC_WIRE_SOCKETS_HPP

#include <zdev/wire.hpp>

#include "address.hpp"
#include "descriptor.hpp"

namespace zdev::wire {

// Non-blocking, close-on-exec, with the options that count before bind() or connect(). None: errno says why.
descriptor open_socket(const address& to, const socket_options& options);
// With the options of a connection: TCP_NODELAY, keep-alive, buffers.
void set_options(int fd, int family, const socket_options& options);
address local_address(int fd);

}  // namespace zdev::wire

#endif
