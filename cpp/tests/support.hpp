// Helpers of the tests: the sockets of a test, and a device in a thread. Every wait has a deadline; a missed deadline is an
// exception, so the test fails, or an abort if a thread hangs.

#ifndef ZDEV_TESTS_SUPPORT_HPP
#define ZDEV_TESTS_SUPPORT_HPP

#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <zdev/device.hpp>
#include <zmq.hpp>

#include "messages.hpp"

namespace zdev::test {

// Runs a function in a thread; the destructor ends it if necessary.
class background {
public:
    background(std::function<outcome()> body, std::function<void()> end) : end_(std::move(end)) {
        std::packaged_task<outcome()> task(std::move(body));
        result_ = task.get_future();
        thread_ = std::thread(std::move(task));
    }
    explicit background(device& device, const device::interrupt_check& check = {})
        : background([&device, check] { return device.run(check); }, [&device] { device.stop(); }) {}
    ~background() {
        if (result_.valid() && !over(0ms)) {
            end_();
            if (!over(patience)) {
                std::fputs("a device did not stop\n", stderr);
                std::abort();
            }
        }
        if (thread_.joinable()) thread_.join();
    }
    background(const background&) = delete;
    background& operator=(const background&) = delete;

    bool over(milliseconds timeout = patience) { return result_.wait_for(timeout) == std::future_status::ready; }

    // Waits for the end of the run and returns its outcome; rethrows its exception.
    outcome result() {
        if (!over()) throw std::runtime_error("the run did not end");
        thread_.join();  // afterwards only the caller refers to the exception
        return result_.get();
    }
    void signal(int signum) { pthread_kill(thread_.native_handle(), signum); }

private:
    std::function<void()> end_;
    std::future<outcome> result_;
    std::thread thread_;
};

// Starts a drain and waits until the device is draining.
inline void begin_drain(device& device, milliseconds timeout) {
    device.drain(timeout);
    const auto draining = [&] { return device.statistics().state == state::draining; };
    if (!eventually(draining)) throw std::runtime_error("the drain did not start");
}

// Calls a function repeatedly in a thread until destroyed.
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

// A step for `repeatedly`: sends messages and discards what arrives.
inline std::function<void()> chatter(zmq::socket_ref socket, const message& parts) {
    return [socket, parts] {
        for (int i = 0; i < 100 && writable(socket, 0ms); ++i) send(socket, parts);
        while (try_recv(socket, 0ms)) {
        }
    };
}

// A context and the sockets of a test, without linger, with a send timeout, bound on the transport of the test.
class sockets {
public:
    using setup = std::function<void(zmq::socket_t&)>;

    explicit sockets(std::string transport = "inproc") : transport_(std::move(transport)) {}

    zmq::context_t context;

    zmq::socket_t unbound(int type, const setup& set = {}) {
        zmq::socket_t socket(context, type);
        socket.set(zmq::sockopt::linger, 0);
        socket.set(zmq::sockopt::sndtimeo, static_cast<int>(patience.count()));
        if (set) set(socket);
        return socket;
    }

    // A bound socket, for the device.
    zmq::socket_t bound(int type, const setup& set = {}) {
        static std::atomic<int> names{0};
        auto socket = unbound(type, set);
        socket.bind(transport_ == "tcp" ? "tcp://127.0.0.1:*" : "inproc://" + std::to_string(names++));
        return socket;
    }

    // A peer's socket, connected to a socket of the device.
    zmq::socket_t peer(int type, zmq::socket_ref to, const setup& set = {}) {
        auto socket = unbound(type, set);
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

// Makes a peer known to a ROUTER before the device uses it; otherwise an early message to the peer would be unroutable.
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
