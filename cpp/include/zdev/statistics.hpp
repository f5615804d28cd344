// What a device has done so far: plain counters, one set for each direction.
//
// Threads: a `statistics` is a value. device::statistics() may be called from any thread while the device runs; each counter
// is read whole, and the set is as of about the same moment (a message under way may be in one counter and not yet in the
// next).

#ifndef ZDEV_STATISTICS_HPP
#define ZDEV_STATISTICS_HPP

#include <cstdint>

namespace zdev {

// What the loop is doing. `idle` before, between and after runs.
enum class state { idle, active, paused, draining };

// The counters of one direction, from the socket it reads to the socket it writes. A message is all its frames; bytes are
// those of the frames as the application sees them (a ROUTER's routing id included), without ZMTP framing.
struct flow_statistics {
    std::uint64_t messages_received = 0;
    std::uint64_t frames_received = 0;
    std::uint64_t bytes_received = 0;
    std::uint64_t messages_sent = 0;
    std::uint64_t frames_sent = 0;
    std::uint64_t bytes_sent = 0;
    std::uint64_t malformed = 0;        // dropped: too few frames for a ROUTER, too many, a command in it, or no end
    std::uint64_t unroutable = 0;       // dropped: EHOSTUNREACH from a ROUTER with ZMQ_ROUTER_MANDATORY
    std::uint64_t overflowed = 0;       // dropped: that peer was full and the device's on_full is `drop`
    std::uint64_t monitor_sent = 0;     // copies that the monitor socket took; none are made while no subscriber has room
    std::uint64_t monitor_dropped = 0;  // copies lost because the monitor was full and its on_full is `drop`

    // How long this direction held messages back because their receiver, or the monitor, had no room or no peer. Excludes time
    // without messages and time paused. As of the loop's last iteration: up to 250 ms behind.
    std::uint64_t blocked_nanoseconds = 0;

    // Messages received and neither sent nor dropped yet: 1 or 0, and while the device runs those that passed during the
    // reading.
    std::uint64_t pending() const noexcept { return messages_received - messages_sent - malformed - unroutable - overflowed; }
};

struct statistics {
    zdev::state state = zdev::state::idle;
    flow_statistics in;   // received on the in socket, sent on the out socket
    flow_statistics out;  // received on the out socket, sent on the in socket

    // Requests forwarded that have no reply yet: what a drain waits for. 0 where nothing is owed: one way, and PUB/SUB types.
    std::uint64_t pending_replies = 0;

    // Turns of the loop. It goes on at least every 250 ms while the device runs, whether idle, paused or under any load: one
    // that stands still is stuck.
    std::uint64_t loop_iterations = 0;
};

}  // namespace zdev

#endif
