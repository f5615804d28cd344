#include "sockets.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>

namespace zdev::wire {

namespace {

// If the system refuses these options, messages are not affected.
void set(int fd, int level, int name, int value) noexcept { ::setsockopt(fd, level, name, &value, sizeof value); }
void set_if_given(int fd, int level, int name, int value) noexcept {
    if (value >= 0) set(fd, level, name, value);
}

}  // namespace

descriptor open_socket(int family, const socket_options& options) {
    descriptor made(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!made) return made;
    set_if_given(made.get(), SOL_SOCKET, SO_SNDBUF, options.sndbuf);  // before the handshake of TCP, for its window
    set_if_given(made.get(), SOL_SOCKET, SO_RCVBUF, options.rcvbuf);
    if (family == AF_UNIX) return made;
    set(made.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (family == AF_INET6) set(made.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
    const auto device_size = static_cast<socklen_t>(options.bindtodevice.size());
    if (device_size > 0 &&
        ::setsockopt(made.get(), SOL_SOCKET, SO_BINDTODEVICE, options.bindtodevice.c_str(), device_size) != 0) {
        return {};
    }
    return made;
}

void set_options(int fd, int family, const socket_options& options) {
    set_if_given(fd, SOL_SOCKET, SO_SNDBUF, options.sndbuf);
    set_if_given(fd, SOL_SOCKET, SO_RCVBUF, options.rcvbuf);
    if (family == AF_UNIX) return;
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_if_given(fd, SOL_SOCKET, SO_KEEPALIVE, options.tcp_keepalive);
    set_if_given(fd, IPPROTO_TCP, TCP_KEEPIDLE, options.tcp_keepalive_idle);
    set_if_given(fd, IPPROTO_TCP, TCP_KEEPCNT, options.tcp_keepalive_cnt);
    set_if_given(fd, IPPROTO_TCP, TCP_KEEPINTVL, options.tcp_keepalive_intvl);
    if (options.tos == 0) return;
    set(fd, IPPROTO_IP, IP_TOS, options.tos);  // of an IPv6 socket too: its peer may have an IPv4 address
    if (family == AF_INET6) set(fd, IPPROTO_IPV6, IPV6_TCLASS, options.tos);
}

address local_address(int fd) {
    address found;
    found.size = sizeof found.storage;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&found.storage), &found.size);
    return found;
}

}  // namespace zdev::wire
