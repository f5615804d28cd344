#include <utility>

#include "device_impl.hpp"

namespace zdev {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds housekeeping_interval{1};  // under load: interval of checks for commands and subscriptions
constexpr milliseconds check_interval{50};        // under load: interval of interrupt checks

}  // namespace

outcome device::impl::loop(const interrupt_check& check) {
    while (!steering.stop()) {
        const auto now = clock::now();
        charge_blocked_time(now);
        adopt_state(now);
        if (state_ == zdev::state::draining) {
            if (drained()) return outcome::drained;
            const auto timeout = steering.drain_timeout();
            if (timeout.count() >= 0 && now - drain_began_ >= timeout) return outcome::drain_timed_out;
        }
        if (now >= next_housekeeping_) housekeeping(now);
        if (check && now >= next_check_) {
            next_check_ = now + check_interval;
            check();
        }
        if (control_ && !control_->socket().settled()) control_->serve([this](const command& c) { return execute(c); });
        discard_unread();
        if (state_ == zdev::state::paused || !move_messages()) wait(check);
    }
    return outcome::stopped;
}

// A flow that was blocked when the last iteration ended has been blocked since. Per iteration, so that no message costs a look
// at the clock.
void device::impl::charge_blocked_time(clock::time_point now) {
    loop_iterations_.add(1);
    const auto passed = now - std::exchange(last_turn_, now);
    if (state_ == zdev::state::paused) return;
    for_each_flow([&](flow& flow) {
        if (flow.holds_back()) flow.add_blocked(passed);
    });
}

// Applies the requests of other threads.
void device::impl::adopt_state(clock::time_point now) {
    if (!steering.drain()) {
        state_ = steering.paused() ? zdev::state::paused : zdev::state::active;
    } else if (state_.exchange(zdev::state::draining) != zdev::state::draining) {
        drain_began_ = now;
    }
}

std::optional<statistics> device::impl::execute(const command& command) {
    if (steering.drain() && (command.verb == verb::pause || command.verb == verb::resume)) return std::nullopt;
    switch (command.verb) {
        case verb::pause: steering.ask_pause(true); break;
        case verb::resume: steering.ask_pause(false); break;
        case verb::drain: steering.ask_drain(command.timeout.count() < 0 ? drain_timeout_ : command.timeout); break;
        case verb::terminate: steering.ask_stop(); break;
        case verb::statistics: break;
    }
    adopt_state(clock::now());
    return statistics();
}

bool device::impl::move_messages() {
    bool moved = false;
    for_each_flow([&](flow& flow) { moved |= flow.burst(may_read(flow)); });
    return moved;
}

// Under load the loop never polls, so sockets that no message is read from must be checked from time to time.
void device::impl::housekeeping(clock::time_point now) {
    next_housekeeping_ = now + housekeeping_interval;
    if (mon_ && !mon_->pollout_reliable()) mon_->refresh();
    if (control_) control_->socket().unsettle();
    for (relay_socket* socket : unread_) {
        if (socket) socket->unsettle();
    }
}

void device::impl::discard_unread() {
    for (relay_socket* socket : unread_) {
        if (!socket || socket->settled()) continue;
        constexpr int subscriptions_per_turn = 1000;
        zmq::message_t subscription;
        for (int left = subscriptions_per_turn; left > 0 && socket->receive(subscription) >= 0; --left) {
        }
    }
}

bool device::impl::may_read(const flow& flow) const noexcept {
    return state_ != zdev::state::draining || !forward_ || &flow != &*forward_;
}

// Nothing is pending, and every forwarded request has had its reply.
bool device::impl::drained() const noexcept {
    if ((forward_ && forward_->pending()) || (backward_ && backward_->pending())) return false;
    return !replies_ || replies_->total() == 0;
}

}  // namespace zdev
