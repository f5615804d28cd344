#include "publisher.hpp"

#include <algorithm>

namespace zdev::wire {

namespace {

constexpr std::size_t worth_sharing = 4096;  // bytes of a body that several receivers refer to rather than copy

// Whether publishers could take a frame of the message for a subscription, or the end of one.
bool has_subscription(std::string_view message) noexcept {
    zmtp::frame header;
    while (zmtp::parse_header(message, header) == zmtp::parsed::whole) {
        if (header.body > 0 && static_cast<unsigned char>(message[header.header]) <= 1) return true;
        message.remove_prefix(static_cast<std::size_t>(header.size()));
    }
    return false;
}

// Whether one of them contains all that a prefix does.
template <class Prefixes>
bool contains(const Prefixes& all, std::string_view prefix) {
    for (std::size_t length = 0; length <= prefix.size(); ++length) {
        if (all.find(prefix.substr(0, length)) != all.end()) return true;
    }
    return false;
}

// Visits what a subscription is within the rights of its peer.
template <class Visit>
void visit_allowed(const prefixes& allowed, std::string_view prefix, Visit&& visit) {
    const auto [first, last] = allowed.within(prefix);
    std::for_each(first, last, visit);
    if (first == last && allowed.cover(prefix)) visit(prefix);
}

}  // namespace

std::string_view topic_of(std::string_view message) noexcept {
    const auto first = zmtp::take_frame(message);
    return first ? first->content : std::string_view();
}

std::string_view topic_of(const outgoing& message) noexcept {
    return topic_of(message.head.empty() ? message.body : message.head);
}

bool publisher::join(connection& peer) {
    all_.push_back(&peer);
    known_ = false;
    if (!options_.xpub_welcome_msg.empty()) {
        std::string framed;
        zmtp::append_frame(framed, 0, options_.xpub_welcome_msg);
        peer.send({}, framed);
    }
    return true;
}

void publisher::leave(connection& peer) {
    all_.erase(std::remove(all_.begin(), all_.end(), &peer), all_.end());
    known_ = false;
    full_ = 0;
    asked_.erase(&peer);
    for (const auto& prefix : subscriptions_.remove(peer)) {
        if (upstream_) upstream_({false, prefix});
    }
}

void publisher::subscribe(connection& peer, const zmtp::subscription& wish) {
    const auto count = [&] { return peer.rights ? asked_[&peer].size() : subscriptions_.count(peer); };
    if (wish.subscribe && (wish.prefix.size() > options_.max_subscription_bytes || count() >= options_.max_subscriptions)) {
        return peer.close(ending::limit, "its subscriptions exceed a limit");
    }
    peer.rights ? subscribe_within(peer, wish) : apply(peer, wish);
}

// What was asked may begin or end several subscriptions. One ends when nothing else that was asked contains it.
void publisher::subscribe_within(connection& peer, const zmtp::subscription& wish) {
    wishes& asked = asked_[&peer];
    const auto known = asked.find(wish.prefix);
    if (wish.subscribe) {
        if (known != asked.end() && !options_.xpub_verboser) return;
        asked.emplace(wish.prefix);
    } else if (known == asked.end()) {
        return;
    } else {
        asked.erase(known);
    }
    const auto [first, last] = peer.rights->subscribe.within(wish.prefix);
    const bool is_part = first != last;
    visit_allowed(peer.rights->subscribe, wish.prefix, [&](std::string_view prefix) {
        if (wish.subscribe || !is_part || !contains(asked, prefix)) apply(peer, {wish.subscribe, prefix});
    });
}

void publisher::permit(connection& peer, std::shared_ptr<const user_rights> now) {
    const auto have = subscriptions_.of(peer);
    wishes asked = peer.rights ? std::move(asked_[&peer]) : wishes(have.begin(), have.end()), wanted;
    if (now) {
        for (const auto& each : asked) {
            visit_allowed(now->subscribe, each, [&](std::string_view prefix) { wanted.emplace(prefix); });
        }
    }
    // The new ones first: publishers go on sending what is in both.
    const wishes& all = now ? wanted : asked;
    for (const auto& each : all) apply(peer, {true, each});
    for (const auto& each : have) {
        if (all.count(each) == 0) apply(peer, {false, each});
    }
    if (now) {
        asked_[&peer] = std::move(asked);
    } else {
        asked_.erase(&peer);
    }
    peer.rights = std::move(now);
}

void publisher::apply(connection& peer, const zmtp::subscription& wish) {
    known_ = false;
    const auto change = wish.subscribe ? subscriptions_.add(peer, wish.prefix) : subscriptions_.remove(peer, wish.prefix);
    const bool repeated = options_.xpub_verboser && wish.subscribe;  // an end that is not the last one would end it for all
    if (upstream_ && (change == subscriptions::change::of_all || repeated)) upstream_(wish);
}

const std::vector<connection*>& publisher::receivers(std::string_view topic) {
    topic = topic.substr(0, subscriptions_.longest());
    if (known_ && topic == topic_) return found_;
    found_.clear();
    subscriptions_.match(topic, found_);
    if (options_.invert_matching) invert(found_);
    topic_ = topic;
    known_ = true;
    return found_;
}

void publisher::invert(std::vector<connection*>& found) const {
    std::vector<connection*> others;
    for (connection* const each : all_) {
        if (std::find(found.begin(), found.end(), each) == found.end()) others.push_back(each);
    }
    found = std::move(others);
}

// `dropped`: it had receivers, and none of them had room.
delivery publisher::deliver(const outgoing& message) {
    const auto& to = receivers(topic_of(message));
    if (to.empty()) return unmatched.add(1), delivery::sent;
    if (options_.xpub_nodrop) {
        full_ = static_cast<std::size_t>(std::count_if(to.begin(), to.end(), [](connection* c) { return !c->has_room(); }));
        if (full_ > 0) return delivery::full;
    }
    outgoing copy = message;
    if (to.size() > 1 && !copy.owner && copy.body.size() >= worth_sharing) {
        copy.owner = std::make_shared<buffer>(copy.body.size());
        copy.owner->append(copy.body);
        copy.body = copy.owner->view();
    }
    bool sent = false;
    for (connection* const each : to) {
        if (each->has_room()) {
            send_to(*each, copy);
            sent = true;
        } else {
            drops.add(1);
            ++each->traffic.overflowed;
        }
    }
    return sent ? delivery::sent : delivery::dropped;
}

// The first messages of what is left of a run that go to the same peers, those in found_; all, if topics do not matter.
zmtp::run publisher::same_receivers(std::string_view bytes, const zmtp::run& run) {
    outgoing message;
    message.body = bytes;
    receivers(topic_of(message));
    if (subscriptions_.longest() == 0) return run;
    zmtp::run same;
    do {
        same += zmtp::first_message(bytes.substr(same.bytes));
        message.body = bytes.substr(same.bytes);
    } while (!message.body.empty() && topic_of(message).substr(0, subscriptions_.longest()) == topic_);
    return same;
}

// Messages so large that their receivers share them.
void publisher::deliver_each(std::string_view bytes, outcome& result) {
    while (!bytes.empty()) {
        outgoing message;
        message.body = bytes.substr(0, zmtp::first_message(bytes).bytes);
        ++(deliver(message) == delivery::sent ? result.sent : result.dropped);
        bytes.remove_prefix(message.body.size());
    }
}

publisher::outcome publisher::publish(std::string_view bytes, const zmtp::run& run) {
    outcome result;
    while (!bytes.empty()) {
        const zmtp::run same = same_receivers(bytes, run);
        const std::string_view part = bytes.substr(0, same.bytes);
        bytes.remove_prefix(same.bytes);
        if (found_.empty()) {
            unmatched.add(same.messages);
            continue;
        }
        if (found_.size() > 1 && same.bytes >= worth_sharing * same.messages) {
            deliver_each(part, result);
            continue;
        }
        std::size_t most = 0;
        for (connection* const each : found_) {
            const std::size_t sent = each->send_run(part, same);
            drops.add(same.messages - sent);
            each->traffic.overflowed += same.messages - sent;
            most = std::max(most, sent);
        }
        result.sent += most;
        result.dropped += same.messages - most;
    }
    return result;
}

bool upstream::join(connection& peer) {
    publishers_.push_back(&peer);
    wishes_([&peer](std::string_view prefix) { peer.send_subscription({true, prefix}); });
    return true;
}

void upstream::leave(connection& peer) {
    publishers_.erase(std::remove(publishers_.begin(), publishers_.end(), &peer), publishers_.end());
}

delivery upstream::deliver(const outgoing& message) {
    if (has_subscription(message.body)) return delivery::malformed;
    for (connection* const each : publishers_) {
        if (each->has_room()) {
            each->send(message.head, message.body);
        } else {
            drops.add(1);
            ++each->traffic.overflowed;
        }
    }
    return delivery::sent;
}

void upstream::ask(const zmtp::subscription& wish) {
    for (connection* const each : publishers_) each->send_subscription(wish);
}

}  // namespace zdev::wire
