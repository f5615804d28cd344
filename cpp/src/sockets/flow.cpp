#include "flow.hpp"

#include <memory>
#include <utility>

namespace zdev {

namespace {

// Messages and frames moved before the other direction, control and signals get their turn.
constexpr int burst_size = 1000;
constexpr std::uint64_t burst_frames = 4000;

// The frames of the longest message that is passed on. Gathering them takes a few milliseconds, in which nothing else moves.
constexpr std::size_t most_frames = 65536;

// A ROUTER, PUB or XPUB drops messages for a peer that it believes to be full, and learns of new room once a millisecond only,
// in which more messages pass than the usual high-water mark of 1000.
constexpr int news_interval = 64;

// The longest topic that is passed upstream. An XSUB of libzmq 4.3 calls itself once for each byte when a topic ends, which
// takes about 100 bytes of stack each, and threads with 256 KiB exist.
constexpr std::size_t longest_topic = 2048;

// Routing ids have 1 to 255 bytes (zmq_setsockopt(3), ZMQ_ROUTING_ID).
bool can_be_routing_id(const zmq::message_t& frame) { return frame.size() > 0 && frame.size() <= 255; }

// libzmq keeps one text of a property for each connection, and so it tells connections apart; it has none of inproc.
bool have_one_sender(const zmq::message_t& a, const zmq::message_t& b) {
    const auto connection = [](const zmq::message_t& frame) { return zmq_msg_gets(frame.handle(), "Socket-Type"); };
    return connection(a) == connection(b);
}

// A publisher drops a message silently, but frees it at once, in the sending thread. A message that a subscriber takes is freed
// by libzmq's threads, or the subscriber's.
thread_local const void* freed_here = nullptr;

std::optional<zmq::message_t> to_frame(const std::optional<std::string>& text) {
    return text ? std::make_optional<zmq::message_t>(text->data(), text->size()) : std::nullopt;
}

void free_probe(void*, void* probe) {
    freed_here = probe;
    delete static_cast<std::string*>(probe);
}

}  // namespace

flow::flow(relay_socket& from, relay_socket& to, const tap& monitor, zdev::on_full on_full, const replies& owed)
    : from_(from),
      to_(to),
      monitor_(monitor.to),
      on_full_(on_full),
      monitor_on_full_(monitor.on_full),
      replies_(owed.pending),
      asks_(owed.asks),
      swap_(from.type() == ZMQ_ROUTER && to.type() == ZMQ_ROUTER && &from != &to),
      prefixed_(monitor.prefix.has_value()),
      probes_(prefixed_ && monitor_ && !monitor_->pollout_reliable()),
      may_refuse_(to.type() == ZMQ_ROUTER || to.type() == ZMQ_XSUB),
      polls_for_room_(!to.pollout_reliable()),
      may_mix_(from.type() == ZMQ_XPUB),
      reads_plainly_(from.type() != ZMQ_REP && from.type() != ZMQ_XPUB),
      had_room_once_(!to.pollout_reliable() || &from == &to),  // a REP has room only once it has received
      prefix_(monitor.prefix ? zmq::message_t(monitor.prefix->data(), monitor.prefix->size()) : zmq::message_t()),
      dropped_prefix_(to_frame(monitor.dropped_prefix)),
      discarding_(from.in_midst_of_message()),
      message_(&to),
      copy_(monitor.to) {
    if (from.type() == ZMQ_XPUB && to.type() == ZMQ_XSUB && from.count_topics() >= 0) withdrawals_.emplace(from);
}

bool flow::ready_to_read() {
    if (!had_room_once_) {
        had_room_once_ = (to_.refresh() & ZMQ_POLLOUT) != 0;
        blocked_on_ = had_room_once_ ? nullptr : &to_;
    }
    return had_room_once_;
}

inline void flow::count_received() {
    messages_received_.add(1);
    frames_received_.add(message_.frames());
    bytes_received_.add(bytes_);
}

// Receives one message. False: there is none now, or a REP or REQ is out of turn. read_message() has one caller, so that it is
// compiled into burst().
inline bool flow::receive() {
    bytes_ = 0;
    if (!reads_plainly_ || discarding_) {
        const next step = prepare_to_read();
        if (step != next::read) return step == next::done;
    }
    return read_message() || (withdrawals_ && release_withdrawals());
}

// The rare work before a message: the turn of a REP, the rest of a message that was dropped, held unsubscriptions.
flow::next flow::prepare_to_read() {
    // A REP decides when it receives a request whether its client has room for the reply. The news of room was sent before that
    // request: a look after the one that found the request has heard it.
    if (from_.type() == ZMQ_REP && ((from_.refresh() & ZMQ_POLLIN) == 0 || (from_.refresh() & ZMQ_POLLIN) == 0))
        return next::nothing;
    if (discarding_) return discard_rest();
    return withdrawals_ && next_withdrawal() ? next::done : next::read;
}

inline bool flow::read_message() {
    for (;;) {
        zmq::message_t& frame = message_.add();
        const int size = receive_frame(frame);
        if (size < 0) return false;
        const bool more = commands_.has_more(frame);
        if (may_mix_ && message_.frames() > 1 && !have_one_sender(message_[0], frame)) restart_message();
        bytes_ += static_cast<std::uint64_t>(size);
        if (message_.frames() == 1) first_size_ = static_cast<std::size_t>(size);
        if (commands_.is_command(frame) || message_.frames() > most_frames) return discard(more);
        if (!more) return take_message();
    }
}

inline bool flow::take_message() {
    if (withdrawals_) {
        for (std::size_t i = 1; i < message_.frames(); ++i) withdrawals_->note_part(message_[i]);
        if (withdrawals_->hold(message_[0])) {
            message_.clear();
            return true;
        }
    }
    return accept_message();
}

inline bool flow::accept_message() {
    count_received();
    if (may_refuse_ && !is_deliverable()) {
        malformed_.add(1);
        message_.clear();
        return true;
    }
    if (replies_) account_reply();
    if (monitor_ && monitor_->has_subscribers() && monitor_->refresh_count() != refused_at_) load_copy();
    return true;
}

// A ROUTER needs content after the destination by which it routes: of a destination alone libzmq makes nothing, silently.
inline bool flow::is_deliverable() {
    if (to_.type() == ZMQ_XSUB) return !harms_publisher();
    return swap_ ? swap_addresses() : message_.frames() >= 2;
}

// A request is pending once it is sent. A reply pays for it whatever becomes of the reply: to a peer that has left, none is
// owed.
inline void flow::account_reply() {
    if (asks_) {
        asker_ = replies_->place_of(message_[swap_ ? 1 : 0], first_size_);
    } else {
        replies_->answered(replies_->place_of(message_[0], swap_ ? message_[0].size() : first_size_));
    }
}

// The XPUB has nothing more to report: the unsubscriptions held until then follow.
bool flow::release_withdrawals() {
    if (!from_.settled()) return false;
    const std::size_t dropped = withdrawals_->settle();
    messages_received_.add(dropped);
    frames_received_.add(dropped);
    malformed_.add(dropped);
    return next_withdrawal();
}

bool flow::next_withdrawal() {
    if (!withdrawals_->has_next()) return false;
    zmq::message_t& frame = message_.add();
    withdrawals_->next(frame);
    bytes_ = frame.size();
    return accept_message();
}

// A publisher without only_first_subscribe takes a later frame for a subscription or the end of one, whoever holds the topic.
bool flow::harms_publisher() {
    const auto is_subscription = [](const zmq::message_t& frame) {
        return frame.size() > 0 && *frame.data<unsigned char>() <= 1;
    };
    for (std::size_t i = 1; i < message_.frames(); ++i) {
        if (is_subscription(message_[i])) return true;
    }
    return message_[0].size() > longest_topic + 1 && is_subscription(message_[0]);
}

// Drops what has come of a message, and with discard_rest() what follows of it: another message must not run into it.
bool flow::discard(bool more) {
    if (may_mix_) discarded_from_.swap(message_[0]);
    drop_malformed();
    set_discarding(more);
    return true;
}

// A burst of it at most, for it may be very long; the next burst goes on here.
flow::next flow::discard_rest() {
    for (std::uint64_t left = burst_frames; discarding_ && left > 0; --left) {
        zmq::message_t& frame = message_.add();
        const int size = receive_frame(frame);
        if (size < 0) {
            set_discarding(false);  // messages come whole: it has no end
            return next::nothing;
        }
        if (may_mix_ && !have_one_sender(discarded_from_,
                                         frame)) {  // the message ended without a last frame, and this frame begins another
            set_discarding(false);
            bytes_ = static_cast<std::uint64_t>(size);
            if (frame.more()) return next::read;
            take_message();
            return next::done;
        }
        frames_received_.add(1);
        bytes_received_.add(static_cast<std::uint64_t>(size));
        const bool more = frame.more();
        message_.take_back();
        set_discarding(more);
    }
    return next::done;
}

// A REP must answer each request before it receives the next.
void flow::set_discarding(bool more) {
    discarding_ = more;
    if (more || from_.type() != ZMQ_REP) return;
    zmq::message_t answer;
    from_.send(answer);
}

// After a first frame the others are there: libzmq passes messages on whole.
inline int flow::receive_frame(zmq::message_t& frame) {
    try {
        const int size = from_.receive(frame);
        if (size < 0) drop_unfinished();
        return size;
    } catch (const zmq::error_t&) {
        drop_unfinished();
        throw;
    }
}

void flow::drop_unfinished() {
    message_.take_back();
    if (!message_.empty()) drop_malformed();
}

// A message that has no end: of one whose first frame is a subscription, an XPUB may swallow the last.
void flow::drop_malformed() {
    if (withdrawals_) withdrawals_->doubt();
    count_received();
    malformed_.add(1);
    message_.clear();
    bytes_ = 0;
}

// The frame received last is another peer's: what came before has no end, and that one begins a message.
void flow::restart_message() {
    zmq::message_t first;
    first.swap(message_[message_.frames() - 1]);
    message_.take_back();
    drop_malformed();
    message_.add().swap(first);
}

// Between ROUTERs [sender, destination, content, ...], as one receives it, becomes [destination, sender, content, ...] for the
// other. False: it has no such frames.
bool flow::swap_addresses() {
    if (message_.frames() < 3 || !can_be_routing_id(message_[1])) return false;
    message_[0].swap(message_[1]);
    return true;
}

// Copies share the content, and are made before the frames are sent, for then these are libzmq's.
void flow::load_copy() {
    if (prefixed_) load_prefix();
    for (std::size_t i = 0; i < message_.frames(); ++i) share(copy_.add(), message_[i]);
}

// Which subscribers have room changes only when the socket is looked at (or by itself, a millisecond later): so the first
// prefix after each refresh() shows whether copies are needed until the next.
void flow::load_prefix() {
    probe_ = nullptr;
    if (!probes_ || probed_at_ == monitor_->refresh_count()) return share(copy_.add(), prefix_);
    auto text = std::make_unique<std::string>(prefix_.to_string());
    copy_.add().rebuild(text->data(), text->size(), free_probe, text.get());
    probe_ = text.release();
    probed_at_ = monitor_->refresh_count();
}

// False: something is still pending, and blocked_on() is the socket that is full.
inline bool flow::deliver() { return (message_.empty() || deliver_message()) && (copy_.empty() || deliver_copy()); }

inline bool flow::deliver_message() {
    const std::size_t frames = message_.frames();
    const sending result = message_.send();
    if (result == sending::sent) {
        messages_sent_.add(1);
        frames_sent_.add(frames);
        bytes_sent_.add(bytes_);
        if (asks_) replies_->asked(asker_);
        return true;
    }
    return undelivered(result);
}

bool flow::undelivered(sending result) {
    if (result == sending::full && (to_.type() != ZMQ_ROUTER || on_full_ == on_full::block)) {
        blocked_on_ = &to_;
        return false;
    }
    (result == sending::full ? overflowed_ : unroutable_).add(1);
    copy_.clear();
    load_dropped();
    message_.clear();
    return true;
}

// libzmq refused the message, so its frames are still here.
void flow::load_dropped() {
    if (!dropped_prefix_ || !monitor_ || !monitor_->has_subscribers()) return;
    probe_ = nullptr;
    share(copy_.add(), *dropped_prefix_);
    for (std::size_t i = 0; i < message_.frames(); ++i) share(copy_.add(), message_[i]);
}

bool flow::deliver_copy() {
    if (probe_) freed_here = nullptr;
    if (copy_.send() == sending::sent) {
        if (probe_ && probe_ == freed_here) {
            refused_at_ = probed_at_;
        } else {
            monitor_sent_.add(1);
        }
    } else if (monitor_on_full_ == on_full::block) {
        blocked_on_ = monitor_;
        return false;
    } else {
        monitor_dropped_.add(1);
        copy_.clear();
    }
    return true;
}

void flow::begin_run() noexcept {
    if (withdrawals_) withdrawals_->reset();
}

bool flow::drop_pending() noexcept {
    const bool had_message = !message_.empty();
    if (!had_message && !copy_.empty()) monitor_dropped_.add(1);
    message_.clear();
    copy_.clear();
    blocked_on_ = nullptr;
    return had_message;
}

bool flow::burst(bool may_read) {
    const bool had_pending = pending();
    if (had_pending) {
        if (blocked_on_) blocked_on_->refresh();  // sends look for news of room once a millisecond only
        blocked_on_ = nullptr;
    }
    if ((had_pending && !deliver()) || !may_read || !ready_to_read()) {
        // Nothing is received here now, and the other direction's sends need its news too.
        some_wait_ = (from_.refresh() & ZMQ_POLLIN) != 0;
        return had_pending && !pending();
    }
    if (from_.settled() && !(withdrawals_ && withdrawals_->has_next())) return had_pending;

    int moved = 0;
    const std::uint64_t last_frame = frames_received_.get() + burst_frames;
    while (moved < burst_size && frames_received_.get() < last_frame && receive()) {
        ++moved;
        if (!deliver()) break;
        if (polls_for_room_ && moved % news_interval == 0) to_.refresh();
    }
    return had_pending || moved > 0;
}

// What was received is read last, so that no more seems to have left than has come.
flow_statistics flow::statistics() const noexcept {
    flow_statistics s;
    s.blocked_nanoseconds = blocked_.get();
    s.monitor_sent = monitor_sent_.get();
    s.monitor_dropped = monitor_dropped_.get();
    s.messages_sent = messages_sent_.get();
    s.frames_sent = frames_sent_.get();
    s.bytes_sent = bytes_sent_.get();
    s.malformed = malformed_.get();
    s.unroutable = unroutable_.get();
    s.overflowed = overflowed_.get();
    s.messages_received = messages_received_.get();
    s.frames_received = frames_received_.get();
    s.bytes_received = bytes_received_.get();
    return s;
}

}  // namespace zdev
