#include "relay.hpp"

#include <zmq.h>

#include <algorithm>
#include <cstring>

namespace zdev::wire {

namespace {

// Writes messages to `to`, each behind `head`, until there are enough to be written at once. Returns those it took.
zmtp::run prepend(std::string_view head, std::string_view bytes, buffer& to) {
    constexpr std::size_t enough = std::size_t{64} * 1024;
    zmtp::run taken;
    to.clear();
    while (taken.bytes < bytes.size() && to.size() < enough) {
        const zmtp::run next = zmtp::first_message(bytes.substr(taken.bytes));
        to.make_space(head.size() + next.bytes);
        std::memcpy(to.end(), head.data(), head.size());
        std::memcpy(to.end() + head.size(), bytes.data() + taken.bytes, next.bytes);
        to.written(head.size() + next.bytes);
        taken += next;
    }
    return taken;
}

bool can_be_routing_id(std::string_view id) noexcept { return !id.empty() && id.size() <= 255; }

}  // namespace

relay::relay(int from_type, int to_type, bool one_socket, pattern& to, tap monitor, zdev::on_full on_full)
    : prefixes_sender_(from_type == ZMQ_ROUTER && !one_socket),
      swap_(from_type == ZMQ_ROUTER && to_type == ZMQ_ROUTER && !one_socket),
      router_(to_type == ZMQ_ROUTER ? static_cast<router*>(&to) : nullptr),
      to_(to) {
    set_policies(std::move(monitor), on_full);
}

void relay::set_policies(tap monitor, zdev::on_full on_full) {
    tap_ = std::move(monitor);
    on_full_ = on_full;
    prefix_frame_.clear();
    if (tap_.prefix) zmtp::append_frame(prefix_frame_, zmtp::more_flag, *tap_.prefix);
}

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
    const std::size_t taken = pool_                  ? take_from_workers(from, bytes, whole)
                              : whole                ? take_whole(from, bytes, run, *whole) ? bytes.size() : 0
                              : passes_runs()        ? take_runs(from, bytes, run)
                              : router_ && !copies() ? take_groups(from, bytes)
                                                     : take_each(from, bytes);
    blocked_ = taken < bytes.size();
    return taken;
}

// The fast path: messages that all go the same way, whatever they contain.
std::size_t relay::take_runs(connection& from, std::string_view bytes, const zmtp::run& run) {
    std::size_t used = 0;
    while (used < bytes.size() && passes_runs()) {
        const std::string_view next = bytes.substr(used);
        const zmtp::run part = prefixes_sender_ ? prepend(from.routing_frame(), next, with_sender_) : run;
        const std::string_view sent = prefixes_sender_ ? with_sender_.view() : next;
        zmtp::run as_sent = count_sender(from, part);
        as_sent.bytes = sent.size();

        const std::size_t messages = to_.deliver_run(sent, as_sent);
        const bool all = messages == part.messages;
        const zmtp::run taken = all ? as_sent : zmtp::first_messages(sent, messages);
        receive(from, taken);
        sent_ += taken;
        if (replies_) count_replies(from, {}, messages);
        if (copies()) copy_run(sent.substr(0, taken.bytes), taken);
        used += all ? part.bytes : zmtp::first_messages(next, messages).bytes;
        if (!all) break;
    }
    publish();
    return used;
}

// Messages by routing id, without copies. Replies often come in groups: consecutive messages for the same peer.
std::size_t relay::take_groups(connection& from, std::string_view bytes) {
    const std::size_t size = bytes.size();
    while (!bytes.empty()) {
        zmtp::run next = zmtp::first_message(bytes);
        outgoing message;
        const bool addressed = address(message, from, bytes.substr(0, next.bytes));
        connection* const to = addressed ? router_->receiver(message.address) : nullptr;
        if (!to || !to->has_room()) {
            const delivery result = !addressed ? delivery::malformed : to ? delivery::full : delivery::unroutable;
            if (!conclude(message, from, result, count_sender(from, next))) break;
            bytes.remove_prefix(next.bytes);
            continue;
        }
        const std::string_view start = bytes.substr(0, next.bytes - message.body.size());  // the frame with the routing id
        zmtp::run group;
        do {
            to->send(message.head, bytes.substr(start.size(), next.bytes - start.size()));
            group += next;
            bytes.remove_prefix(next.bytes);
            if (bytes.size() <= start.size() || std::memcmp(bytes.data(), start.data(), start.size()) != 0) break;
            next = zmtp::first_message(bytes);
        } while (to->has_room());
        if (replies_) count_replies(from, message, group.messages);
        group = count_sender(from, group);
        receive(from, group);
        sent_ += group;
    }
    return size - bytes.size();
}

std::size_t relay::take_each(connection& from, std::string_view bytes) {
    const bool copied = copies();
    std::size_t used = 0;
    zmtp::run sent;
    while (used < bytes.size() && !tap_is_full()) {
        const zmtp::run next = zmtp::first_message(bytes.substr(used));
        outgoing message;
        const delivery result = deliver(message, from, bytes.substr(used, next.bytes));
        const zmtp::run counted = count_sender(from, next);
        if (result == delivery::sent && !copied) {
            sent += counted;
            if (replies_) count_replies(from, message, 1);
        } else if (!conclude(message, from, result, counted)) {
            break;
        }
        used += next.bytes;
    }
    receive(from, sent);
    sent_ += sent;
    return used;
}

