// The limits of a role on its incoming connections: how many, how many in their handshake, and how long one may be idle.

#include <zmq.h>

#include <algorithm>

#include "role.hpp"

namespace zdev::wire {

namespace {

constexpr milliseconds shortest_look{10};

// What connections of one address have in common: the IP address, or over ipc the process.
std::string host_of(const std::string& peer) {
    const std::string ip = ip_of(peer);
    return ip.empty() ? peer : ip;
}

}  // namespace

bool role::has_place(const std::string& address) {
    const auto& options = spec_.options;
    const auto shaking_hands = handshakes_.find(ip_of(address));
    if (options.max_handshakes > 0 && shaking_hands != handshakes_.end() && shaking_hands->second >= options.max_handshakes) {
        return refused_handshakes_.add(1), false;
    }
    if (options.max_connections > 0 && incoming_ >= options.max_connections) return refused_connections_.add(1), false;
    if (options.max_connections_per_address == 0) return true;
    const auto known = by_address_.find(host_of(address));
    if (known == by_address_.end() || known->second < options.max_connections_per_address) return true;
    return refused_address_.add(1), false;
}

void role::take_place(const connection& by) {
    ++incoming_;
    ++handshakes_[ip_of(by.origin.address)];
    if (spec_.options.max_connections_per_address > 0) ++by_address_[host_of(by.origin.address)];
}

// After the limit has changed: without one, addresses are not counted.
void role::count_addresses() {
    by_address_.clear();
    if (spec_.options.max_connections_per_address == 0) return;
    for (const auto& each : connections_) {
        if (!each->via) ++by_address_[host_of(each->origin.address)];
    }
}

void role::give_up_place(const connection& of) {
    --incoming_;
    const auto known = by_address_.find(host_of(of.origin.address));
    if (known != by_address_.end() && --known->second == 0) by_address_.erase(known);
    if (of.counted_by_key && --by_key_[of.peer_id()] == 0) by_key_.erase(of.peer_id());
}

// Of an incoming connection that has authenticated. False: its key has as many as the limit allows.
bool role::take_place_of_key(connection& by) {
    if (!admission_.is_server()) return true;
    std::size_t& count = by_key_[by.peer_id()];
    const std::size_t most = spec_.options.max_connections_per_key;
    if (most > 0 && count >= most) return false;
    ++count;
    return by.counted_by_key = true;
}

void role::end_handshake(const connection& of) {
    const auto found = handshakes_.find(ip_of(of.origin.address));
    if (--found->second == 0) handshakes_.erase(found);
}

// Looks at all connections, four times within the timeout.
void role::end_idle() {
    const milliseconds timeout = spec_.options.idle_timeout;
    for (const auto& each : connections_) {
        if (each->via || !each->joined()) continue;
        const std::uint64_t messages = each->traffic.messages_received + each->traffic.messages_sent;
        if (each->activity.seen == clock::time_point() || messages != each->activity.messages || is_busy(*each)) {
            each->activity = {messages, loop_.now()};
        } else if (loop_.now() - each->activity.seen >= timeout) {
            each->close(ending::idle_timeout, "it was idle");
        }
    }
    idle_.start(loop_.now() + std::max(timeout / 4, shortest_look), [this] { end_idle(); });
}

bool role::is_busy(const connection& each) const noexcept {
    const bool anonymous = replies_ && asks_ && spec_.type != ZMQ_ROUTER;  // which client waits for a reply is not known
    if (anonymous && replies_->total() > 0) return true;
    return !may_read() || each.state() != peer_state::up || !each.queue().empty() || in_flight(each) > 0;
}

}  // namespace zdev::wire
