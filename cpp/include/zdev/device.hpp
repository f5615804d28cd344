// A device relays messages between two sockets until it is stopped.
//
// Sockets: the caller owns every socket, before, during and after run(), and whatever its outcome; a device never closes one.
// While run() is under way no other code may use them (libzmq sockets are not thread safe), and none may be closed.
// Threads: run() in one thread at a time. pause(), resume(), drain(), stop() and statistics() from any thread at any time;
// stop(), pause() and resume() from a signal handler too.
// Errors: zmq::error_t with its errno, or zdev::error, which adds a text.

#ifndef ZDEV_DEVICE_HPP
#define ZDEV_DEVICE_HPP

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <zdev/command.hpp>
#include <zdev/statistics.hpp>
#include <zmq.hpp>

namespace zdev {

// An error whose text says what happened and what to do. num() is the errno, as in any zmq::error_t.
class error : public zmq::error_t {
public:
    error(int number, std::string text) : zmq::error_t(number), text_(std::move(text)) {}
    const char* what() const noexcept override { return text_.c_str(); }

private:
    std::string text_;
};

// What to do with a message whose one receiver is full: wait and hold the direction back, losing nothing; or drop that
// message, whole, and count it. Where any of several receivers would do (DEALER, PUSH) a device always waits.
enum class on_full { block, drop };

// A third socket that gets a copy of every message forwarded, [prefix, frame, frame, ...], the frames as they were sent on;
// with a dropped_prefix also of those that could not be delivered, as they were to be sent.
struct monitor {
    zmq::socket_ref socket;                         // PUB, XPUB, PUSH, PAIR or DEALER; none: no monitor
    std::optional<std::string> in_prefix = "in";    // of messages that the in socket received; none: no prefix frame
    std::optional<std::string> out_prefix = "out";  // of messages that the out socket received
    zdev::on_full on_full = zdev::on_full::block;   // PUB and XPUB drop by themselves and never wait
    // Of messages dropped as unroutable or overflowed; none: these are not copied.
    std::optional<std::string> dropped_prefix = std::nullopt;  // NOLINT(readability-redundant-member-init): g++ warns without
};

struct options {
    zdev::monitor monitor;
    zmq::socket_ref control;                         // REP, PAIR, DEALER, SUB, PULL or XSUB; none: no control socket
    zdev::on_full on_full = zdev::on_full::block;    // for a ROUTER with ZMQ_ROUTER_MANDATORY whose one peer is full
    std::chrono::milliseconds drain_timeout{30000};  // of a DRAIN that names none
};

// How a run ended.
enum class outcome { stopped, drained, drain_timed_out };

class device {
public:
    // Checks the sockets and relays nothing yet. `in` and `out` may be one socket, which then answers itself.
    //
    // Throws zdev::error with EINVAL when the types can't work together (the text names both), ENOTSOCK for an invalid or
    // closed socket, EMFILE when the process has no descriptor left.
    device(zmq::socket_ref in, zmq::socket_ref out, const options& options = {});
    ~device();
    device(const device&) = delete;
    device& operator=(const device&) = delete;

    // Called by run() in its own thread when a signal interrupted it and at least every 50 ms; may throw to end the run.
    using interrupt_check = std::function<void()>;

    // Relays until stop(), TERMINATE or the end of a drain. A message that could not be sent when a run ends remains
    // pending, and the next run sends it first. Messages of more than 65,536 frames are dropped and counted as malformed, and
    // so are messages to a ROUTER without destination and content, and between ROUTERs those without a sender besides. Without
    // a check, signals are ignored: end a run from a handler with stop().
    //
    // Throws zmq::error_t: ETERM when the context of a socket was terminated, ENOTSOCK when a socket was closed during the run,
    // EBUSY when the device is already running; and whatever the check throws.
    outcome run(const interrupt_check& check = {});

    void pause() noexcept;   // stop moving messages until resume()
    void resume() noexcept;  // continue after pause()
    void stop() noexcept;    // end the current run, or else the next one at its start

    // Stop reading from `in`, wait for the pending replies from `out`, then end the run. Behind a ROUTER as `in`, replies are
    // counted by peer. End after `timeout` at the latest; negative: no limit. PUB/SUB types have no replies.
    void drain(std::chrono::milliseconds timeout) noexcept;

    // Drops pending messages between runs, before the caller closes the sockets. Returns how many were dropped; `pending` still
    // counts them, and copies for the monitor are counted as `monitor_dropped`.
    int discard();

    zdev::statistics statistics() const noexcept;

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

// Relay between two sockets, in both directions if their types allow it. Returns only by an exception (see device::run).
void queue(zmq::socket_ref in, zmq::socket_ref out);
void forwarder(zmq::socket_ref in, zmq::socket_ref out);  // queue() by its ØMQ 2 name for SUB to PUB
void streamer(zmq::socket_ref in, zmq::socket_ref out);   // queue() by its ØMQ 2 name for PULL to PUSH

// A queue that copies every message to `mon` too, after a prefix frame.
void monitored_queue(zmq::socket_ref in, zmq::socket_ref out, zmq::socket_ref mon, std::string in_prefix = "in",
                     std::string out_prefix = "out");

// zmq_proxy(3): a queue that copies every message, unprefixed, to `capture` if there is one.
void proxy(zmq::socket_ref frontend, zmq::socket_ref backend, zmq::socket_ref capture = {});

// zmq_proxy_steerable(3): a proxy that executes commands from `control` (see command.hpp) and returns upon TERMINATE or the end
// of a DRAIN.
outcome proxy_steerable(zmq::socket_ref frontend, zmq::socket_ref backend, zmq::socket_ref capture, zmq::socket_ref control);

}  // namespace zdev

#endif
