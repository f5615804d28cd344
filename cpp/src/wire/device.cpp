#include <sys/epoll.h>
#include <zmq.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "../steering.hpp"
#include "role.hpp"
#include "spec.hpp"

namespace zdev::wire {

namespace {

constexpr milliseconds check_interval{50};
constexpr milliseconds idle_tick{250};

// Ends the wait of the loop.
class waker final : public watched {
public:
    waker(loop& loop, const wakeup& bell) : loop_(loop), bell_(bell) { loop_.add(*this, bell_.fd(), EPOLLIN); }
    ~waker() override { loop_.remove(bell_.fd()); }
    void on_events(std::uint32_t) override { bell_.clear(); }

private:
    loop& loop_;
    const wakeup& bell_;
};

}  // namespace

class device::impl {
public:
    explicit impl(const wire::spec& spec);
    outcome run(const zdev::device::check& check);
    zdev::statistics statistics() const noexcept;
    const role* find(const std::string& name) const noexcept;

    zdev::steering steering;

private:
    void build_relays(const wire::spec& spec);
    tap tap_of(const wire::spec& spec, const std::optional<std::string>& prefix);
    outcome relay_messages(const zdev::device::check& check);
    void adopt_state();
    void account(clock::time_point now);
    void turn(const zdev::device::check& check);
    void wake_held();
    bool drained() const noexcept { return !expects_replies_ || pending_replies_.get() == 0; }
    void end(outcome how, const zdev::device::check& check);
    void wait_for_end(const std::function<bool()>& ended, clock::time_point deadline, const zdev::device::check& check);
    template <class Act>
    void for_each_role(Act&& act) const;

    loop loop_;
    waker waker_{loop_, steering.bell()};
    const bool expects_replies_;
    bool room_ = false;  // somebody has room that had none
    std::unique_ptr<role> in_, own_out_, mon_;
    role& out_;
    std::unique_ptr<relay> forward_, backward_;

