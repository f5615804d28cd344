// A device of the wire engine with random sockets, endpoints, limits and monitor, and peers that come, talk, read and leave.

#ifndef ZDEV_TESTS_MODEL_TOPOLOGY_HPP
#define ZDEV_TESTS_MODEL_TOPOLOGY_HPP

#include <deque>
#include <memory>
#include <random>
#include <thread>
#include <zdev/wire.hpp>

#include "../messages.hpp"
#include "../wire_oracle.hpp"
#include "../wire_peer.hpp"

namespace zdev::test {

class dice {
public:
    explicit dice(std::uint64_t seed) : random_(seed) {}
    std::size_t below(std::size_t n) { return random_() % n; }
    bool one_in(std::size_t n) { return below(n) == 0; }
    template <class Choices>
    auto pick(const Choices& choices) {
        return *(std::begin(choices) + static_cast<std::ptrdiff_t>(below(std::size(choices))));
    }

private:
    std::mt19937_64 random_;
};

// A local address for this process alone: a device of another process may go on connecting to a port that is ours now.
inline const std::string& own_host() {
    static const auto pid = static_cast<unsigned>(::getpid());
    static const std::string host = "127." + std::to_string(1 + (pid >> 16) % 254) + "." + std::to_string(pid >> 8 & 0xff) +
                                    "." + std::to_string(pid & 0xff);
    return host;
}

// A socket to which the device connects.
class listening_peer {
public:
    explicit listening_peer(bool ipc) {
        static int names = 0;
        endpoint = ipc ? "ipc://@zdev-model-" + std::to_string(::getpid()) + "-" + std::to_string(names++)
                       : "tcp://" + own_host() + ":0";
        auto bound = address_of(endpoint);
        fd_ = wire::descriptor(::socket(bound.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (::bind(fd_.get(), bound.get(), bound.size) != 0 || ::listen(fd_.get(), 100) != 0 ||
            ::getsockname(fd_.get(), bound.get(), &bound.size) != 0)
            throw std::runtime_error("cannot listen");
        if (!ipc)
            endpoint =
                "tcp://" + own_host() + ":" + std::to_string(ntohs(reinterpret_cast<sockaddr_in*>(bound.get())->sin_port));
    }
    wire::descriptor accept() const { return wire::descriptor(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)); }
    int fd() const noexcept { return fd_.get(); }
    std::string endpoint;

private:
    wire::descriptor fd_;
};

constexpr milliseconds linger_time{200};

struct topology {
    wire::spec spec;
    std::vector<listening_peer> listeners[3];

    explicit topology(dice& random) {
        static constexpr std::pair<int, int> pairs[] = {
            {ZMQ_ROUTER, ZMQ_DEALER}, {ZMQ_PULL, ZMQ_PUSH},     {ZMQ_XSUB, ZMQ_XPUB},     {ZMQ_SUB, ZMQ_PUB},
            {ZMQ_ROUTER, ZMQ_ROUTER}, {ZMQ_DEALER, ZMQ_DEALER}, {ZMQ_DEALER, ZMQ_ROUTER}, {ZMQ_PULL, ZMQ_PUB}};
        const auto types = random.pick(pairs);
        spec.on_full = random.one_in(2) ? on_full::drop : on_full::block;
        make(random, spec.in, in, types.first);
        if (types.first == ZMQ_SUB) spec.in.options.subscribe = {""};
        make(random, spec.out.emplace(), out, types.second);
        if (random.one_in(2)) return;
        spec.mon.emplace().on_full = random.one_in(2) ? on_full::drop : on_full::block;
        make(random, spec.mon->socket, mon, random.pick(std::initializer_list<int>{ZMQ_PUB, ZMQ_XPUB, ZMQ_PUSH}));
    }
    int type(role_name name) const { return name == in ? spec.in.type : name == out ? spec.out->type : spec.mon->socket.type; }
    std::string text() const {
        std::string made;
        for (const auto name : {in, out, mon}) {
            if (name == mon && !spec.mon) break;
            const auto& socket = name == in ? spec.in : name == out ? *spec.out : spec.mon->socket;
            made += std::string(role_names[name]) + " " + std::string(zmtp::type_name(socket.type)) + " hwm " +
                    std::to_string(socket.options.sndhwm) + " binds " + std::to_string(socket.binds.size()) + " connects " +
                    std::to_string(socket.connects.size()) + "; ";
        }
        return made + (spec.on_full == on_full::drop ? "drops" : "blocks");
    }

private:
    void make(dice& random, wire::socket_spec& socket, role_name name, int type) {
        static int names = 0;
        socket.type = type;
        for (std::size_t left = 1 + random.below(2); left > 0; --left) {
            socket.binds.push_back(random.one_in(2)
                                       ? "tcp://" + own_host() + ":*"
                                       : "ipc://@zdev-model-d" + std::to_string(::getpid()) + "-" + std::to_string(names++));
        }
        for (std::size_t left = random.below(3) / 2; left > 0; --left)
            socket.connects.push_back(listeners[name].emplace_back(random.one_in(2)).endpoint);
        socket.options.sndhwm = random.pick(std::initializer_list<std::size_t>{1, 2, 5, 100, 1000});
        socket.options.linger = linger_time;
        socket.options.reconnect_ivl = milliseconds(1);
        if (random.one_in(2)) socket.options.sndbuf = 4096;
        if (random.one_in(8))
            socket.options.heartbeat_ivl = milliseconds(1), socket.options.heartbeat_timeout = milliseconds(20000);
    }
};

}  // namespace zdev::test

#endif
