// The messages that arrive at one socket: each is read whole, or dropped whole and counted as malformed.
//
// Threads: the loop's only.

#ifndef ZDEV_SRC_SOCKETS_INBOX_HPP
#define ZDEV_SRC_SOCKETS_INBOX_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <zmq.hpp>

#include "../flow_counters.hpp"
#include "command_frame.hpp"
#include "outbox.hpp"
#include "relay_socket.hpp"
#include "withdrawals.hpp"

namespace zdev {

// `dropped`: something was read, but not a message to pass on now.
enum class receiving { nothing, dropped, message };

class inbox {
public:
    // Frames that are read before the other direction, commands and signals get their turn.
    static constexpr std::uint64_t frames_per_turn = 4000;

    // to: where the messages go. counters: outlive the inbox.
    inbox(relay_socket& from, const relay_socket& to, flow_counters& counters);

    // A run begins.
    void begin_run() noexcept;

    // False: nothing can be here now, so receive() need not be called.
    bool may_have_messages() const noexcept { return !from_.settled() || (withdrawals_ && withdrawals_->has_next()); }

    // Reads a message into the empty box. `nothing`: there is none now, or a REP or REQ is out of turn. Throws zmq::error_t.
    receiving receive(outbox& message) {
        if (!reads_plainly_) return receive_with_care(message);
        const receiving result = read(message, false);
        if (result == receiving::message) count_received(message.frames());
        return result;
    }

    // Of the message that was received last: its bytes, and those of its first frame.
    std::uint64_t bytes() const noexcept { return bytes_; }
    std::size_t first_size() const noexcept { return first_size_; }

private:
    // The frames of the longest message that is passed on. Reading them takes a few milliseconds, in which nothing else moves.
    static constexpr std::size_t most_frames = 65536;

    receiving read(outbox& message, bool may_mix);
    receiving read_rest(outbox& message, bool may_mix);
    bool read_frame(outbox& message);
    static bool have_one_sender(const zmq::message_t& a, const zmq::message_t& b);
    void count_received(std::size_t frames) noexcept {
        counters_.messages_received.add(1);
        counters_.frames_received.add(frames);
        counters_.bytes_received.add(bytes_);
    }
    void drop_unfinished(outbox& message);
    void drop_malformed(outbox& message);
    void keep_last(outbox& message);
    receiving discard(outbox& message, unsigned flags);

    // Not so: a REP, whose turn must be waited for, and an XPUB, whose frames and unsubscriptions must be checked.
    bool is_plain() const noexcept { return from_.type() != ZMQ_REP && from_.type() != ZMQ_XPUB; }
    receiving receive_with_care(outbox& message);
    bool has_turn();
    receiving accept(outbox& message);
    receiving discard_rest(outbox& message);
    void set_discarding(bool more);
    receiving release_withdrawals(outbox& message);
    receiving next_withdrawal(outbox& message);

    relay_socket& from_;
    flow_counters& counters_;
    const command_frame_filter commands_;
    const bool may_mix_;  // frames of several senders in what libzmq gives out as one message
    bool reads_plainly_;  // nothing precedes a message, nor follows it: the usual case
    bool discarding_;     // the rest of a message that was dropped, which is still at `from`
    std::uint64_t bytes_ = 0;
    std::size_t first_size_ = 0;
    zmq::message_t discarded_from_;           // the first frame of the message that is discarded, where messages may mix
    std::optional<withdrawals> withdrawals_;  // from an XPUB to an XSUB
};

inline receiving inbox::read(outbox& message, bool may_mix) {
    bytes_ = 0;
    if (!read_frame(message)) return receiving::nothing;
    first_size_ = bytes_;
    return read_rest(message, may_mix);
}

inline receiving inbox::read_rest(outbox& message, bool may_mix) {
    while (const unsigned flags = commands_.flags(message.last())) {
        if (flags != command_frame_filter::more || message.frames() == most_frames) return discard(message, flags);
        if (!read_frame(message)) return receiving::nothing;
        if (may_mix && !have_one_sender(message[0], message.last())) keep_last(message);
    }
    return receiving::message;
}

// Reads a frame to the end of the message. False: none has come, and what came before of the message is dropped.
inline bool inbox::read_frame(outbox& message) {
    zmq::message_t& frame = message.add();
    int size = relay_socket::nothing;
    try {
        size = from_.receive(frame);
    } catch (const zmq::error_t&) {
        drop_unfinished(message);
        throw;
    }
    if (size < 0) {
        drop_unfinished(message);
        return false;
    }
    bytes_ += static_cast<std::uint64_t>(size);
    return true;
}

}  // namespace zdev

#endif
