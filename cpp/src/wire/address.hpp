// Endpoints as text, and the socket addresses they stand for.
//
// Threads: any. resolve() of a host name asks the system's resolver and may take long.

#ifndef ZDEV_SRC_WIRE_ADDRESS_HPP
#define ZDEV_SRC_WIRE_ADDRESS_HPP

#include <sys/socket.h>
#include <sys/un.h>

#include <string>
#include <vector>

namespace zdev::wire {

struct endpoint_text {
    std::string text;        // whole, for errors
    bool ipc = false;        // else tcp
    std::string host;        // of tcp, without brackets; "*": any
    std::string port;        // of tcp; "0": any free port
    bool bracketed = false;  // an IPv6 address
    std::string path;        // of ipc; begins with @: abstract
};

struct address {
    sockaddr_storage storage{};
    socklen_t size = 0;
    const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
    int family() const noexcept { return storage.ss_family; }
};

// Throws zdev::error with EINVAL or EPROTONOSUPPORT; its text is only the reason. `bind`: allows wildcards.
endpoint_text parse_endpoint(const std::string& text, bool bind);

// Throws zdev::error, with only the reason: ENODEV for a host or interface that does not exist, EINVAL for a path that is too
// long.
std::vector<address> resolve(const endpoint_text& endpoint, bool bind, bool ipv6);

// In the form of libzmq's LAST_ENDPOINT.
std::string to_text(const address& bound);

}  // namespace zdev::wire

#endif
