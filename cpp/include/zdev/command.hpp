// The control protocol: what a control socket may say to a device, and what the device answers.
//
// PAUSE, RESUME, TERMINATE and STATISTICS are those of zmq_proxy_steerable(3); DRAIN is zdev's own. A command is a message
// of one frame. A REP control socket answers every message: an empty frame when the command was accepted, the eight counters
// to STATISTICS, and a text that says what is wrong to anything else. Other socket types answer STATISTICS only.
//
// Threads: pure functions, callable from anywhere.

#ifndef ZDEV_COMMAND_HPP
#define ZDEV_COMMAND_HPP

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <zdev/statistics.hpp>

namespace zdev {

enum class verb { pause, resume, drain, terminate, statistics };

struct command {
    zdev::verb verb = zdev::verb::pause;
    std::chrono::milliseconds timeout{-1};  // of DRAIN; negative: the device's own drain_timeout
};

// Parses "PAUSE", "RESUME", "TERMINATE", "STATISTICS", "DRAIN" or "DRAIN <milliseconds>", exactly so: case matters and nothing
// may stand before or after. Returns nothing for any other text.
std::optional<command> parse_command(std::string_view text) noexcept;

// The eight numbers of libzmq's STATISTICS reply, in its order: frames and bytes received by the frontend (in), sent by the
// frontend, received by the backend (out), sent by the backend. On the wire each is a frame of a uint64_t in host byte order.
std::array<std::uint64_t, 8> statistics_reply(const statistics& s) noexcept;

}  // namespace zdev

#endif
