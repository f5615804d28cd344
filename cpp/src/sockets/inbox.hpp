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

    // Reads a message into the empty box. `nothing`: no whole message has arrived, or a REP or REQ is out of turn. Throws
    // zmq::error_t.
    receiving receive(outbox& message) {
        if (!reads_plainly_) return receive_with_care(message);
        const receiving result = read<true>(message);
        if (result == receiving::message) count_received(message.frames());
        return result;
    }

    // Of the message that was received last: its bytes, and those of its first frame.
    std::uint64_t bytes() const noexcept { return bytes_; }
    std::size_t first_size() const noexcept { return first_size_; }

private:
    // The frames of the longest message that is passed on. Reading them takes a few milliseconds, in which nothing else moves.
    static constexpr std::size_t most_frames = 65536;

    // plain: messages do not mix, and libzmq's flags can be seen.
    template <bool plain>
    receiving read(outbox& message);
    template <bool plain>
    receiving read_rest(outbox& message);
    int read_frame(zmq::message_t& frame, outbox& message);
    static bool have_one_sender(const zmq::message_t& a, const zmq::message_t& b);
    void count_received(std::size_t frames) noexcept {
        flow_counters& counters = counters_;  // loaded once
        counters.messages_received.add(1);
        counters.frames_received.add(frames);
        counters.bytes_received.add(bytes_);
    }
    void drop_unfinished(outbox& message);
    void drop_malformed(outbox& message);
    zmq::message_t& restart(outbox& message);
    receiving discard(outbox& message, unsigned flags);

    // Not so: a REP, whose turn must be waited for; an XPUB, whose frames and unsubscriptions must be checked; a libzmq whose
    // flags cannot be seen.
    bool is_plain() const noexcept { return from_.type() != ZMQ_REP && from_.type() != ZMQ_XPUB && commands_.sees_flags(); }
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
    bool reads_plainly_;  // is_plain(), and nothing precedes the next message: the usual case
    bool discarding_;     // the rest of a message that was dropped, which is still at `from`
    std::uint64_t bytes_ = 0;
    std::size_t first_size_ = 0;
    zmq::message_t discarded_from_;           // the first frame of the message that is discarded, where messages may mix
    std::optional<withdrawals> withdrawals_;  // from an XPUB to an XSUB
};

template <bool plain>
receiving inbox::read(outbox& message) {
    const int size = read_frame(message.start(), message);
    if (size < 0) return receiving::nothing;
    bytes_ = first_size_ = static_cast<std::size_t>(size);
    return read_rest<plain>(message);
}

// The first frame is in the box.
template <bool plain>
receiving inbox::read_rest(outbox& message) {
    zmq::message_t* frame = &message[0];
    while (unsigned flags = plain || commands_.sees_flags() ? commands_.flags(*frame) : commands_.flags_of_copy(*frame)) {
        if (flags != command_frame_filter::more) flags = commands_.confirm(flags, *frame);
        if (flags == 0) break;
        if (flags != command_frame_filter::more || message.frames() == most_frames) return discard(message, flags);
        frame = &message.add();
        const int size = read_frame(*frame, message);
        if (size < 0) return receiving::nothing;
        if (!plain && may_mix_ && !have_one_sender(message[0], *frame)) {
            frame = &restart(message);
            first_size_ = static_cast<std::size_t>(size);
        }
        bytes_ += static_cast<std::uint64_t>(size);
    }
    return receiving::message;
}

// Receives the last frame of the box. Negative: none has come, and what came before of the message is dropped.
inline int inbox::read_frame(zmq::message_t& frame, outbox& message) {
    int size = relay_socket::nothing;
    try {
        size = from_.receive(frame);
    } catch (const zmq::error_t&) {
        drop_unfinished(message);
        throw;
    }
    if (size < 0) drop_unfinished(message);
    return size;
}

}  // namespace zdev

#endif
