// A device of the wire engine: roles, the relays between them, and the loop that they share.
//
// Threads: run() in one; steering, statistics and connections from any.

#ifndef ZDEV_SRC_WIRE_DEVICE_IMPL_HPP
#define ZDEV_SRC_WIRE_DEVICE_IMPL_HPP

#include <sys/epoll.h>

#include <atomic>

#include "../steering.hpp"
#include "calls.hpp"
#include "role.hpp"

namespace zdev::wire {

// Ends the wait of the loop, and serves the calls of other threads.
class waker final : public watched {
public:
    waker(loop& loop, const wakeup& bell, wire::calls& calls) : loop_(loop), bell_(bell), calls_(calls) {
        loop_.add(*this, bell_.fd(), EPOLLIN);
    }
    ~waker() override { loop_.remove(bell_.fd()); }
    void on_events(std::uint32_t) override {
        bell_.clear();
        calls_.serve();
    }

private:
    loop& loop_;
    const wakeup& bell_;
    wire::calls& calls_;
};

class device::impl {
public:
    explicit impl(const wire::spec& spec);
    outcome run(const zdev::device::interrupt_check& check);
    zdev::statistics statistics() const noexcept;
    role* find(const std::string& name) const noexcept;
    void stop(milliseconds grace) noexcept;
    std::vector<peer_status> peers(milliseconds timeout);
    bool kick(std::uint64_t number, milliseconds timeout);
    void stop_accepting(milliseconds timeout);
    std::vector<std::string> change(const wire::spec& wanted, milliseconds timeout);
    workers_report workers(milliseconds timeout);
    bool drain_worker(std::uint64_t number, bool on, milliseconds timeout);

    zdev::steering steering;
    std::atomic<bool> new_credentials{false};  // some role has got some

private:
    static socket_spec out_of(const wire::spec& spec);  // with what `workers` needs
    std::unique_ptr<role> make_out(const wire::spec& spec);
    void build_relays(const wire::spec& spec);
    void serve_workers(const wire::spec& spec);
    static void pass_subscriptions(role& from, role& to, relay& direction);
    tap tap_of(const std::optional<std::string>& prefix) const;
    zdev::on_full policy_to(const role& to) const noexcept {
        return to.options().router_mandatory ? on_full_ : zdev::on_full::drop;
    }
    void take_over(const wire::spec& wanted, std::vector<std::string>& changes);
    void take_over_policies(const wire::spec& wanted);
    outcome relay_messages(const zdev::device::interrupt_check& check);
    void adopt_state();
    void account(clock::time_point now);
    void turn(const zdev::device::interrupt_check& check);
    void turn_loop(clock::time_point now, milliseconds longest, const zdev::device::interrupt_check& check);
    void wake_held();
    void take_what_has_arrived(clock::time_point begun, const zdev::device::interrupt_check& check);
    clock::time_point deadline(const role& of, clock::time_point begun) const;
    void publish();
    bool call(const std::function<void()>& act, milliseconds timeout);
    void count_states(clock::time_point now);
    void keep_report();
    bool drained() const noexcept { return owed() == 0; }
    std::uint64_t owed() const noexcept { return pool_ ? owed_.get() : replies_ ? replies_->total() : 0; }
    void end(outcome how, const zdev::device::interrupt_check& check);
    void wait_for_end(const std::function<bool()>& ended, clock::time_point deadline,
                      const zdev::device::interrupt_check& check);
    template <class Act>
    void for_each_role(Act&& act) const;
    template <class Act>
    void for_each_relay(Act&& act) const;

    loop loop_;
    wire::calls calls_{steering.wakeup()};
    waker waker_{loop_, steering.wakeup(), calls_};
    bool room_ = false;            // a receiver that was full has room
    worker_pool* pool_ = nullptr;  // of a queue that knows its workers: the pattern of out
    std::unique_ptr<role> in_, own_out_, mon_, dead_letter_;
    role& out_;
    zdev::on_full on_full_;
    std::optional<monitor_spec> monitor_;        // its policies
    std::optional<pending_replies> replies_;     // none: one direction, or publish and subscribe
    std::unique_ptr<relay> forward_, backward_;  // from in to out, and back; at least one

    std::atomic<bool> running_{false}, ran_{false};
    std::atomic<bool> ending_{false}, aborted_{false};  // delivers what is left; stop() was called again
    std::atomic<std::int64_t> grace_{-1};               // milliseconds for these deliveries; negative: no limit
    std::atomic<zdev::state> state_{zdev::state::idle};
    clock::time_point next_check_, next_count_, drain_began_, last_turn_;
    counter loop_iterations_, owed_;
    std::mutex report_guard_;
    workers_report last_report_;  // of the end of the run
};

template <class Act>
void device::impl::for_each_role(Act&& act) const {
    for (role* const each : {in_.get(), own_out_.get(), mon_.get(), dead_letter_.get()}) {
        if (each) act(*each);
    }
}

template <class Act>
void device::impl::for_each_relay(Act&& act) const {
    for (relay* const each : {forward_.get(), backward_.get()}) {
        if (each) act(*each);
    }
}

}  // namespace zdev::wire

#endif
