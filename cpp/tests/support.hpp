// Helpers of the tests: sockets in a context of their own, messages as values, a device in a thread of its own.
// Whatever waits here has a deadline; one that passes is an exception (a failed test), or an abort where a thread hangs.

#ifndef ZDEV_TESTS_SUPPORT_HPP
#define ZDEV_TESTS_SUPPORT_HPP

#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>
#include <zdev/device.hpp>
#include <zmq.hpp>

namespace zdev::test {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using message = std::vector<std::string>;

constexpr milliseconds patience = 10s;   // for what must happen
constexpr milliseconds a_moment = 50ms;  // for what must not happen: too short can only pass wrongly, never fail wrongly

// Receives a whole message, or nothing when none came in time.
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
    throw std::runtime_error("no message came");
}

inline bool silent(zmq::socket_ref socket) { return !try_recv(socket, a_moment); }

// Sends a whole message; throws when that took longer than the socket's ZMQ_SNDTIMEO.
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

// The i-th of a series of messages: big enough to fill a TCP connection's buffers with a few.
inline message numbered(int i, message parts = {}) {
    parts.push_back(std::to_string(i));
    parts.emplace_back(20000, 'x');
    return parts;
}

// Sends numbered(0), numbered(1) ... each after `head`, until the path stays full. Returns how many.
inline int fill(zmq::socket_ref socket, const message& head = {}) {
    int sent = 0;
    while (writable(socket, 150ms)) send(socket, numbered(sent++, head));
    return sent;
}

// Waits until the condition holds; false when it did not in time.
template <class Condition>
bool eventually(Condition condition, milliseconds timeout = patience) {
    for (const auto end = std::chrono::steady_clock::now() + timeout; !condition();) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(1ms);
    }
    return true;
}

// Publishes until the subscription has travelled through to `publisher`, then reads away what was published for it.
inline void synchronise(zmq::socket_ref publisher, zmq::socket_ref subscriber) {
    const auto arrived = [&] { return send(publisher, {"sync"}), try_recv(subscriber, 10ms).has_value(); };
    if (!eventually(arrived)) throw std::runtime_error("no subscription arrived");
    send(publisher, {"end of sync"});
    while (recv(subscriber).back() != "end of sync") {
    }
}

// The errno of the zmq::error_t that a call throws; 0 when it throws none.
template <class Call>
int errno_of(Call call) {
    try {
        call();
    } catch (const zmq::error_t& error) {
        return error.num();
    }
    return 0;
}

// Runs something in a thread; its end is asked for, and awaited, at the latest by the destructor.
class background {
public:
    background(std::function<outcome()> body, std::function<void()> end) : end_(std::move(end)) {
        std::packaged_task<outcome()> task(std::move(body));
        result_ = task.get_future();
        thread_ = std::thread(std::move(task));
    }
    explicit background(device& device, const device::check& check = {})
        : background([&device, check] { return device.run(check); }, [&device] { device.stop(); }) {}
    ~background() {
        if (result_.valid() && !over(0ms)) {
            end_();
            if (!over(patience)) {
                std::fputs("a device did not end when told to\n", stderr);
                std::abort();
            }
        }
        thread_.join();
    }
    background(const background&) = delete;
    background& operator=(const background&) = delete;

    bool over(milliseconds timeout = patience) { return result_.wait_for(timeout) == std::future_status::ready; }

    // How the run ended by itself; rethrows what it threw.
    outcome result() {
        if (!over()) throw std::runtime_error("the run did not end");
        return result_.get();
    }
    void signal(int signum) { pthread_kill(thread_.native_handle(), signum); }

private:
    std::function<void()> end_;
    std::future<outcome> result_;
    std::thread thread_;
};

// Does something again and again in a thread of its own, until destroyed.
class repeatedly {
public:
    explicit repeatedly(std::function<void()> step) {
        thread_ = std::thread([this, step = std::move(step)] {
            try {
                while (!done_) step();
            } catch (const std::exception& error) {
                ADD_FAILURE() << error.what();
            }
        });
    }
    ~repeatedly() {
        done_ = true;
        thread_.join();
    }

private:
    std::atomic<bool> done_{false};
    std::thread thread_;
};

// A peer that sends and reads all the time.
inline std::function<void()> chatter(zmq::socket_ref socket, const message& parts) {
    return [socket, parts] {
        for (int i = 0; i < 100 && writable(socket, 0ms); ++i) send(socket, parts);
        while (try_recv(socket, 0ms)) {
        }
    };
}

// A context and the sockets of a test: no linger, no endless send, bound on the transport of the test.
class sockets {
public:
    using setup = std::function<void(zmq::socket_t&)>;

    explicit sockets(std::string transport = "inproc") : transport_(std::move(transport)) {}

    zmq::context_t context;

    zmq::socket_t loose(int type, const setup& set = {}) {
        zmq::socket_t socket(context, type);
        socket.set(zmq::sockopt::linger, 0);
        socket.set(zmq::sockopt::sndtimeo, static_cast<int>(patience.count()));
        if (set) set(socket);
        return socket;
    }

    // A socket of the device, bound.
    zmq::socket_t bound(int type, const setup& set = {}) {
        static std::atomic<int> names{0};
        auto socket = loose(type, set);
        socket.bind(transport_ == "tcp" ? "tcp://127.0.0.1:*" : "inproc://" + std::to_string(names++));
        return socket;
    }

    // A socket of somebody else, connected to one of the device's.
    zmq::socket_t peer(int type, zmq::socket_ref to, const setup& set = {}) {
        auto socket = loose(type, set);
        socket.connect(to.get(zmq::sockopt::last_endpoint));
        return socket;
    }

private:
    std::string transport_;
};

inline void tiny(zmq::socket_t& socket) {  // full after a few messages, on either transport
    socket.set(zmq::sockopt::sndhwm, 1);
    socket.set(zmq::sockopt::rcvhwm, 1);
    socket.set(zmq::sockopt::sndbuf, 4096);
    socket.set(zmq::sockopt::rcvbuf, 4096);
}

inline void mandatory(zmq::socket_t& router) { router.set(zmq::sockopt::router_mandatory, true); }

inline sockets::setup named(const std::string& id) {
    return [id](zmq::socket_t& socket) { socket.set(zmq::sockopt::routing_id, id); };
}

// Lets a ROUTER learn of a peer before the device has it: without this, a message to that peer might come too early.
inline void introduce(zmq::socket_ref peer, zmq::socket_ref router) {
    send(peer, {"hello"});
    recv(router);
}

class OnInproc : public testing::Test, public sockets {};
class OnTransport : public testing::TestWithParam<const char*>, public sockets {
public:
    OnTransport() : sockets(GetParam()) {}
};

}  // namespace zdev::test

// Runs the TEST_Ps of a suite derived from OnTransport on both transports.
#define ZDEV_ON_BOTH_TRANSPORTS(suite)                                            \
    INSTANTIATE_TEST_SUITE_P(Transports, suite, testing::Values("inproc", "tcp"), \
                             [](const auto& info) { return std::string(info.param); })

#endif