// Takes one message in a separate buffer, which its receivers share. False: no receiver has room for it now.
bool relay::take_whole(connection& from, std::string_view bytes, const zmtp::run& run, buffer& whole) {
    outgoing message;
    message.owner = std::make_shared<buffer>(std::move(whole));
    const delivery result = deliver(message, from, bytes);
    if (conclude(message, from, result, count_sender(from, run))) return true;
    whole = std::move(*message.owner);  // not shared, because nothing was sent
    return false;
}

// Messages of workers: the pool finds out to which request each is the reply. Nothing is settled before it was delivered.
std::size_t relay::take_from_workers(connection& from, std::string_view bytes, buffer* whole) {
    const bool copied = copies();
    std::size_t used = 0;
    zmtp::run sent;
    while (used < bytes.size() && !tap_is_full()) {
        const zmtp::run next = zmtp::first_message(bytes.substr(used));
        const auto reply = pool_->read(from, bytes.substr(used, next.bytes));
        used += next.bytes;
        if (!reply.of) {
            ++from.traffic.messages_received;
            continue;
        }
        connection& to = *reply.of->client;
        outgoing message;
        message.address = to.routing_id();
        message.head = reply.head;
        message.body = reply.content;
        if (whole) message.owner = std::make_shared<buffer>(std::move(*whole));
        const bool fits = to.has_room();
        if (fits) send_to(to, message);
        if (fits && !copied) {
            sent += next;
        } else if (!conclude(message, from, fits ? delivery::sent : delivery::full, next)) {
            if (whole) *whole = std::move(*message.owner);
            used -= next.bytes;
            break;
        }
        pool_->settle(reply);
    }
    receive(from, sent);
    sent_ += sent;
    return used;
}

void relay::count_sent(const outgoing& message, const zmtp::run& counted) {
    received_ += counted;
    sent_ += counted;
    if (copies()) copy(message, tap_.prefix);
}

delivery relay::deliver(outgoing& message, connection& from, std::string_view bytes) {
    message.sender = &from;
    return address(message, from, bytes) ? to_.deliver(message) : delivery::malformed;
}

// Counts and copies a message. False: no receiver has room for it now.
bool relay::conclude(const outgoing& message, connection& from, delivery result, const zmtp::run& counted) {
    if (result == delivery::full && (!router_ || on_full_ == zdev::on_full::block)) return false;
    if (result == delivery::kept) return ++from.traffic.messages_received, true;
    receive(from, counted);
    if (result == delivery::malformed) return drop_malformed(from), true;
    const bool dropped = result == delivery::full || result == delivery::unroutable;
    if (replies_ && (!asks_ || !dropped)) count_replies(from, message, 1);
    if (!dropped) {
        sent_ += counted;
    } else {
        count_dropped(from, message, result);
    }
    if ((!dropped || tap_.dropped_prefix) && copies()) copy(message, dropped ? tap_.dropped_prefix : tap_.prefix);
    return true;
}

void relay::drop_malformed(connection& from) noexcept {
    counters.malformed.add(1);
    ++from.traffic.malformed;
}

void relay::count_dropped(connection& from, const outgoing& message, delivery result) {
    if (result == delivery::full) {
        counters.overflowed.add(1);
        ++router_->receiver(message.address)->traffic.overflowed;  // others never drop: see conclude()
    } else {
        counters.unroutable.add(1);
        ++from.traffic.unroutable;
    }
}

// Finds the receiver of the message, and its first frames. Between ROUTERs, [destination, content, ...] of a sender becomes
// [sender, content, ...] for the destination. False: too few frames, or a destination that is not a possible routing id.
bool relay::address(outgoing& message, connection& from, std::string_view bytes) const noexcept {
    message.body = bytes;
    if (prefixes_sender_) message.head = from.routing_frame();
    if (!router_) return true;
    if (!prefixes_sender_ && !from.routing_id().empty()) {  // one socket: the sender is the receiver
        message.address = from.routing_id();
        return true;
    }
    const auto destination = zmtp::take_frame(message.body);
    if (!destination || !destination->more || (swap_ && !can_be_routing_id(destination->content))) return false;
    message.address = destination->content;
    return true;
}

void relay::copy(const outgoing& message, const std::optional<std::string>& prefix) {
    if (tap_.audience && prefix && tap_.audience->receivers(*prefix).empty()) return;
    copy_head_.clear();
    if (prefix) zmtp::append_frame(copy_head_, zmtp::more_flag, *prefix);
    if (router_) zmtp::append_frame(copy_head_, zmtp::more_flag, message.address);
    copy_head_.append(message.head);
    outgoing copied = message;
    copied.head = copy_head_;
    if (tap_.audience && tap_.audience->receivers(topic_of(copied)).empty()) return;
    (tap_.to->deliver(copied) == delivery::sent ? counters.monitor_sent : counters.monitor_dropped).add(1);
}

// Copies messages to an audience that takes runs.
void relay::copy_run(std::string_view bytes, const zmtp::run& run) {
    if (!tap_.prefix) return count_copies(tap_.audience->publish(bytes, run));
    if (tap_.audience->receivers(*tap_.prefix).empty()) return;
    for (std::size_t at = 0; at < bytes.size();) {
        zmtp::run part = prepend(prefix_frame_, bytes.substr(at), with_prefix_);
        at += part.bytes;
        part.bytes = with_prefix_.size();
        count_copies(tap_.audience->publish(with_prefix_.view(), part));
    }
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