    std::atomic<bool> running_{false}, ran_{false};
    std::atomic<zdev::state> state_{zdev::state::idle};
    clock::time_point next_check_, drain_began_, last_turn_;
    std::uint64_t asked_ = 0, answered_ = 0;  // as counted in pending_replies_
    counter loop_iterations_, pending_replies_;
};

namespace {

std::unique_ptr<role> make_role(loop& loop, const char* name, const socket_spec* spec, bool& room) {
    if (!spec) return nullptr;
    return std::make_unique<role>(loop, name, *spec, [&room] { room = true; });
}

}  // namespace

device::impl::impl(const wire::spec& spec)
    : expects_replies_((check(spec), expects_replies(spec))),
      in_(make_role(loop_, "in", &spec.in, room_)),
      own_out_(make_role(loop_, "out", spec.out ? &*spec.out : nullptr, room_)),
      mon_(make_role(loop_, "mon", spec.mon ? &spec.mon->socket : nullptr, room_)),
      out_(own_out_ ? *own_out_ : *in_) {
    build_relays(spec);
    loop_.before_flush([this] {
        forward_->publish();
        if (backward_) backward_->publish();
    });
}

tap device::impl::tap_of(const wire::spec& spec, const std::optional<std::string>& prefix) {
    return mon_ ? tap{&mon_->pattern(), mon_->publisher(), prefix, spec.mon->on_full} : tap{};
}

void device::impl::build_relays(const wire::spec& spec) {
    const auto in_prefix = spec.mon ? spec.mon->in_prefix : std::nullopt,
               out_prefix = spec.mon ? spec.mon->out_prefix : std::nullopt;
    forward_ =
        std::make_unique<relay>(in_->type(), out_.type(), !own_out_, out_.pattern(), tap_of(spec, in_prefix), spec.on_full);
    in_->feed(forward_.get());
    if (!goes_both_ways(spec)) return;
    backward_ =
        std::make_unique<relay>(out_.type(), in_->type(), false, in_->pattern(), tap_of(spec, out_prefix), spec.on_full);
    out_.feed(backward_.get());
    if (!out_.publisher() || !in_->upstream()) return;
    in_->relay_subscriptions_of(*out_.publisher());
    out_.publisher()->pass_on([this](const zmtp::subscription& wish) {
        std::string framed;
        zmtp::append_subscription(framed, 0, wish);
        in_->upstream()->ask(wish);
        backward_->note(framed, 1 + wish.prefix.size());
    });
}

outcome device::impl::run(const zdev::device::check& check) {
    if (running_.exchange(true)) throw error(EBUSY, "device: it is already running, in another thread");
    struct end_of_run {
        impl& self;
        ~end_of_run() {
            self.for_each_role([](role& each) { each.stop_accepting(), each.abandon(); });
            self.steering.forget();
            self.state_ = zdev::state::idle;
            self.running_ = false;
        }
    };
    if (ran_.exchange(true)) {
        running_ = false;
        throw error(EINVAL, "device: it has ended: make another one to run again");
    }
    const end_of_run finally{*this};
    last_turn_ = clock::now();
    for_each_role([](role& each) { each.start(); });
    const outcome how = relay_messages(check);
    end(how, check);
    return how;
}

outcome device::impl::relay_messages(const zdev::device::check& check) {
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

// What was asked for becomes what is done.
void device::impl::adopt_state() {
    const auto before = state_.load();
    const auto wanted = steering.drain()    ? zdev::state::draining
                        : steering.paused() ? zdev::state::paused
                                            : zdev::state::active;
    if (wanted == before) return;
    state_ = wanted;
    if (wanted == zdev::state::draining) drain_began_ = clock::now();
    forward_->set_mode(wanted == zdev::state::active ? relay::mode::open : relay::mode::closed);
    if (backward_) backward_->set_mode(wanted == zdev::state::paused ? relay::mode::closed : relay::mode::open);
    room_ = true;
    wake_held();
}

void device::impl::turn(const zdev::device::check& check) {
    const auto now = clock::now();
    account(now);
    if (check && now >= next_check_) {
        next_check_ = now + check_interval;
        check();
    }
    auto longest = check ? check_interval : idle_tick;
    if (state_ == zdev::state::draining && steering.drain_timeout().count() >= 0) {
        const auto left = std::chrono::ceil<milliseconds>(drain_began_ + steering.drain_timeout() - now);
        longest = std::clamp(left, milliseconds{0}, longest);
    }
    if (!loop_.turn(longest)) next_check_ = {};
    wake_held();
    forward_->publish();
    if (backward_) backward_->publish();
    if (!expects_replies_) return;
    const std::uint64_t asked = forward_->counters.messages_sent.get(), answered = backward_->counters.messages_received.get();
    const std::uint64_t owed = pending_replies_.get() + asked - std::exchange(asked_, asked);
    pending_replies_.set(owed - std::min(owed, answered - std::exchange(answered_, answered)));
}

void device::impl::wake_held() {
    while (std::exchange(room_, false)) {
        forward_->wake();
        if (backward_) backward_->wake();
        loop_.settle();
    }
}

// A direction that held something back when the last turn ended has done so since.
void device::impl::account(clock::time_point now) {
    loop_iterations_.add(1);
    const auto passed = static_cast<std::uint64_t>(std::chrono::nanoseconds(now - std::exchange(last_turn_, now)).count());
    if (state_ == zdev::state::paused) return;
    for (relay* const each : {forward_.get(), backward_.get()}) {
        if (each && each->holds_back()) each->counters.blocked.add(passed);
    }
}

// Senders cease and what they had sent goes on; then what is queued is sent, and the other side's senders cease too. After a
// drain of requests no more of them are taken: those that came are lost, and counted.
void device::impl::end(outcome how, const zdev::device::check& check) {
    for_each_role([](role& each) { each.stop_accepting(); });
    const bool unanswerable = expects_replies_ && how != outcome::stopped;
    forward_->set_mode(unanswerable ? relay::mode::discarding : relay::mode::open);
    if (backward_) backward_->set_mode(relay::mode::open);
    room_ = true;
    wake_held();

    const auto begun = clock::now();
    const auto deadline = [&](const role& of) {
        const auto linger = of.options().linger;
        return linger.count() < 0 ? clock::time_point::max() : begun + linger;
    };
    in_->ask_to_cease();
    wait_for_end([this] { return in_->empty(); }, deadline(*in_), check);
    for (role* const each : {own_out_.get(), mon_.get()}) {
        if (!each) continue;
        each->ask_to_cease();
        wait_for_end([each] { return each->empty(); }, deadline(*each), check);
    }
}

void device::impl::wait_for_end(const std::function<bool()>& ended, clock::time_point deadline,
                                const zdev::device::check& check) {
    while (!ended() && clock::now() < deadline) {
        const auto now = clock::now();
        loop_iterations_.add(1);
        if (check && now >= next_check_) {
            next_check_ = now + check_interval;
            check();
        }
        const auto left = deadline == clock::time_point::max() ? idle_tick : std::chrono::ceil<milliseconds>(deadline - now);
        if (!loop_.turn(std::min(left, check ? check_interval : idle_tick))) next_check_ = {};
        wake_held();
    }
}

template <class Act>
void device::impl::for_each_role(Act&& act) const {
    for (role* const each : {in_.get(), own_out_.get(), mon_.get()}) {
        if (each) act(*each);
    }
}

zdev::statistics device::impl::statistics() const noexcept {
    return {state_, forward_->counters.read(), backward_ ? backward_->counters.read() : flow_statistics{},
            pending_replies_.get(), loop_iterations_.get()};
}

const role* device::impl::find(const std::string& name) const noexcept {
    if (name == "out") return &out_;
    return name == "in" ? in_.get() : name == "mon" ? mon_.get() : nullptr;
}

device::device(const wire::spec& spec) : impl_(std::make_unique<impl>(spec)) {}
device::~device() = default;

outcome device::run(const zdev::device::check& check) { return impl_->run(check); }
void device::pause() noexcept { impl_->steering.ask_pause(true); }
void device::resume() noexcept { impl_->steering.ask_pause(false); }
void device::stop() noexcept { impl_->steering.ask_stop(); }
void device::drain(milliseconds timeout) noexcept { impl_->steering.ask_drain(timeout); }
zdev::statistics device::statistics() const noexcept { return impl_->statistics(); }

role_statistics device::connections(const std::string& role) const noexcept {
    const auto* const found = impl_->find(role);
    return found ? found->statistics() : role_statistics{};
}

std::vector<std::string> device::endpoints(const std::string& role) const {
    const auto* const found = impl_->find(role);
    return found ? found->endpoints() : std::vector<std::string>{};
}

}  // namespace zdev::wire
