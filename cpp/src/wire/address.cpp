#include "address.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <zdev/device.hpp>

namespace zdev::wire {

namespace {

[[noreturn]] void refuse(int number, const std::string& why) { throw error(number, why); }

bool is_port(const std::string& text) {
    if (text.empty() || text.size() > 5 || text.find_first_not_of("0123456789") != std::string::npos) return false;
    return std::stoi(text) <= 65535;
}

// `any`: allows wildcards, for an address to bind to.
host_port parse_host_port(const std::string& text, bool any) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos) refuse(EINVAL, "no port: write tcp://HOST:PORT");
    host_port found;
    found.host = text.substr(0, colon);
    found.port = text.substr(colon + 1);
    if (any && found.port == "*") found.port = "0";
    if (!is_port(found.port) || (!any && found.port == "0")) refuse(EINVAL, "invalid port");
    found.bracketed = found.host.size() > 2 && found.host.front() == '[' && found.host.back() == ']';
    if (found.bracketed) found.host = found.host.substr(1, found.host.size() - 2);
    if (found.host.empty() || (!any && found.host == "*") || found.host.find(';') != std::string::npos) {
        refuse(EINVAL, "invalid host");
    }
    return found;
}

void parse_tcp(const std::string& rest, bool bind, endpoint_text& found) {
    const std::size_t mark = bind ? std::string::npos : rest.find(';');
    if (mark != std::string::npos) found.source = parse_host_port(rest.substr(0, mark), true);
    found.tcp = parse_host_port(mark == std::string::npos ? rest : rest.substr(mark + 1), bind);
}

// An address of the interface of that name.
bool find_interface(const std::string& name, bool ipv6, address& found) {
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0) return false;
    const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(all, ::freeifaddrs);
    for (const int family : {AF_INET, AF_INET6}) {
        if (family == AF_INET6 && !ipv6) continue;
        for (const ifaddrs* each = all; each; each = each->ifa_next) {
            if (!each->ifa_addr || each->ifa_addr->sa_family != family || name != each->ifa_name) continue;
            found.size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
            std::memcpy(&found.storage, each->ifa_addr, found.size);
            return true;
        }
    }
    return false;
}

void set_port(address& to, const std::string& port) {
    const auto number = htons(static_cast<std::uint16_t>(std::stoi(port)));
    if (to.family() == AF_INET) {
        reinterpret_cast<sockaddr_in*>(&to.storage)->sin_port = number;
    } else {
        reinterpret_cast<sockaddr_in6*>(&to.storage)->sin6_port = number;
    }
}

std::vector<address> look_up(const host_port& from, bool bind, bool ipv6) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_family = from.bracketed ? AF_INET6 : ipv6 ? AF_UNSPEC : AF_INET;
    hints.ai_flags = AI_NUMERICSERV | (bind ? AI_PASSIVE : 0);
    if (bind && from.host == "*") hints.ai_family = ipv6 ? AF_INET6 : AF_INET;
    addrinfo* all = nullptr;
    const char* const host = from.host == "*" ? nullptr : from.host.c_str();
    if (const int fault = ::getaddrinfo(host, from.port.c_str(), &hints, &all); fault != 0) {
        refuse(ENODEV, std::string("no such host or interface: ") + ::gai_strerror(fault));
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(all, ::freeaddrinfo);
    std::vector<address> found;
    for (const addrinfo* each = all; each; each = each->ai_next) {
        address& next = found.emplace_back();
        next.size = each->ai_addrlen;
        std::memcpy(&next.storage, each->ai_addr, each->ai_addrlen);
    }
    return found;
}

}  // namespace

endpoint_text parse_endpoint(const std::string& text, bool bind) {
    endpoint_text found;
    const std::size_t mark = text.find("://");
    if (mark == std::string::npos) refuse(EINVAL, "invalid endpoint: write tcp://HOST:PORT or ipc://PATH");
    const std::string transport = text.substr(0, mark), rest = text.substr(mark + 3);
    if (transport == "tcp") {
        parse_tcp(rest, bind, found);
    } else if (transport == "ipc") {
        found.ipc = true;
        found.path = rest;
        if (rest.empty() || rest == "@" || (rest == "*" && !bind) || rest.find('\0') != std::string::npos) {
            refuse(EINVAL, "invalid path");
        }
    } else {
        refuse(EPROTONOSUPPORT, "the wire engine supports only tcp and ipc");
    }
    return found;
}

std::vector<address> resolve(const host_port& host, bool bind, bool ipv6) {
    address of_interface;
    if (bind && !host.bracketed && host.host != "*" && find_interface(host.host, ipv6, of_interface)) {
        set_port(of_interface, host.port);
        return {of_interface};
    }
    return look_up(host, bind, ipv6);
}

address ipc_address(const std::string& path) {
    address made;
    auto* const to = reinterpret_cast<sockaddr_un*>(&made.storage);
    if (path.size() >= sizeof to->sun_path) refuse(EINVAL, "the path is too long");
    to->sun_family = AF_UNIX;
    std::memcpy(to->sun_path, path.data(), path.size());
    const bool abstract = path.front() == '@';
    if (abstract) to->sun_path[0] = '\0';
    made.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1));
    return made;
}

std::string to_text(const address& bound) {
    if (bound.family() == AF_UNIX) {
        const auto* const at = reinterpret_cast<const sockaddr_un*>(&bound.storage);
        std::string path(at->sun_path, bound.size - offsetof(sockaddr_un, sun_path));
        if (!path.empty() && path[0] == '\0') return "ipc://@" + path.substr(1);
        return "ipc://" + path.substr(0, path.find('\0'));
    }
    char host[NI_MAXHOST], port[NI_MAXSERV];
    ::getnameinfo(bound.get(), bound.size, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    return bound.family() == AF_INET6 ? "tcp://[" + std::string(host) + "]:" + port : "tcp://" + std::string(host) + ":" + port;
}

std::string peer_text(int fd) {
    address there;
    there.size = sizeof there.storage;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&there.storage), &there.size) != 0) return {};  // it has left
    if (there.family() != AF_UNIX) return to_text(there);
    ucred process{};
    socklen_t size = sizeof process;
    const bool known = ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &process, &size) == 0 && process.pid > 0;
    return known ? "pid:" + std::to_string(process.pid) : std::string();
}

std::string ip_of(const std::string& peer) {
    constexpr std::string_view tcp = "tcp://";
    if (peer.compare(0, tcp.size(), tcp) != 0) return {};
    const std::string host = peer.substr(tcp.size(), peer.rfind(':') - tcp.size());
    return host[0] == '[' ? host.substr(1, host.find_first_of("%]") - 1) : host;
}

}  // namespace zdev::wire
