#include "inbox.hpp"

namespace zdev {

inbox::inbox(relay_socket& from, const relay_socket& to, flow_counters& counters)
    : from_(from), counters_(counters), may_mix_(from.type() == ZMQ_XPUB) {
    if (from.type() == ZMQ_XPUB && to.type() == ZMQ_XSUB && from.count_topics() >= 0) withdrawals_.emplace(from);
    discarding_ = from.in_midst_of_message();
    reads_plainly_ = is_plain() && !discarding_;
}

void inbox::begin_run() noexcept {
    if (withdrawals_) withdrawals_->reset();
}

// libzmq keeps one text of a property for each connection, and so it tells connections apart; it has none of inproc.
bool inbox::have_one_sender(const zmq::message_t& a, const zmq::message_t& b) {
    const auto connection = [](const zmq::message_t& frame) { return zmq_msg_gets(frame.handle(), "Socket-Type"); };
    return connection(a) == connection(b);
}

// After a first frame the others are there: libzmq passes messages on whole.
void inbox::drop_unfinished(outbox& message) {
    message.take_back();
    if (!message.empty()) drop_malformed(message);
}

// A message without an end: of one whose first frame is a subscription, an XPUB may swallow the last.
void inbox::drop_malformed(outbox& message) {
    if (withdrawals_) withdrawals_->doubt();
    count_received(message.frames());
    counters_.malformed.add(1);
    message.clear();
    bytes_ = 0;
}

// The last frame is another peer's: what came before has no end, and this frame begins a message.
zmq::message_t& inbox::restart(outbox& message) {
    zmq::message_t first;
    first.swap(message.last());
    message.take_back();
    drop_malformed(message);
    message.start().swap(first);
    return message[0];
}

// Drops what has come of a message, and with discard_rest() what follows of it: another message must not run into it.
receiving inbox::discard(outbox& message, unsigned flags) {
    if (may_mix_) discarded_from_.swap(message[0]);
    drop_malformed(message);
    set_discarding((flags & command_frame_filter::more) != 0);
    return receiving::dropped;
}

// Receives with the rare work before and after a message: the turn of a REP, the rest of a message that was dropped,
// unsubscriptions that are held.
receiving inbox::receive_with_care(outbox& message) {
    if (!has_turn()) return receiving::nothing;
    if (!discarding_ && withdrawals_ && withdrawals_->has_next()) return next_withdrawal(message);
    const receiving result = discarding_ ? discard_rest(message) : read<false>(message);
    if (result == receiving::message) return accept(message);
    return result == receiving::nothing && withdrawals_ ? release_withdrawals(message) : result;
}

// A REP decides when it receives a request whether its client has room for the reply. The news of room was sent before that
// request: a refresh after the one that found the request has processed it.
bool inbox::has_turn() {
    return from_.type() != ZMQ_REP || ((from_.refresh() & ZMQ_POLLIN) != 0 && (from_.refresh() & ZMQ_POLLIN) != 0);
}

receiving inbox::accept(outbox& message) {
    if (withdrawals_) {
        for (std::size_t i = 1; i < message.frames(); ++i) withdrawals_->note_part(message[i]);
        if (withdrawals_->hold(message[0])) {
            message.clear();
            return receiving::dropped;
        }
    }
    count_received(message.frames());
    return receiving::message;
}

// Frames of one turn at most, for it may be very long; the next turn continues here.
receiving inbox::discard_rest(outbox& message) {
    zmq::message_t frame;
    for (std::uint64_t left = frames_per_turn; discarding_ && left > 0; --left) {
        const int size = from_.receive(frame);
        if (size < 0) {
            set_discarding(false);  // messages arrive whole: it has no end
            return receiving::nothing;
        }
        if (may_mix_ && !have_one_sender(discarded_from_, frame)) {  // it ended without a last frame, and another begins
            set_discarding(false);
            message.start().swap(frame);
            bytes_ = first_size_ = static_cast<std::size_t>(size);
            return read_rest<false>(message);
        }
        counters_.frames_received.add(1);
        counters_.bytes_received.add(static_cast<std::uint64_t>(size));
        set_discarding(frame.more());
    }
    return receiving::dropped;
}

// A REP must answer each request before it receives the next.
void inbox::set_discarding(bool more) {
    discarding_ = more;
    reads_plainly_ = is_plain() && !discarding_;
    if (more || from_.type() != ZMQ_REP) return;
    zmq::message_t answer;
    from_.send(answer);
}

// The XPUB has nothing more to report: the unsubscriptions held until then follow.
receiving inbox::release_withdrawals(outbox& message) {
    if (!from_.settled()) return receiving::nothing;
    const std::size_t dropped = withdrawals_->settle();
    counters_.messages_received.add(dropped);
    counters_.frames_received.add(dropped);
    counters_.malformed.add(dropped);
    return withdrawals_->has_next() ? next_withdrawal(message) : receiving::nothing;
}

receiving inbox::next_withdrawal(outbox& message) {
    zmq::message_t& frame = message.start();
    withdrawals_->next(frame);
    bytes_ = frame.size();
    count_received(1);
    return receiving::message;
}

}  // namespace zdev
