#include "relay.hpp"

#include <zmq.h>

#include <algorithm>

namespace zdev::wire {

namespace {

// Takes the first frame off a message. Nothing: it is the only frame.
std::optional<std::string_view> take_frame(std::string_view& message) noexcept {
    zmtp::frame header;
    if (zmtp::parse_header(message, header) != zmtp::parsed::whole || !header.more()) return std::nullopt;
    const auto body = message.substr(header.header, static_cast<std::size_t>(header.body));
    message.remove_prefix(static_cast<std::size_t>(header.size()));
    return body;
}

bool can_be_routing_id(std::string_view id) noexcept { return !id.empty() && id.size() <= 255; }

}  // namespace

relay::relay(int from_type, int to_type, bool one_socket, pattern& to, tap monitor, zdev::on_full on_full)
    : prefixes_sender_(from_type == ZMQ_ROUTER && !one_socket),
      swap_(from_type == ZMQ_ROUTER && to_type == ZMQ_ROUTER && !one_socket),
      routes_(to_type == ZMQ_ROUTER),
      plain_(!prefixes_sender_ && !routes_),
      to_(to),
      tap_(std::move(monitor)),
      on_full_(on_full) {}

bool relay::tap_is_full() const noexcept {
    return tap_.to && !tap_.audience && tap_.on_full == zdev::on_full::block && !tap_.to->ready();
}

bool relay::may_read() const noexcept {
    if (mode_ != mode::open) return mode_ == mode::discarding;
    return !blocked_ && to_.ready() && !tap_is_full();
}

void relay::publish() {
    if (received_.messages == 0) return;
    counters.messages_received.add(received_.messages);
    counters.frames_received.add(received_.frames);
    counters.bytes_received.add(received_.content);
    counters.messages_sent.add(sent_.messages);
    counters.frames_sent.add(sent_.frames);
    counters.bytes_sent.add(sent_.content);
    received_ = sent_ = {};
}

std::size_t relay::take(connection& from, std::string_view bytes, const zmtp::run& run, buffer* whole) {
    if (mode_ == mode::discarding) return discarded.add(run.messages), bytes.size();
    if (!may_read()) return blocked_ = mode_ == mode::open, 0;
    if (!whole && passes_runs()) return take_run(from, bytes, run);

    outgoing message;
    message.from = &from;
    if (!address(message, from, bytes)) {
        receive(from, with_sender(from, run));
        return drop_malformed(from), bytes.size();
    }
    if (whole) {
        const auto at = message.body.data() - whole->data();
        message.owner = std::make_shared<buffer>(std::move(*whole));
        message.body = message.owner->view().substr(static_cast<std::size_t>(at));
    }
    const delivery result = to_.deliver(message);
    if (result == delivery::full && (!routes_ || on_full_ == zdev::on_full::block)) {
        if (whole) *whole = std::move(*message.owner);  // not shared, because nothing was sent
        blocked_ = true;
        return 0;
    }
    const zmtp::run counted = with_sender(from, run);
    receive(from, counted);
    if (result == delivery::malformed) return drop_malformed(from), bytes.size();
    const bool dropped = result == delivery::full || result == delivery::unroutable;
    if (replies_ && (!asks_ || !dropped)) count_replies(asks_ ? from.routing_id() : message.address, 1);
    if (!dropped) {
        sent_ += counted;
    } else {
        count_dropped(from, message, result);
    }
    if ((!dropped || tap_.dropped_prefix) && copies()) copy(message, dropped ? tap_.dropped_prefix : tap_.prefix);
    return bytes.size();
}

void relay::drop_malformed(connection& from) noexcept {
    counters.malformed.add(1);
    ++from.traffic.malformed;
}

void relay::count_dropped(connection& from, const outgoing& message, delivery result) {
    if (result == delivery::full) {
        counters.overflowed.add(1);
        to_.count_overflow(message);
    } else {
        counters.unroutable.add(1);
        ++from.traffic.unroutable;
    }
}

// The fast path: messages that go unchanged to one peer.
std::size_t relay::take_run(connection& from, std::string_view bytes, const zmtp::run& run) {
    const std::size_t messages = to_.deliver_run(bytes, run);
    const zmtp::run taken = messages == run.messages ? run : zmtp::first_messages(bytes, messages);
    receive(from, taken);
    sent_ += taken;
    if (replies_) count_replies({}, messages);
    publish();
    blocked_ = messages < run.messages;
    return taken.bytes;
}

// Finds the receiver of the message, and its first frames. Between ROUTERs, [destination, content, ...] of a sender becomes
// [sender, content, ...] for the destination. False: too few frames, or a destination that is not a possible routing id.
bool relay::address(outgoing& message, connection& from, std::string_view bytes) const noexcept {
    message.body = bytes;
    if (prefixes_sender_) message.head = from.routing_frame();
    if (!routes_) return true;
    if (!prefixes_sender_ && !from.routing_id().empty()) {  // one socket: the sender is the receiver
        message.address = from.routing_id();
        return true;
    }
    const auto destination = take_frame(message.body);
    if (!destination || (swap_ && !can_be_routing_id(*destination))) return false;
    message.address = *destination;
    return true;
}

void relay::copy(const outgoing& message, const std::optional<std::string>& prefix) {
    if (tap_.audience && prefix && tap_.audience->receivers(*prefix).empty()) return;
    copy_head_.clear();
    if (prefix) zmtp::append_frame(copy_head_, zmtp::more_flag, *prefix);
    if (routes_) zmtp::append_frame(copy_head_, zmtp::more_flag, message.address);
    copy_head_.append(message.head);
    outgoing copied = message;
    copied.head = copy_head_;
    if (tap_.audience && tap_.audience->receivers(topic_of(copied)).empty()) return;
    (tap_.to->deliver(copied) == delivery::sent ? counters.monitor_sent : counters.monitor_dropped).add(1);
}

void relay::note(std::string_view framed, std::size_t content) {
    for (counter* const each :
         {&counters.messages_received, &counters.messages_sent, &counters.frames_received, &counters.frames_sent}) {
        each->add(1);
    }
    counters.bytes_received.add(content);
    counters.bytes_sent.add(content);
    outgoing message;
    message.body = framed;
    if (copies()) copy(message, tap_.prefix);
}

void relay::hold(connection& from) {
    if (std::exchange(from.held_by_relay, true)) return;
    held_.push_back(&from);
}

void relay::forget(connection& from) {
    if (std::exchange(from.held_by_relay, false)) held_.erase(std::find(held_.begin(), held_.end(), &from));
}

void relay::wake() {
    blocked_ = false;
    for (std::size_t left = held_.size(); left > 0 && may_read(); --left) {
        connection& next = *held_.front();
        held_.pop_front();
        next.held_by_relay = false;
        if (!next.dead()) next.resume();
    }
}

}  // namespace zdev::wire
