#include "flow.hpp"

#include <utility>

namespace zdev {

namespace {

// Messages moved before the other direction, commands and signals get their turn.
constexpr int burst_size = 1000;

// A ROUTER, PUB or XPUB drops messages for a peer that it believes to be full, and learns of new room once a millisecond only,
// in which more messages pass than the usual high-water mark of 1000.
constexpr int news_interval = 64;

// The longest topic that is passed upstream. An XSUB of libzmq 4.3 calls itself once for each byte when a topic ends, which
// takes about 100 bytes of stack each, and threads with 256 KiB exist.
constexpr std::size_t longest_topic = 2048;

// Routing ids have 1 to 255 bytes (zmq_setsockopt(3), ZMQ_ROUTING_ID).
bool can_be_routing_id(const zmq::message_t& frame) { return frame.size() > 0 && frame.size() <= 255; }

// A subscription or an unsubscription, as a publisher understands it.
bool is_subscription(const zmq::message_t& frame) { return frame.size() > 0 && *frame.data<unsigned char>() <= 1; }

}  // namespace

flow::flow(relay_socket& from, relay_socket& to, zdev::on_full on_full, tap monitor, const replies& owed)
    : from_(from),
      to_(to),
      on_full_(on_full),
      replies_(owed.pending),
      asks_(owed.asks),
      check_(check_of(from, to)),
      polls_for_room_(!to.pollout_reliable()),
      had_room_once_(!to.pollout_reliable() || &from == &to),  // a REP has room only once it has received
      inbox_(from, to, counters_),
      message_(&to),
      tap_(std::move(monitor)) {}

flow::check flow::check_of(const relay_socket& from, const relay_socket& to) {
    if (to.type() == ZMQ_XSUB) return check::subscriptions;
    if (to.type() != ZMQ_ROUTER) return check::none;
    return from.type() == ZMQ_ROUTER && &from != &to ? check::addresses : check::envelope;
}

bool flow::burst(bool may_read) {
    const bool had_pending = pending();
    if ((had_pending && !retry()) || !may_read || !had_room_once()) {
        // Nothing is received here now, and the other direction's sends need its news too.
        some_wait_ = (from_.refresh() & ZMQ_POLLIN) != 0;
        return had_pending && !pending();
    }
    return (inbox_.may_have_messages() && forward()) || had_pending;
}

// Sends what is pending. False: something still is, and blocked_on() is the socket that is full. A send looks for news of room
// once a millisecond only, so refresh() does.
bool flow::retry() {
    if (blocked_on_) blocked_on_->refresh();
    blocked_on_ = nullptr;
    return (message_.empty() || deliver_message()) && (!tap_.pending() || deliver_copy());
}

bool flow::had_room_once() {
    if (!had_room_once_) {
        had_room_once_ = (to_.refresh() & ZMQ_POLLOUT) != 0;
        blocked_on_ = had_room_once_ ? nullptr : &to_;
    }
    return had_room_once_;
}

// The hot path: what it calls for each message is compiled into it. Returns whether anything moved.
bool flow::forward() {
    bool moved = false;
    const std::uint64_t last_frame = counters_.frames_received.get() + inbox::frames_per_turn;
    for (int left = burst_size; left > 0; --left) {
        const receiving received = inbox_.receive(message_);
        if (received == receiving::nothing) break;
        moved = true;
        const std::size_t frames = message_.frames();
        if (received == receiving::message && accept() && !deliver_message()) break;
        if (tap_.pending() && !deliver_copy()) break;
        if (polls_for_room_ && left % news_interval == 0) to_.refresh();
        // Messages of one frame cannot exceed the frames of a turn.
        if (frames != 1 && counters_.frames_received.get() >= last_frame) break;
    }
    message_.release_copies();
    return moved;
}

// False: the message cannot be delivered and is dropped.
inline bool flow::accept() {
    if (check_ != check::none && !is_deliverable()) {
        counters_.malformed.add(1);
        message_.clear();
        return false;
    }
    if (replies_) account_reply();
    if (tap_.wants_copies()) tap_.copy(message_);
    return true;
}

inline bool flow::is_deliverable() {
    if (check_ == check::envelope) return message_.frames() >= 2;
    return check_ == check::addresses ? swap_addresses() : !harms_publisher();
}

// Between ROUTERs [sender, destination, content, ...], as one receives it, becomes [destination, sender, content, ...] for the
// other. False: it does not have such frames.
bool flow::swap_addresses() {
    if (message_.frames() < 3 || !can_be_routing_id(message_[1])) return false;
    message_[0].swap(message_[1]);
    return true;
}

// A publisher without only_first_subscribe takes a later frame for a subscription or the end of one, whoever holds the topic.
bool flow::harms_publisher() {
    for (std::size_t i = 1; i < message_.frames(); ++i) {
        if (is_subscription(message_[i])) return true;
    }
    return message_[0].size() > longest_topic + 1 && is_subscription(message_[0]);
}

// A request is pending once it is sent. A reply pays for it whatever becomes of the reply: a peer that has left waits for none.
inline void flow::account_reply() {
    const bool swapped = check_ == check::addresses;
    if (asks_) {
        asker_ = replies_->place_of(message_[swapped ? 1 : 0], inbox_.first_size());
    } else {
        replies_->answered(replies_->place_of(message_[0], swapped ? message_[0].size() : inbox_.first_size()));
    }
}

inline bool flow::deliver_message() {
    const std::size_t frames = message_.frames();
    const sending result = message_.send();
    if (result != sending::sent) return undelivered(result);
    counters_.messages_sent.add(1);
    counters_.frames_sent.add(frames);
    counters_.bytes_sent.add(inbox_.bytes());
    if (asks_) replies_->asked(asker_);
    return true;
}

bool flow::undelivered(sending result) {
    if (result == sending::full && (to_.type() != ZMQ_ROUTER || on_full_ == on_full::block)) {
        blocked_on_ = &to_;
        return false;
    }
    (result == sending::full ? counters_.overflowed : counters_.unroutable).add(1);
    tap_.copy_dropped(message_);
    message_.clear();
    return true;
}

bool flow::deliver_copy() {
    if (tap_.deliver(counters_)) return true;
    blocked_on_ = tap_.monitor();
    return false;
}

bool flow::drop_pending() noexcept {
    const bool had_message = !message_.empty();
    if (!had_message && tap_.pending()) counters_.monitor_dropped.add(1);
    message_.clear();
    tap_.discard();
    blocked_on_ = nullptr;
    return had_message;
}

}  // namespace zdev
