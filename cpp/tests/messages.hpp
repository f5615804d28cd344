// Messages as values, and waiting with a deadline. A missed deadline is an exception, so the test fails.

#ifndef ZDEV_TESTS_MESSAGES_HPP
#define ZDEV_TESTS_MESSAGES_HPP

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>
#include <zmq.hpp>

namespace zdev::test {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using message = std::vector<std::string>;

constexpr milliseconds patience = 10s;   // for events that must happen
constexpr milliseconds a_moment = 50ms;  // for events that must not happen; if too short, a test passes wrongly but never fails

// Receives a whole message, or nothing if none arrives in time.
inline std::optional<message> try_recv(zmq::socket_ref socket, milliseconds timeout) {
    zmq_pollitem_t item{socket.handle(), 0, ZMQ_POLLIN, 0};
    if (zmq_poll(&item, 1, static_cast<long>(timeout.count())) <= 0) return {};
    message parts;
    zmq::message_t frame;
    do {
        if (!socket.recv(frame, zmq::recv_flags::dontwait)) return {};
        parts.push_back(frame.to_string());
    } while (frame.more());
    return parts;
}

inline message recv(zmq::socket_ref socket) {
    if (auto parts = try_recv(socket, patience)) return *std::move(parts);
    throw std::runtime_error("no message arrived");
}

inline bool silent(zmq::socket_ref socket) { return !try_recv(socket, a_moment); }

// Sends a whole message; throws if that takes longer than the socket's ZMQ_SNDTIMEO.
inline void send(zmq::socket_ref socket, const message& parts) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto flags = i + 1 < parts.size() ? zmq::send_flags::sndmore : zmq::send_flags::none;
        if (!socket.send(zmq::buffer(parts[i]), flags)) throw std::runtime_error("a message could not be sent");
    }
}

inline message ask(zmq::socket_ref socket, const message& question) {
    send(socket, question);
    return recv(socket);
}

inline bool writable(zmq::socket_ref socket, milliseconds timeout) {
    zmq_pollitem_t item{socket.handle(), 0, ZMQ_POLLOUT, 0};
    return zmq_poll(&item, 1, static_cast<long>(timeout.count())) > 0;
}

// The i-th of a series of messages, so big that a few fill a TCP connection's buffers.
inline message numbered(int i, message parts = {}) {
    parts.push_back(std::to_string(i));
    parts.emplace_back(20000, 'x');
    return parts;
}

// Sends numbered(0), numbered(1) ... each after `head`, until the path stays full. Returns their number.
inline int fill(zmq::socket_ref socket, const message& head = {}) {
    int sent = 0;
    while (writable(socket, 150ms)) {
        if (sent == 10000) throw std::runtime_error("the path never became full");
        send(socket, numbered(sent++, head));
    }
    return sent;
}

// Waits until the condition holds; returns false if it does not in time.
template <class Condition>
bool eventually(Condition condition, milliseconds timeout = patience) {
    for (const auto end = std::chrono::steady_clock::now() + timeout; !condition();) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(1ms);
    }
    return true;
}

// Publishes until the subscription has reached `publisher`, then discards the messages published until then.
inline void synchronise(zmq::socket_ref publisher, zmq::socket_ref subscriber) {
    const auto arrived = [&] { return send(publisher, {"sync"}), try_recv(subscriber, 10ms).has_value(); };
    if (!eventually(arrived)) throw std::runtime_error("no subscription arrived");
    send(publisher, {"end of sync"});
    while (recv(subscriber).back() != "end of sync") {
    }
}

// The errno of the zmq::error_t that a call throws; 0 if it does not throw.
template <class Call>
int errno_of(Call call) {
    try {
        call();
    } catch (const zmq::error_t& error) {
        return error.num();
    }
    return 0;
}

}  // namespace zdev::test

#endif
