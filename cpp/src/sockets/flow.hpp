// One direction of a device: receives, swaps, sends and copies. No other code moves a message.
//
// Threads: the loop's only, except for the counters, which any thread may read.

#ifndef ZDEV_SRC_SOCKETS_FLOW_HPP
#define ZDEV_SRC_SOCKETS_FLOW_HPP

#include <chrono>
#include <zdev/device.hpp>
#include <zdev/statistics.hpp>

#include "../flow_counters.hpp"
#include "../pending_replies.hpp"
#include "inbox.hpp"
#include "outbox.hpp"
#include "relay_socket.hpp"
#include "tap.hpp"

namespace zdev {

class flow {
public:
    // Which messages are requests, and which the replies to these.
    struct replies {
        pending_replies* pending = nullptr;  // none: nothing is owed
        bool asks = false;                   // this flow's messages are the requests
    };

    flow(relay_socket& from, relay_socket& to, zdev::on_full on_full, tap monitor, const replies& owed);

    // A run begins.
    void begin_run() noexcept { inbox_.begin_run(); }

    // Sends what is pending, then forwards up to a burst of messages that have arrived; reads nothing unless `may_read`.
    // Returns whether anything moved. Throws zmq::error_t; a pending message is kept.
    bool burst(bool may_read);

    // Drops what is pending, and counts a copy for the monitor as dropped. Returns whether a message was pending.
    bool drop_pending() noexcept;

    // The socket that this flow waits for: `from` for messages, or the one that is full.
    const relay_socket& from() const noexcept { return from_; }
    const relay_socket* blocked_on() const noexcept { return blocked_on_; }
    bool pending() const noexcept { return !message_.empty() || tap_.pending(); }
    bool holds_back() const noexcept { return blocked_on_ && (pending() || some_wait_); }

    // Adds to the time for which the flow held messages back.
    void add_blocked(std::chrono::nanoseconds time) noexcept {
        counters_.blocked.add(static_cast<std::uint64_t>(time.count()));
    }

    flow_statistics statistics() const noexcept { return counters_.read(); }

private:
    // What `to` needs: a ROUTER content after the destination by which it routes (of a destination alone libzmq makes nothing,
    // silently); a ROUTER behind a ROUTER the addresses swapped; an XSUB messages that harm no publisher.
    enum class check : unsigned char { none, envelope, addresses, subscriptions };
    static check check_of(const relay_socket& from, const relay_socket& to);

    bool retry();
    bool had_room_once();
    bool forward();
    bool accept();
    bool is_deliverable();
    bool swap_addresses();
    bool harms_publisher();
    void account_reply();
    bool deliver_message();
    bool deliver_copy();
    bool undelivered(sending result);

    relay_socket& from_;
    relay_socket& to_;
    const zdev::on_full on_full_;
    pending_replies* const replies_;
    const bool asks_;
    const check check_;
    const bool polls_for_room_;
    bool had_room_once_;                // `to` had room at least once: until then no message is received
    bool some_wait_ = false;            // at `from`, when it was looked at last and not read
    pending_replies::place asker_ = 0;  // of the peer whose request is pending
    relay_socket* blocked_on_ = nullptr;
    flow_counters counters_;
    inbox inbox_;
    outbox message_;
    tap tap_;
};

}  // namespace zdev

#endif
