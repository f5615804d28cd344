// One direction of a device: receive, swap, send, tap. The only code that moves a message.
//
// Threads: the loop's alone, but for the counters, which any thread may read.

#ifndef ZDEV_SRC_FLOW_HPP
#define ZDEV_SRC_FLOW_HPP

#include <chrono>
#include <optional>
#include <string>
#include <zdev/device.hpp>
#include <zdev/statistics.hpp>

#include "command_frame.hpp"
#include "counter.hpp"
#include "endpoint.hpp"
#include "outbox.hpp"
#include "pending_replies.hpp"
#include "withdrawals.hpp"

namespace zdev {

class flow {
public:
    struct tap {
        endpoint* to = nullptr;  // none: no monitor
        std::optional<std::string> prefix, dropped_prefix;
        zdev::on_full on_full = zdev::on_full::block;
    };

    // Which messages are requests, and which the replies to these.
    struct replies {
        pending_replies* pending = nullptr;  // none: nothing is owed
        bool asks = false;                   // this flow's messages are the requests
    };

    flow(endpoint& from, endpoint& to, const tap& monitor, zdev::on_full on_full, const replies& owed);

    // A run begins.
    void begin_run() noexcept;

    // Sends what is in hand, then forwards what has arrived, up to a burst; reads nothing unless `may_read`. Returns whether
    // anything moved. Throws zmq::error_t; a message in hand stays there.
    bool burst(bool may_read);

    // Drops what is in hand, and counts a copy for the monitor as dropped. Returns whether a message was.
    bool drop_in_hand() noexcept;

    // Where the loop has to look before this flow can go on: `from` for messages, or the socket that is full.
    const endpoint& from() const noexcept { return from_; }
    const endpoint* blocked_on() const noexcept { return blocked_on_; }
    bool in_hand() const noexcept { return !message_.empty() || !copy_.empty(); }
    bool holds_back() const noexcept { return blocked_on_ && (in_hand() || some_wait_); }

    // The flow held something back for so long.
    void add_blocked(std::chrono::nanoseconds time) noexcept { blocked_.add(static_cast<std::uint64_t>(time.count())); }

    std::uint64_t messages_received() const noexcept { return messages_received_.get(); }
    std::uint64_t messages_sent() const noexcept { return messages_sent_.get(); }
    flow_statistics statistics() const noexcept;

private:
    // What receive() does after what came first: nothing can be read now, it is done, or it reads a message.
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
    bool is_overlong_subscription();
    bool discard(bool more);
    next discard_rest();
    void set_discarding(bool more);
    bool nothing_came(int why);
    void count_received();
    void drop_malformed();
    void begin_anew();
    bool undelivered(sending result);
    bool swap_addresses();
    void load_copy();
    void load_dropped();
    void load_prefix();
    bool deliver();
    bool deliver_message();
    bool deliver_copy();

    endpoint& from_;
    endpoint& to_;
    endpoint* const monitor_;
    const zdev::on_full on_full_;
    const zdev::on_full monitor_on_full_;
    pending_replies* const replies_;
    const bool asks_;
    pending_replies::place asker_ = 0;  // the place of the peer whose request is in hand
    const bool swap_;
    const bool prefixed_;
    const bool probes_;      // the prefix can tell whether any subscriber took it
    const bool may_refuse_;  // `to` does not take every message
    const bool looks_for_room_;
    const bool may_mix_;        // frames of several senders in what libzmq gives out as one message
    const bool reads_plainly_;  // nothing precedes a message: the usual case
    bool proven_;               // `to` had room at least once: until then no message is taken in hand
    zmq::message_t prefix_;
    std::optional<zmq::message_t> dropped_prefix_;  // none: the monitor gets no dropped messages
    std::optional<withdrawals> withdrawals_;        // from an XPUB to an XSUB
    const command_frame_filter commands_;
    bool discarding_;                // the rest of a message that was dropped, which is still at `from`
    zmq::message_t discarded_from_;  // its first frame, where messages may mix
    outbox message_;
    outbox copy_;                 // for the monitor
    std::uint64_t bytes_ = 0;     // of the message in hand
    std::size_t first_size_ = 0;  // of its first frame, as it was received
    endpoint* blocked_on_ = nullptr;
    bool some_wait_ = false;       // at `from`, when it was looked at last and not read
    const void* probe_ = nullptr;  // the prefix of the copy in hand, if it shall tell
    // As of which look at the monitor a prefix was sent that tells, and as of which nobody took it.
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
