#include "balancer.hpp"

#include <algorithm>

namespace zdev::wire {

bool balancer::join(connection& peer) {
    room(peer);
    return true;
}

void balancer::leave(connection& peer) {
    const auto at = std::find(open_.begin(), open_.end(), &peer);
    if (at == open_.end()) return;
    if (at - open_.begin() < static_cast<std::ptrdiff_t>(next_)) --next_;
    open_.erase(at);
    if (next_ >= open_.size()) next_ = 0;
}

void balancer::room(connection& peer) {
    if (std::find(open_.begin(), open_.end(), &peer) == open_.end()) open_.push_back(&peer);
    deal_returned();
}

// Ends the turn of a connection, which may be full now.
void balancer::remove_if_full(std::size_t at) {
    if (open_[at]->has_room()) {
        next_ = at + 1;
    } else {
        open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(at));
        next_ = at;
    }
    if (next_ >= open_.size()) next_ = 0;
}

delivery balancer::deliver(const outgoing& message) {
    while (!open_.empty()) {
        const std::size_t at = next_;
        connection& peer = *open_[at];
        const bool fits = peer.has_room();
        if (fits) send_to(peer, message);
        remove_if_full(at);
        if (fits) return delivery::sent;
    }
    return delivery::full;
}

std::size_t balancer::deliver_run(std::string_view bytes, const zmtp::run& run) {
    const std::size_t taken = open_[0]->has_room() ? open_[0]->send_run(bytes, run) : 0;
    remove_if_full(0);
    return taken;
}

bool balancer::take_back(std::string&& message) {
    returned_.push_back(std::move(message));
    deal_returned();
    return true;
}

void balancer::deal_returned() {
    while (!returned_.empty() && !open_.empty()) {
        outgoing message;
        message.body = returned_.front();
        if (deliver(message) == delivery::sent) returned_.pop_front();
    }
}

}  // namespace zdev::wire
