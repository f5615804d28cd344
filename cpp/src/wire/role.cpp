#include "role.hpp"

#include <zmq.h>

#include <algorithm>

#include "../zmtp/socket_type.hpp"
#include "balancer.hpp"
#include "errors.hpp"
#include "router.hpp"
#include "sockets.hpp"

namespace zdev::wire {

namespace {

// Adds to an error what could not be done.
template <class Act>
auto naming(const std::string& doing, Act&& act) {
    try {
        return act();
    } catch (const error& fault) {
        throw explained(doing, fault);
    }
}

// A subscription in the form of ZMTP 3.0.
std::optional<zmtp::subscription> subscription_in(std::string_view message) noexcept {
    zmtp::frame header;
    if (zmtp::parse_header(message, header) != zmtp::parsed::whole || header.more()) return std::nullopt;
    return zmtp::parse_subscription(message.substr(header.header));
}

socket_spec without_secrets(const socket_spec& spec) {
    return {spec.type, spec.binds, spec.connects, spec.listening, spec.options, {}};
}

}  // namespace

role::role(loop& loop, const std::string& name, const socket_spec& spec, std::function<void()> on_room,
           std::unique_ptr<wire::pattern> pattern)
    : loop_(loop),
      name_(name),
      spec_(without_secrets(spec)),
      admission_(name, spec.security),
      on_room_(std::move(on_room)),
      pattern_(std::move(pattern)),
      idle_(loop.timers()),
      departures_(loop.timers()) {
    if (!pattern_) make_pattern();
    auto ready = spec_.listening;
    for (const auto& endpoint : spec_.binds) listeners_.push_back(listen(endpoint, ready));
    for (const auto& endpoint : spec_.connects) connectors_.push_back(make_connector(endpoint));
}

std::string role::doing(const char* verb, const std::string& endpoint) const {
    std::string text = verb;
    text.append(name_).append(" (").append(zmtp::type_name(spec_.type)).append(") to ").append(endpoint);
    return text;
}

// Takes the socket for the endpoint out of `ready`, if it has one.
std::unique_ptr<listener> role::listen(const std::string& endpoint, std::vector<listening_socket>& ready) {
    const auto same = [&](const listening_socket& each) { return each.endpoint == endpoint; };
    const auto given = std::find_if(ready.begin(), ready.end(), same);
    const int adopted = given == ready.end() ? -1 : given->descriptor;
    if (given != ready.end()) ready.erase(given);
    listener::events events{
        [this](descriptor fd, const std::string& at) { accepted_.add(1), admit(std::move(fd), at, nullptr); },
        [this] { accept_pauses_.add(1); }};
    return naming(doing("cannot bind ", endpoint),
                  [&] { return std::make_unique<listener>(loop_, endpoint, adopted, spec_.options, std::move(events)); });
}

std::unique_ptr<connector> role::make_connector(const std::string& endpoint) {
    connector::events events{[this](connector& by, descriptor fd) { admit(std::move(fd), by.endpoint(), &by); },
                             [this] { connect_failures_.add(1); }};
    return naming(doing("cannot connect ", endpoint),
                  [&] { return std::make_unique<connector>(loop_, endpoint, spec_.options, std::move(events)); });
}

void role::make_pattern() {
    switch (spec_.type) {
        case ZMQ_ROUTER: pattern_ = std::make_unique<router>(spec_.options.router_handover); break;
        case ZMQ_PUB:
        case ZMQ_XPUB: {
            auto made = std::make_unique<wire::publisher>(spec_.options);
            publisher_ = made.get();
            pattern_ = std::move(made);
            break;
        }
        case ZMQ_SUB:
        case ZMQ_XSUB: {
            filters_ = filters();
            auto made = std::make_unique<wire::upstream>([this](const auto& visit) { visit_wishes(visit); });
            upstream_ = made.get();
            pattern_ = std::move(made);
            break;
        }
        default: pattern_ = std::make_unique<balancer>();
    }
}

bool role::filters() const {
    const auto& prefixes = spec_.options.subscribe;
    return spec_.type == ZMQ_SUB &&
           (spec_.options.invert_matching || std::find(prefixes.begin(), prefixes.end(), "") == prefixes.end());
}

void role::visit_wishes(const std::function<void(std::string_view)>& visit) const {
    for (const auto& prefix : spec_.options.subscribe) visit(prefix);
    if (other_) other_->current().for_each(visit);
}

std::vector<connect_status> role::connects() const {
    const std::lock_guard<std::mutex> lock(guard_);
    std::vector<connect_status> found;
    found.reserve(connectors_.size());
    for (const auto& each : connectors_) found.push_back(each->status());
    return found;
}

std::vector<std::string> role::endpoints() const {
    const std::lock_guard<std::mutex> lock(guard_);
    std::vector<std::string> bound;
    bound.reserve(listeners_.size());
    for (const auto& each : listeners_) bound.push_back(each->bound());
    return bound;
}

void role::start() {
    for (const auto& each : connectors_) each->start();
    if (spec_.options.idle_timeout.count() > 0) end_idle();
}

void role::close_listeners() noexcept {
    for (const auto& each : listeners_) each->close();
}

void role::stop_accepting() {
    ending_ = true;
    idle_.cancel();
    close_listeners();
    for (const auto& each : connectors_) each->cancel();
}

void role::finish_sending() {
    for (const auto& each : connections_) each->finish_sending();
}

bool role::sends_pending() const noexcept {
    return std::any_of(connections_.begin(), connections_.end(), [](const auto& each) { return each->queue().messages() > 0; });
}

void role::abandon() {
    for (const auto& each : connections_) {
        if (relay_) (relay_->discards() ? relay_->discarded : lost_).add(each->count_unread());
        each->close(ending::closed, "the device ended");
    }
    loop_.settle();
    lost_.add(pattern_->taken_back());
    count_states();
}

zmtp::identity role::ours() const { return {spec_.type, spec_.options.routing_id, spec_.options.metadata}; }

void role::admit(descriptor fd, const std::string& endpoint, connector* via) {
    try {
        origin from{loop_.number_connection(), peer_text(fd.get()), &endpoint, std::chrono::system_clock::now()};
        if (!via && !has_place(from.address)) return;
        connections_.push_back(
            std::make_unique<connection>(loop_, *this, std::move(fd), spec_.options, ours(), admission_.make_mechanism()));
        connections_.back()->origin = std::move(from);
    } catch (const std::exception& fault) {  // not enough memory or descriptors
        refused_resources_.add(1);
        return via ? via->connection_ended(fault.what()) : void();
    }
    connections_.back()->place = std::prev(connections_.end());
    connections_.back()->via = via;
    if (!via) take_place(*connections_.back());
    const std::string& id = spec_.options.connect_routing_id;
    if (!id.empty() && via && via == connectors_.front().get()) connections_.back()->set_routing_id(id);
}

void role::apply_credentials() {
    if (!admission_.adopt()) return;
    for (const auto& each : connections_) {
        each->decide();
        if (each->joined() && admission_.withdrawn(each->peer_id())) {
            each->close(ending::withdrawn, "its key or password was withdrawn");
        }
        try {
            permit(*each);
        } catch (const std::exception& fault) {  // not enough memory
            each->close(ending::closed, fault.what());
        }
    }
    admission_.ask_again();
}

// The rights of a peer as they are now.
void role::permit(connection& peer) {
    if (!peer.joined()) return;
    auto now = admission_.rights_of(peer.peer_id());
    if (now == peer.rights) return;
    publisher_&& peer.in_pattern ? publisher_->permit(peer, std::move(now)) : void(peer.rights = std::move(now));
}

void role::deny(connection& from, bool subscription, std::string_view topic) {
    (subscription ? denied_subscriptions_ : denied_messages_).add(1);
    ++from.traffic.denied;
    admission_.note_denied(ip_of(from.origin.address), from.peer_id(), subscription, topic);
}

std::optional<refusal> role::on_handshake(connection& from) {
    if (!from.via) end_handshake(from);
    if (!from.via && !take_place_of_key(from)) {
        return refusal{ending::refused_key_limit, "its key has as many connections as it may have"};
    }
    if (!pattern_->join(from)) return refusal{ending::refused_routing_id, "its routing id is in use"};
    from.in_pattern = true;
    permit(from);
    now_.add(1);
    if (from.via) {
        connected_.add(1);
        from.via->connection_is_up();
    }
    if (spec_.options.probe_router) from.send({}, std::string_view("\0\0", 2));
    on_room_();
    return std::nullopt;
}

std::size_t role::on_messages(connection& from, std::string_view bytes, const zmtp::run& run, buffer* whole) {
    if (publisher_) {
        if (const auto wish = subscription_in(bytes)) {
            on_subscription(from, *wish);
            return bytes.size();
        }
    }
    if (!relay_ || (filters_ && !wants(bytes))) return bytes.size();  // it should not have sent this
    if (from.rights && relay_->may_read() && !from.rights->publish.cover(topic_of(bytes))) {
        deny(from, false, topic_of(bytes));
        return bytes.size();
    }
    const std::size_t taken = relay_->take(from, bytes, run, whole);
    if (taken < bytes.size()) relay_->hold(from);
    return taken;
}

// A publisher may send messages that were not subscribed to; they are ignored.
bool role::wants(std::string_view message) const noexcept {
    const auto topic = topic_of(message);
    const auto& prefixes = spec_.options.subscribe;
    const auto begins_it = [topic](const std::string& prefix) { return topic.substr(0, prefix.size()) == prefix; };
    return std::any_of(prefixes.begin(), prefixes.end(), begins_it) != spec_.options.invert_matching;
}

// A peer that has left may still have sent something.
void role::on_subscription(connection& from, const zmtp::subscription& wish) {
    if (!from.in_pattern || !publisher_) return;
    if (from.rights && wish.subscribe && from.rights->deny_subscription(wish.prefix)) deny(from, true, wish.prefix);
    pattern_->subscribe(from, wish);
}

void role::on_room(connection& to) {
    if (to.in_pattern) pattern_->room(to);
    on_room_();
}

void role::detach(connection& from) {
    if (!std::exchange(from.in_pattern, false)) return;
    now_.set(now_.get() - 1);
    pattern_->leave(from);
}

// The peer neither sends nor receives any more. Messages queued for it go to other peers if the pattern allows.
void role::leave(connection& from) {
    if (!from.joined()) return;
    detach(from);
    if (on_leave_) on_leave_(from);
    counter& lost = publisher_ && !ending_ ? departed_ : lost_;
    std::vector<std::string> unsent;
    lost.add(from.queue().give_back(unsent));
    for (auto& message : unsent) {
        if (upstream_ && subscription_in(message)) continue;  // a publisher that returns gets all of them again
        lost.add(pattern_->take_back(std::move(message)) ? 0 : 1);
    }
    on_room_();
}

void role::on_end(connection& from, ending why, const std::string& reason) {
    leave(from);
    pattern_->end(from);
    if (relay_) relay_->forget(from);
    endings_[static_cast<std::size_t>(why)].add(1);
    if (why == ending::refused_authentication || why == ending::withdrawn) {
        admission_.note_refused(ip_of(from.origin.address), from.peer_id(), reason);
    }
    connector* const via = from.via;
    if (!from.joined()) via ? connect_failures_.add(1) : end_handshake(from);
    via ? via->connection_ended(reason) : give_up_place(from);
    connections_.erase(from.place);
}

role_statistics role::statistics() const noexcept {
    const auto ended = [this](ending why) { return endings_[static_cast<std::size_t>(why)].get(); };
    role_statistics s;
    s.connections = now_.get();
    s.shaking_hands = shaking_hands_.get();
    s.blocked = blocked_.get();
    s.held = held_.get();
    s.accepted = accepted_.get();
    s.connected = connected_.get();
    s.connect_failures = connect_failures_.get();
    s.accept_pauses = accept_pauses_.get();
    s.refused_version = ended(ending::refused_version);
    s.refused_mechanism = ended(ending::refused_mechanism);
    s.refused_authentication = ended(ending::refused_authentication);
    s.refused_handshakes = refused_handshakes_.get();
    s.refused_socket_type = ended(ending::refused_socket_type);
    s.refused_routing_id = ended(ending::refused_routing_id);
    s.refused_malformed = ended(ending::refused_malformed);
    s.refused_by_peer = ended(ending::refused_by_peer);
    s.refused_resources = refused_resources_.get();
    s.refused_max_connections = refused_connections_.get();
    s.refused_max_connections_per_address = refused_address_.get();
    s.refused_max_connections_per_key = ended(ending::refused_key_limit);
    s.framing_errors = ended(ending::framing);
    s.worker_protocol_errors = ended(ending::worker_protocol);
    s.credentials_withdrawn = ended(ending::withdrawn);
    s.limits_exceeded = ended(ending::limit);
    s.handshake_timeouts = ended(ending::handshake_timeout);
    s.heartbeat_timeouts = ended(ending::heartbeat_timeout);
    s.idle_timeouts = ended(ending::idle_timeout);
    s.kicked = ended(ending::kicked);
    s.messages_lost = lost_.get();
    s.drain_discards = relay_ ? relay_->discarded.get() : 0;
    s.departed_copies = departed_.get();
    s.denied_messages = denied_messages_.get();
    s.denied_subscriptions = denied_subscriptions_.get();
    if (publisher_) {
        s.subscriber_drops = publisher_->drops.get();
        s.unmatched = publisher_->unmatched.get();
    }
    if (upstream_) s.publisher_drops = upstream_->drops.get();
    return s;
}

}  // namespace zdev::wire
