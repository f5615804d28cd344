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
#include "router.hpp"
#include "workers/pool.hpp"

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

    void set_policies(tap monitor, zdev::on_full on_full);
    // Its messages are requests (`asks`) or the replies to them.
    void count_replies(pending_replies& replies, bool asks) noexcept { replies_ = &replies, asks_ = asks; }

    // Its messages are those of the workers of a pool.
    void read_for(worker_pool& pool) noexcept { pool_ = &pool; }
    // Counts and copies a request that was kept before, and is sent now.
    void count_sent(const outgoing& message, const zmtp::run& counted);
    bool tap_is_full() const noexcept;

    // open: messages are relayed. closed: they stay where they are. discarding: they are dropped, and counted as `discarded`.
    enum class mode { open, closed, discarding };
    void set_mode(mode wanted) noexcept { mode_ = wanted; }

    bool may_read() const noexcept;
    bool discards() const noexcept { return mode_ == mode::discarding; }
    // Takes whole messages; returns how many of their bytes were taken. `whole`: see connection_handler.
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
    bool passes_runs() const noexcept {
        return !router_ && to_.takes_runs() && (!copies() || (tap_.audience && tap_.audience->takes_runs()));
    }
    bool copies() const noexcept { return tap_.to && (!tap_.audience || tap_.audience->has_subscribers()); }
    std::size_t take_runs(connection& from, std::string_view bytes, const zmtp::run& run);
    std::size_t take_groups(connection& from, std::string_view bytes);
    std::size_t take_each(connection& from, std::string_view bytes);
    std::size_t take_from_workers(connection& from, std::string_view bytes, buffer* whole);
    bool take_whole(connection& from, std::string_view bytes, const zmtp::run& run, buffer& whole);
    delivery deliver(outgoing& message, connection& from, std::string_view bytes);
    bool conclude(const outgoing& message, connection& from, delivery result, const zmtp::run& counted);
    void receive(connection& from, const zmtp::run& counted) noexcept {
        received_ += counted;
        from.traffic.messages_received += counted.messages;
    }
    bool address(outgoing& message, connection& from, std::string_view bytes) const noexcept;
    // A run as it is counted: the routing id of its sender is a frame of each message.
    zmtp::run count_sender(const connection& from, zmtp::run run) const noexcept {
        if (!prefixes_sender_) return run;
        run.frames += run.messages;
        run.content += run.messages * from.routing_id().size();
        return run;
    }
    void count_replies(const connection& from, const outgoing& message, std::size_t messages) const noexcept {
        const std::string_view peer = asks_ ? from.routing_id() : message.address;
        const auto place = replies_->place_of(peer.data(), peer.size());
        const auto count = static_cast<std::uint32_t>(messages);
        asks_ ? replies_->asked(place, count) : replies_->answered(place, count);
    }
    void drop_malformed(connection& from) noexcept;
    void count_dropped(connection& from, const outgoing& message, delivery result);
    void copy(const outgoing& message, const std::optional<std::string>& prefix);
    void copy_run(std::string_view bytes, const zmtp::run& run);
    void count_copies(const publisher::outcome& result) noexcept {
        counters.monitor_sent.add(result.sent);
        counters.monitor_dropped.add(result.dropped);
    }

    const bool prefixes_sender_, swap_;
    router* const router_;  // `to`, if it is a ROUTER
    pattern& to_;
    tap tap_;
    zdev::on_full on_full_ = zdev::on_full::block;
    pending_replies* replies_ = nullptr;
    worker_pool* pool_ = nullptr;
    bool asks_ = false;
    mode mode_ = mode::open;
    bool blocked_ = false;
    std::deque<connection*> held_;
    std::string copy_head_, prefix_frame_;
    buffer with_sender_, with_prefix_;  // runs as they are sent
    zmtp::run received_, sent_;         // counted and not published yet
};

}  // namespace zdev::wire

#endif
