// Endpoints as text, and the socket addresses they stand for.
//
// Threads: any. resolve() of a host name asks the system's resolver and may take long.

#ifndef ZDEV_SRC_WIRE_ADDRESS_HPP
#define ZDEV_SRC_WIRE_ADDRESS_HPP

#include <sys/socket.h>
#include <sys/un.h>

#include <optional>
#include <string>
#include <vector>

namespace zdev::wire {

struct host_port {
    std::string host;        // without brackets; "*": any
    std::string port;        // "0": any free port
    bool bracketed = false;  // an IPv6 address
};

struct endpoint_text {
    bool ipc = false;  // else tcp
    host_port tcp;
    std::optional<host_port> source;  // of tcp, to connect: the address to connect from
    std::string path;                 // of ipc; begins with @: abstract; "*", to bind: any
};

struct address {
    sockaddr_storage storage{};
    socklen_t size = 0;
    const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
    int family() const noexcept { return storage.ss_family; }
};

// Throws zdev::error with EINVAL or EPROTONOSUPPORT; its text is only the reason. `bind`: allows wildcards.
endpoint_text parse_endpoint(const std::string& text, bool bind);

// Throw zdev::error, with only the reason: ENODEV for a host or interface that does not exist, EINVAL for a path that is too
// long.
std::vector<address> resolve(const host_port& host, bool bind, bool ipv6);
address ipc_address(const std::string& path);

// The address of a peer: "tcp://HOST:PORT"; over ipc "pid:NUMBER" or "".
std::string peer_text(int fd);
std::string ip_of(const std::string& peer);  // the IP address in such a text, as ZAP has it; empty for ipc

// In the form of libzmq's LAST_ENDPOINT.
std::string to_text(const address& bound);

}  // namespace zdev::wire

#endif
