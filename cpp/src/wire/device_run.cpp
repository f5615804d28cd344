// How a device of the wire engine runs, and how a run ends.

#include <algorithm>
#include <cerrno>

#include "device_impl.hpp"

namespace zdev::wire {

namespace {

constexpr milliseconds check_interval{50};
constexpr milliseconds idle_tick{250};
constexpr milliseconds quiet{20};      // without a message, after which nothing is on the network
constexpr milliseconds patience{400};  // for that, where peers go on sending

}  // namespace

outcome device::impl::run(const zdev::device::interrupt_check& check) {
    if (running_.exchange(true)) throw error(EBUSY, "device: it is already running, in another thread");
    struct end_of_run {
        impl& self;
        ~end_of_run() {
            self.keep_report();
            self.calls_.close();
            self.for_each_role([](role& each) { each.stop_accepting(), each.abandon(); });
            self.steering.reset();
            self.state_ = zdev::state::idle;
            self.running_ = false;
        }
    };
    if (ran_.exchange(true)) {
        running_ = false;
        throw error(EINVAL, "device: it has run before: create another device to run again");
    }
    const end_of_run finally{*this};
    last_turn_ = clock::now();
    calls_.open();
    for_each_role([](role& each) { each.start(); });
    const outcome how = relay_messages(check);
    end(how, check);
    return how;
}

outcome device::impl::relay_messages(const zdev::device::interrupt_check& check) {
    while (!steering.stop()) {
        adopt_state();
        if (state_ == zdev::state::draining) {
            if (drained()) return outcome::drained;
            const auto timeout = steering.drain_timeout();
            if (timeout.count() >= 0 && clock::now() - drain_began_ >= timeout) return outcome::drain_timed_out;
        }
        turn(check);
    }
    return outcome::stopped;
}

// Applies the state that was requested.
void device::impl::adopt_state() {
    const auto before = state_.load();
    const auto wanted = steering.drain()    ? zdev::state::draining
                        : steering.paused() ? zdev::state::paused
                                            : zdev::state::active;
    if (wanted == before) return;
    state_ = wanted;
    if (wanted == zdev::state::draining) drain_began_ = clock::now();
    if (pool_) pool_->pause(wanted == zdev::state::paused);
    if (forward_) forward_->set_mode(wanted == zdev::state::active ? relay::mode::open : relay::mode::closed);
    if (backward_) backward_->set_mode(wanted == zdev::state::paused ? relay::mode::closed : relay::mode::open);
    room_ = true;
    wake_held();
}

void device::impl::turn(const zdev::device::interrupt_check& check) {
    const auto now = clock::now();
    account(now);
    auto longest = idle_tick;
    if (state_ == zdev::state::draining && steering.drain_timeout().count() >= 0) {
        const auto left = std::chrono::ceil<milliseconds>(drain_began_ + steering.drain_timeout() - now);
        longest = std::clamp(left, milliseconds{0}, longest);
    }
    turn_loop(now, longest, check);
    publish();
}

// Calls the check if it is due, then turns the loop, for `longest` at most. After a signal the check is due at once.
void device::impl::turn_loop(clock::time_point now, milliseconds longest, const zdev::device::interrupt_check& check) {
    if (check && now >= next_check_) {
        next_check_ = now + check_interval;
        check();
    }
    if (new_credentials.load(std::memory_order_relaxed)) {
        new_credentials = false;
        for_each_role([](role& each) { each.apply_credentials(); });
    }
    if (!loop_.turn(check ? std::min(longest, check_interval) : longest)) next_check_ = {};
    wake_held();
}

void device::impl::publish() {
    for_each_relay([](relay& each) { each.publish(); });
    if (pool_) owed_.set(pool_->owed());
}

void device::impl::wake_held() {
    while (std::exchange(room_, false)) {
        if (pool_) pool_->deal();
        for_each_relay([](relay& each) { each.wake(); });
        loop_.settle();
    }
}

// A direction that was blocked at the end of the last turn has been blocked since.
void device::impl::account(clock::time_point now) {
    loop_iterations_.add(1);
    count_states(now);
    const auto passed = static_cast<std::uint64_t>(std::chrono::nanoseconds(now - std::exchange(last_turn_, now)).count());
    if (state_ == zdev::state::paused) return;
    for_each_relay([&](relay& each) {
        if (each.holds_back()) each.counters.blocked.add(passed);
    });
}

void device::impl::stop(milliseconds grace) noexcept {
    if (ending_) {
        aborted_ = true;
    } else {
        grace_ = grace.count();
    }
    steering.ask_stop();
}

// Senders stop and their messages are relayed; then the queued messages are sent, and the senders of the other side stop too.
// After a drain of requests, no more requests are relayed: those that have arrived are dropped, and counted as
// `drain_discards`.
void device::impl::end(outcome how, const zdev::device::interrupt_check& check) {
    for_each_role([](role& each) { each.stop_accepting(); });
    const bool unanswerable = replies_ && how != outcome::stopped;
    if (forward_) forward_->set_mode(unanswerable ? relay::mode::discarding : relay::mode::open);
    if (backward_) backward_->set_mode(relay::mode::open);
    room_ = true;
    wake_held();

    const auto begun = clock::now();
    ending_ = true;
    if (forward_ && backward_) take_what_has_arrived(begun, check);
    role *first = in_.get(), *second = own_out_.get();
    if (!forward_) std::swap(first, second);  // the senders are at out
    for (role* const each : {first, second, mon_.get(), dead_letter_.get()}) {
        if (!each) continue;
        if (pool_ && each == first) pool_->end_all();
        if (pool_ && each == second) pool_->say_goodbye();
        each->finish_sending();
        // What the senders still bring goes out through the other role, and it is the linger of that one that is for it.
        const auto latest =
            each == first && second ? std::max(deadline(*each, begun), deadline(*second, begun)) : deadline(*each, begun);
        wait_for_end([each] { return each->empty(); }, latest, check);
    }
}

// Before the first FIN where replies come back: a peer that has got one takes nothing more.
void device::impl::take_what_has_arrived(clock::time_point begun, const zdev::device::interrupt_check& check) {
    const auto latest = std::min(begun + patience, std::max(deadline(*in_, begun), deadline(out_, begun)));
    const auto received = [&] {
        return forward_->counters.messages_received.get() + backward_->counters.messages_received.get();
    };
    std::uint64_t before;
    do {
        before = received();
        wait_for_end([] { return false; }, std::min(latest, clock::now() + quiet), check);
    } while (received() != before && clock::now() < latest && !aborted_);
}

clock::time_point device::impl::deadline(const role& of, clock::time_point begun) const {
    const milliseconds linger = of.options().linger, grace{grace_};
    if (linger.count() < 0 && grace.count() < 0) return clock::time_point::max();
    if (linger.count() < 0 || grace.count() < 0) return begun + std::max(linger, grace);
    return begun + std::min(linger, grace);
}

void device::impl::wait_for_end(const std::function<bool()>& ended, clock::time_point deadline,
                                const zdev::device::interrupt_check& check) {
    while (!ended() && !aborted_ && clock::now() < deadline) {
        const auto now = clock::now();
        loop_iterations_.add(1);
        count_states(now);
        const auto left = deadline == clock::time_point::max() ? idle_tick : std::chrono::ceil<milliseconds>(deadline - now);
        turn_loop(now, std::min(left, idle_tick), check);
    }
}

}  // namespace zdev::wire
