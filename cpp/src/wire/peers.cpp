// The peers of a device, as its operator sees and ends them.

#include <zmq.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <unordered_set>

#include "../zmtp/socket_type.hpp"
#include "device_impl.hpp"

namespace zdev::wire {

namespace {

constexpr milliseconds count_interval{1000};

peer_status describe(const connector& of) {
    peer_status found;
    connect_status now = of.status();
    found.address = found.endpoint = std::move(now.endpoint);
    found.failure = std::move(now.failure);
    found.retry_in = now.retry_in;
    found.state = now.retry_in ? peer_state::retrying : of.trying() ? peer_state::connecting : peer_state::disconnected;
    return found;
}

}  // namespace

peer_state connection::state() const noexcept {
    if (!joined_) return peer_state::handshake;
    if (full_) return peer_state::blocked;
    return held_ ? peer_state::held : peer_state::up;
}

peer_status connection::describe() const {
    peer_status found;
    found.number = origin.number;
    found.state = state();
    found.address = origin.address.empty() ? *origin.endpoint : origin.address;
    found.endpoint = *origin.endpoint;
    found.since = origin.since;
    if (joined_) {
        found.routing_id = routing_id_;
        found.socket_type = zmtp::type_name(peer_.socket_type);
        found.protocol = peer_.minor >= 1 ? "ZMTP 3.1" : "ZMTP 3.0";
    }
    found.waiting = queue_.messages();
    found.messages_received = traffic.messages_received;
    found.bytes_received = traffic.bytes_received;
    found.messages_sent = traffic.messages_sent - found.waiting;
    found.bytes_sent = traffic.bytes_sent;
    found.malformed = traffic.malformed;
    found.unroutable = traffic.unroutable;
    found.overflowed = traffic.overflowed;
    found.denied = traffic.denied;
    return found;
}

void role::describe_peers(std::vector<peer_status>& to) const {
    std::unordered_set<const connector*> connected;
    for (const auto& each : connections_) {
        if (each->dead()) continue;
        if (each->via) connected.insert(each->via);
        to.push_back(each->describe());
        to.back().user = admission_.user_of(each->peer_id());
        to.back().subscriptions = pattern_->subscriptions_of(*each);
        to.back().in_flight = in_flight(*each);
    }
    for (const auto& each : connectors_) {
        if (connected.count(each.get()) == 0) to.push_back(wire::describe(*each));
    }
}

// Behind a ROUTER, its requests without a reply. For a receiver of requests, those sent to it that it has not answered.
std::uint64_t role::in_flight(const connection& with) const noexcept {
    if (with.as_client) return with.as_client->count;
    if (with.as_worker) return with.as_worker->load;
    if (!replies_ || !with.joined()) return 0;
    if (!asks_) return with.traffic.messages_sent - std::min(with.traffic.messages_sent, with.traffic.messages_received);
    if (spec_.type != ZMQ_ROUTER) return 0;
    return replies_->of(replies_->place_of(with.routing_id().data(), with.routing_id().size()));
}

bool role::kick(std::uint64_t number) {
    const auto is_it = [number](const auto& each) { return each->origin.number == number && !each->dead(); };
    const auto found = std::find_if(connections_.begin(), connections_.end(), is_it);
    if (found == connections_.end()) return false;
    (*found)->close(ending::kicked, "disconnected by an operator");
    return true;
}

void role::count_states() {
    std::array<std::uint64_t, static_cast<std::size_t>(peer_state::disconnected) + 1> found{};
    for (const auto& each : connections_) ++found[static_cast<std::size_t>(each->state())];
    shaking_hands_.set(found[static_cast<std::size_t>(peer_state::handshake)]);
    blocked_.set(found[static_cast<std::size_t>(peer_state::blocked)]);
    held_.set(found[static_cast<std::size_t>(peer_state::held)]);
}

void device::impl::count_states(clock::time_point now) {
    if (now < next_count_) return;
    next_count_ = now + count_interval;
    for_each_role([](role& each) { each.count_states(); });
}

// Has the loop's thread call `act`. False: the device is not running.
bool device::impl::call(const std::function<void()>& act, milliseconds timeout) {
    const auto done = calls_.call(act, timeout);
    if (done != calls::result::late) return done == calls::result::done;
    throw error(ETIMEDOUT, "device: its loop has not answered within " + std::to_string(timeout.count()) + " ms");
}

std::vector<peer_status> device::impl::peers(milliseconds timeout) {
    std::vector<peer_status> found;
    const auto describe = [&](const char* name, const role* of) {
        const std::size_t before = found.size();
        if (of) of->describe_peers(found);
        for (std::size_t i = before; i < found.size(); ++i) found[i].role = name;
    };
    call([&] { describe("in", in_.get()), describe("out", own_out_.get()), describe("mon", mon_.get()); }, timeout);
    return found;
}

bool device::impl::kick(std::uint64_t number, milliseconds timeout) {
    bool found = false;
    call([&] { for_each_role([&](role& each) { found = found || each.kick(number); }); }, timeout);
    return found;
}

void device::impl::stop_accepting(milliseconds timeout) {
    call([&] { for_each_role([](role& each) { each.close_listeners(); }); }, timeout);
}

}  // namespace zdev::wire
