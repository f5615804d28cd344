// One direction of a device: a whole message is addressed, delivered by the pattern of the other side, copied to the monitor,
// and counted. A message that cannot be delivered stays with its connection, which is held until there is a receiver.
//
// Threads: the loop's alone, but for the counters, which any thread may read.

#ifndef ZDEV_SRC_WIRE_RELAY_HPP
#define ZDEV_SRC_WIRE_RELAY_HPP

#include <deque>
#include <optional>
#include <string>

#include "../flow_counters.hpp"
#include "../pending_replies.hpp"
#include "publisher.hpp"

namespace zdev::wire {

// Where copies go.
struct tap {
    pattern* to = nullptr;          // null: no monitor
    publisher* audience = nullptr;  // `to`, if it publishes
    std::optional<std::string> prefix;
    std::optional<std::string> dropped_prefix;  // none: no copies of messages that were dropped
    zdev::on_full on_full = zdev::on_full::block;
};

class relay {
public:
    relay(int from_type, int to_type, bool one_socket, pattern& to, tap monitor, zdev::on_full on_full);

    // Its messages are requests (`asks`) or the replies to them.
    void count_replies(pending_replies& replies, bool asks) noexcept { replies_ = &replies, asks_ = asks; }

    // open: messages are relayed. closed: they stay where they are. discarding: they are dropped, and counted as `discarded`.
    enum class mode { open, closed, discarding };
    void set_mode(mode wanted) noexcept { mode_ = wanted; }

    bool may_read() const noexcept;
    bool discards() const noexcept { return mode_ == mode::discarding; }
    std::size_t batch() const noexcept { return passes_runs() ? ~std::size_t{0} : 1; }
    // Returns how many bytes were taken.
    std::size_t take(connection& from, std::string_view bytes, const zmtp::run& run, buffer* whole);
    // Counts and copies a subscription that goes upstream, like a message.
    void note(std::string_view framed, std::size_t content);

    // Connections whose messages cannot be delivered. wake() lets them try again, in turn.
    void hold(connection& from);
    void forget(connection& from);
    void wake();
    void publish();  // updates the counters, before the effects are visible to others
    bool holds_back() const noexcept { return !held_.empty() && !may_read(); }

    flow_counters counters;
    counter discarded;

private:
    bool passes_runs() const noexcept { return plain_ && to_.takes_runs() && !copies(); }
    bool copies() const noexcept { return tap_.to && (!tap_.audience || tap_.audience->has_subscribers()); }
    bool tap_is_full() const noexcept;
    std::size_t take_run(connection& from, std::string_view bytes, const zmtp::run& run);
    void receive(connection& from, const zmtp::run& counted) noexcept {
        received_ += counted;
        from.traffic.messages_received += counted.messages;
    }
    bool address(outgoing& message, connection& from, std::string_view bytes) const noexcept;
    // A run as it is counted: the routing id of its sender is a frame of each message.
    zmtp::run with_sender(const connection& from, zmtp::run run) const noexcept {
        if (!prefixes_sender_) return run;
        run.frames += run.messages;
        run.content += run.messages * from.routing_id().size();
        return run;
    }
    void count_replies(std::string_view peer, std::size_t messages) const noexcept {
        const auto place = replies_->place_of(peer.data(), peer.size());
        const auto count = static_cast<std::uint32_t>(messages);
        asks_ ? replies_->asked(place, count) : replies_->answered(place, count);
    }
    void drop_malformed(connection& from) noexcept;
    void count_dropped(connection& from, const outgoing& message, delivery result);
    void copy(const outgoing& message, const std::optional<std::string>& prefix);

    const bool prefixes_sender_, swap_, routes_, plain_;
    pattern& to_;
    const tap tap_;
    const zdev::on_full on_full_;
    pending_replies* replies_ = nullptr;
    bool asks_ = false;
    mode mode_ = mode::open;
    bool blocked_ = false;
    std::deque<connection*> held_;
    std::string copy_head_;
    zmtp::run received_, sent_;  // counted and not published yet
};

}  // namespace zdev::wire

#endif
