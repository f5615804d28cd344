// The monitor's part of one direction: copies of messages, and whether any are needed.
//
// Threads: the loop's only.

#ifndef ZDEV_SRC_SOCKETS_TAP_HPP
#define ZDEV_SRC_SOCKETS_TAP_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <zdev/device.hpp>

#include "../flow_counters.hpp"
#include "outbox.hpp"
#include "relay_socket.hpp"

namespace zdev {

class tap {
public:
    // monitor: none if there is no monitor. prefix: the direction's own among those of the options.
    tap(relay_socket* monitor, const std::optional<std::string>& prefix, const zdev::monitor& options);

    relay_socket* monitor() const noexcept { return monitor_; }

    // False: there is no monitor, or none of its subscribers takes a copy.
    bool wants_copies() const noexcept {
        return monitor_ && monitor_->has_subscribers() && monitor_->refresh_count() != refused_at_;
    }

    // Makes the pending copy, before the message is sent: then its frames are libzmq's.
    void copy(outbox& message);

    // Makes a copy of a message that could not be delivered, instead of the pending copy, if dropped messages are wanted.
    void copy_dropped(outbox& message);

    bool pending() const noexcept { return !copy_.empty(); }

    // Sends the pending copy, or drops it as the options say. False: the monitor is full, and the copy remains pending.
    bool deliver(flow_counters& counters);

    // Drops the pending copy.
    void discard() noexcept { copy_.clear(); }

private:
    void add_prefix();
    void add_frames(outbox& message);

    relay_socket* const monitor_;
    const zdev::on_full on_full_;
    const bool prefixed_;
    const bool probes_;  // the prefix reveals whether any subscriber took it
    zmq::message_t prefix_;
    std::optional<zmq::message_t> dropped_prefix_;  // none: the monitor gets no dropped messages
    outbox copy_;
    const void* probe_ = nullptr;  // the content of the pending copy's prefix, if it is a probe
    // refresh_count() of the monitor when the last probe was sent, and when no subscriber took it.
    std::uint64_t probed_at_ = never, refused_at_ = never;
    static constexpr std::uint64_t never = ~std::uint64_t{0};
};

}  // namespace zdev

#endif
