// One direction of a device: receives, swaps, sends and copies. No other code moves a message.
//
// Threads: the loop's only, except for the counters, which any thread may read.

#ifndef ZDEV_SRC_SOCKETS_FLOW_HPP
#define ZDEV_SRC_SOCKETS_FLOW_HPP

#include <chrono>
#include <optional>
#include <string>
#include <zdev/device.hpp>
#include <zdev/statistics.hpp>

#include "../counter.hpp"
#include "command_frame.hpp"
#include "outbox.hpp"
#include "pending_replies.hpp"
#include "relay_socket.hpp"
#include "withdrawals.hpp"

namespace zdev {

class flow {
public:
    struct tap {
        relay_socket* to = nullptr;  // none: no monitor
        std::optional<std::string> prefix, dropped_prefix;
        zdev::on_full on_full = zdev::on_full::block;
    };

    // Which messages are requests, and which the replies to these.
    struct replies {
        pending_replies* pending = nullptr;  // none: nothing is owed
        bool asks = false;                   // this flow's messages are the requests
    };

    flow(relay_socket& from, relay_socket& to, const tap& monitor, zdev::on_full on_full, const replies& owed);

    // A run begins.
    void begin_run() noexcept;

    // Sends what is pending, then forwards up to a burst of messages that have arrived; reads nothing unless `may_read`.
    // Returns whether anything moved. Throws zmq::error_t; a pending message is kept.
    bool burst(bool may_read);

    // Drops what is pending, and counts a copy for the monitor as dropped. Returns whether a message was pending.
    bool drop_pending() noexcept;

    // The socket that this flow waits for: `from` for messages, or the one that is full.
    const relay_socket& from() const noexcept { return from_; }
    const relay_socket* blocked_on() const noexcept { return blocked_on_; }
    bool pending() const noexcept { return !message_.empty() || !copy_.empty(); }
    bool holds_back() const noexcept { return blocked_on_ && (pending() || some_wait_); }

    // Adds to the time for which the flow held messages back.
    void add_blocked(std::chrono::nanoseconds time) noexcept { blocked_.add(static_cast<std::uint64_t>(time.count())); }

    std::uint64_t messages_received() const noexcept { return messages_received_.get(); }
    std::uint64_t messages_sent() const noexcept { return messages_sent_.get(); }
    flow_statistics statistics() const noexcept;

private:
    // The next step of receive(): there is nothing to read now, it is done, or it reads a message.
    enum class next { nothing, done, read };

    bool ready_to_read();
    bool receive();
    next prepare_to_read();
    bool read_message();
    bool take_message();
    bool accept_message();
    bool release_withdrawals();
    bool next_withdrawal();
    void account_reply();
    bool is_deliverable();
    bool harms_publisher();
    bool discard(bool more);
    next discard_rest();
    void set_discarding(bool more);
    int receive_frame(zmq::message_t& frame);
    void drop_unfinished();
    void count_received();
    void drop_malformed();
    void restart_message();
    bool undelivered(sending result);
    bool swap_addresses();
    void load_copy();
    void load_dropped();
    void load_prefix();
    bool deliver();
    bool deliver_message();
    bool deliver_copy();

    relay_socket& from_;
    relay_socket& to_;
    relay_socket* const monitor_;
    const zdev::on_full on_full_;
    const zdev::on_full monitor_on_full_;
    pending_replies* const replies_;
    const bool asks_;
    pending_replies::place asker_ = 0;  // of the peer whose request is pending
    const bool swap_;
    const bool prefixed_;
    const bool probes_;      // the prefix reveals whether any subscriber took it
    const bool may_refuse_;  // `to` does not take every message
    const bool polls_for_room_;
    const bool may_mix_;        // frames of several senders in what libzmq gives out as one message
    const bool reads_plainly_;  // nothing precedes a message: the usual case
    bool had_room_once_;        // `to` had room at least once: until then no message is received
    zmq::message_t prefix_;
    std::optional<zmq::message_t> dropped_prefix_;  // none: the monitor gets no dropped messages
    std::optional<withdrawals> withdrawals_;        // from an XPUB to an XSUB
    const command_frame_filter commands_;
    bool discarding_;                // the rest of a message that was dropped, which is still at `from`
    zmq::message_t discarded_from_;  // its first frame, where messages may mix
    outbox message_;
    outbox copy_;                 // for the monitor
    std::uint64_t bytes_ = 0;     // of the pending message
    std::size_t first_size_ = 0;  // of its first frame, as it was received
    relay_socket* blocked_on_ = nullptr;
    bool some_wait_ = false;       // at `from`, when it was looked at last and not read
    const void* probe_ = nullptr;  // the prefix of the pending copy, if it is a probe
    // refresh_count of the monitor when the last probe was sent, and when nobody took it.
    std::uint64_t probed_at_ = never, refused_at_ = never;
    static constexpr std::uint64_t never = ~std::uint64_t{0};

    counter messages_received_, frames_received_, bytes_received_;
    counter messages_sent_, frames_sent_, bytes_sent_;
    counter malformed_, unroutable_, overflowed_;
    counter monitor_sent_, monitor_dropped_;
    counter blocked_;  // nanoseconds
};

}  // namespace zdev

#endif
