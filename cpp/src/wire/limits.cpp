// The limits of a role on its incoming connections: how many, and how long one may be idle.

#include <zmq.h>

#include <algorithm>

#include "role.hpp"

namespace zdev::wire {

namespace {

constexpr milliseconds shortest_look{10};

// The address of a peer without its port.
std::string host_of(const std::string& address) {
    return address.substr(0, address.find("tcp://") == 0 ? address.rfind(':') : std::string::npos);
}

}  // namespace

bool role::has_place(const std::string& address) {
    const auto& options = spec_.options;
    if (options.max_connections > 0 && incoming_ >= options.max_connections) return refused_connections_.add(1), false;
    if (options.max_connections_per_address == 0) return true;
    const auto known = by_address_.find(host_of(address));
    if (known == by_address_.end() || known->second < options.max_connections_per_address) return true;
    return refused_address_.add(1), false;
}

void role::take_place(const connection& by) {
    ++incoming_;
    if (spec_.options.max_connections_per_address > 0) ++by_address_[host_of(by.origin.address)];
}

void role::give_up_place(const connection& of) {
    --incoming_;
    const auto known = by_address_.find(host_of(of.origin.address));
    if (known != by_address_.end() && --known->second == 0) by_address_.erase(known);
}

// Looks at all connections, four times in the time that one may be idle.
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
