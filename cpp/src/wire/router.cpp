#include "router.hpp"

#include <random>

namespace zdev::wire {

// Generated ids start at a random number, so that a late reply to a peer of an earlier run has no receiver.
router::router(bool handover) : handover_(handover), last_made_up_(std::random_device{}()) {}

std::string router::make_up_id() {
    std::string id(5, '\0');
    ++last_made_up_;
    for (std::size_t i = 0; i < 4; ++i) id[1 + i] = static_cast<char>(last_made_up_ >> (24 - 8 * i) & 0xff);
    return id;
}

bool router::join(connection& peer) {
    std::string id = peer.routing_id();
    if (id.empty()) id = peer.peer().routing_id;
    const auto known = id.empty() ? peers_.end() : peers_.find(id);
    if (known != peers_.end()) {
        if (!handover_) return false;
        connection& former = *known->second;
        peers_.erase(known);
        former.close(ending::closed, "another peer took its routing id over");
    }
    while (id.empty() || peers_.count(id) > 0) id = make_up_id();
    peer.set_routing_id(std::move(id));
    peers_.emplace(peer.routing_id(), &peer);
    return true;
}

void router::leave(connection& peer) {
    const auto known = peers_.find(peer.routing_id());
    if (known != peers_.end() && known->second == &peer) peers_.erase(known);
}

connection* router::receiver(std::string_view routing_id) const {
    const auto known = peers_.find(routing_id);
    return known != peers_.end() && known->second->writable() ? known->second : nullptr;
}

delivery router::deliver(const outgoing& message) {
    connection* const to = receiver(message.address);
    if (!to) return delivery::unroutable;
    if (!to->has_room()) return delivery::full;
    send_to(*to, message);
    return delivery::sent;
}

}  // namespace zdev::wire
