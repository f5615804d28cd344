// Helpers of the wire engine's tests: a device in a separate thread, peers of libzmq, and peers that send bytes.

#ifndef ZDEV_TESTS_WIRE_SUPPORT_HPP
#define ZDEV_TESTS_WIRE_SUPPORT_HPP

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <zdev/wire.hpp>

#include "../src/zmtp/handshake.hpp"
#include "../src/zmtp/scanner.hpp"
#include "support.hpp"

namespace zdev::test {

inline wire::socket_spec listening(int type, const std::string& endpoint = "tcp://127.0.0.1:*") {
    wire::socket_spec spec;
    spec.type = type;
    spec.binds = {endpoint};
    spec.options.linger = milliseconds(2000);
    return spec;
}

inline wire::spec pair(int in, int out) {
    wire::spec spec;
    spec.in = listening(in);
    spec.out = listening(out);
    return spec;
}

// For peers with `tiny` buffers. Over TCP, a sender whose peer's window was full learns only by a probe that it has room again:
// after 200 ms, then twice as long each time.
inline void over_ipc(wire::socket_spec& socket) {
    socket.binds = {"ipc://*"};
    socket.options.sndbuf = 4096;
}

inline wire::spec pair_over_ipc(int in, int out) {
    wire::spec spec = pair(in, out);
    over_ipc(spec.in);
    over_ipc(*spec.out);
    return spec;
}

inline wire::spec monitored(int in, int out, int mon = ZMQ_PUB) {
    wire::spec spec = pair(in, out);
    spec.mon.emplace().socket = listening(mon);
    return spec;
}

// A device that runs until the end of the test.
class running {
public:
    explicit running(const wire::spec& spec, const device::interrupt_check& check = {})
        : device(spec), run_([this, check] { return device.run(check); }, [this] { device.stop(); }) {}

    std::string at(const std::string& role) const { return device.endpoints(role).at(0); }
    outcome stop() {
        device.stop();
        return run_.result();
    }
    outcome result() { return run_.result(); }
    bool over(milliseconds timeout) { return run_.over(timeout); }
    bool connected(const std::string& role, std::uint64_t count) {
        return eventually([&] { return device.connections(role).connections == count; });
    }

    wire::device device;

private:
    background run_;
};

class OnWire : public testing::Test, public sockets {
public:
    zmq::socket_t dial(int type, const std::string& endpoint, const setup& set = {}) {
        auto socket = unbound(type, set);
        socket.connect(endpoint);
        return socket;
    }
};

// A TCP socket bound to a free port of 127.0.0.1.
class reserved {
public:
    explicit reserved(bool listens = true) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        if (::bind(fd_, reinterpret_cast<sockaddr*>(&at), size) != 0 || (listens && ::listen(fd_, 10) != 0) ||
            ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size) != 0) {
            throw std::runtime_error("cannot reserve a port");
        }
        endpoint_ = "tcp://127.0.0.1:" + std::to_string(ntohs(at.sin_port));
    }
    ~reserved() { close(); }
    reserved(const reserved&) = delete;
    reserved& operator=(const reserved&) = delete;

    void close() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }
    int fd() const { return fd_; }
    const std::string& endpoint() const { return endpoint_; }

private:
    int fd_;
    std::string endpoint_;
};

// A peer that sends and receives bytes.
class raw_peer {
public:
    explicit raw_peer(const std::string& endpoint) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
        if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) throw std::runtime_error("cannot connect");
        const int at_once = 1;  // or a reset could discard what was sent before it
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    }
    ~raw_peer() { close(); }
    raw_peer(const raw_peer&) = delete;
    raw_peer& operator=(const raw_peer&) = delete;

    void close() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }
    void reset() {  // RST rather than FIN
        const linger now{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close();
    }
    bool send(const std::string& bytes) const {
        return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
    }
    void shrink() const {  // so that few bytes wait in the network
        const int size = 16384;
        ::setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    }
    // Sends as many of the bytes as there is room for, and the rest with the next call.
    void send_now(const std::string& bytes) {
        if (waiting_.empty()) waiting_ = bytes;
        const ssize_t count = ::send(fd_, waiting_.data(), waiting_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count > 0) waiting_.erase(0, static_cast<std::size_t>(count));
    }
    // Whether the other side has not asked to stop sending.
    bool open() const {
        char byte;
        return ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0;
    }
    // Receives at least that many bytes, or all until the end of the connection.
    std::string receive(std::size_t least, milliseconds timeout = patience) {
        std::string got;
        char bytes[65536];
        pollfd wait{fd_, POLLIN, 0};
        while (got.size() < least && ::poll(&wait, 1, static_cast<int>(timeout.count())) > 0) {
            const ssize_t count = ::recv(fd_, bytes, sizeof bytes, 0);
            if (count <= 0) break;
            got.append(bytes, static_cast<std::size_t>(count));
        }
        return got;
    }
    // Whether the other side ends the connection.
    bool ended() {
        char bytes[65536];
        pollfd wait{fd_, POLLIN, 0};
        while (::poll(&wait, 1, static_cast<int>(patience.count())) > 0) {
            if (::recv(fd_, bytes, sizeof bytes, 0) <= 0) return true;
        }
        return false;
    }
    void shake_hands(int type, const std::string& id = {}, unsigned char minor = 1,
                     std::unique_ptr<zmtp::mechanism> mechanism = zmtp::make_null()) {
        zmtp::handshake ours({type, id, {}}, std::move(mechanism));
        std::string greeting = ours.take_output();
        greeting[11] = static_cast<char>(minor);
        send(greeting);
        while (!ours.done() && !ours.failed()) {
            const std::string got = receive(1);
            if (got.empty()) throw std::runtime_error("no handshake");
            const std::size_t used = ours.feed(got);
            extra_ = got.substr(used);
            send(ours.take_output());
        }
        if (ours.failed()) throw std::runtime_error(ours.reason());
    }
    // Bytes that arrived with the end of the handshake.
    std::string take_extra() { return std::exchange(extra_, {}); }

private:
    int fd_;
    std::string extra_, waiting_;
};

inline std::string framed(const message& parts) {
    std::string bytes;
    for (std::size_t i = 0; i < parts.size(); ++i)
        zmtp::append_frame(bytes, i + 1 < parts.size() ? zmtp::more_flag : 0, parts[i]);
    return bytes;
}

inline sockets::setup subscribed_to(const std::string& topic) {
    return [topic](zmq::socket_t& socket) { socket.set(zmq::sockopt::subscribe, topic); };
}

// Keeps a stream under load: sends as many messages as there is room for, and receives them.
struct load {
    load(zmq::socket_t& source, zmq::socket_t& sink)
        : receiving([&sink] { try_recv(sink, 1ms); }),
          sending([&source] { zmq_send(source.handle(), "x", 1, ZMQ_DONTWAIT); }) {}
    repeatedly receiving, sending;
};

}  // namespace zdev::test

#endif
