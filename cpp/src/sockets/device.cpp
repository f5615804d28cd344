#include <algorithm>
#include <array>
#include <cerrno>
#include <zdev/device.hpp>

#include "../counter.hpp"
#include "../pending_replies.hpp"
#include "../poll.hpp"
#include "../steering.hpp"
#include "control.hpp"
#include "flow.hpp"
#include "pairs.hpp"
#include "relay_socket.hpp"

namespace zdev {

namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds housekeeping_interval{1};  // under load: interval of checks for commands and subscriptions
constexpr milliseconds check_interval{50};        // under load: interval of interrupt checks
constexpr milliseconds signal_poll_interval{
    50};  // with an interrupt check: the latest time to see a signal that arrived just before poll()
constexpr milliseconds idle_poll_interval{250};  // without an interrupt check
constexpr milliseconds blind_poll_interval{5};   // waiting for room that ZMQ_POLLOUT does not report

bool publishes(const relay_socket& socket) { return socket.type() == ZMQ_XPUB || socket.type() == ZMQ_XSUB; }

}  // namespace

class device::impl {
public:
    impl(zmq::socket_ref in, zmq::socket_ref out, const options& options);
    outcome run(const interrupt_check& check);
    int discard();
    zdev::statistics statistics() const noexcept;

    zdev::steering steering;

private:
    outcome loop(const interrupt_check& check);
    void charge_blocked_time(clock::time_point now);
    void adopt_state(clock::time_point now);
    std::optional<zdev::statistics> execute(const command& command);
    bool move_messages();
    void housekeeping(clock::time_point now);
    void discard_unread();
    bool drained() const noexcept;
    void wait(const interrupt_check& check);
    void on_readable(relay_socket& socket);
    milliseconds longest_wait(const interrupt_check& check) const;
    int wanted_events(const relay_socket& socket) const;
    bool may_read(const flow& flow) const noexcept;
    template <typename Do>
    void for_each_socket(Do&& act);
    template <typename Do>
    void for_each_flow(Do&& act);

    relay_socket in_;
    std::optional<relay_socket> own_out_;  // none: `in` is both ends
    relay_socket& out_;
    std::optional<relay_socket> mon_;
    std::optional<control> control_;
    const directions ways_;
    std::optional<pending_replies> replies_;  // none: one direction, or publish and subscribe
    std::optional<flow> forward_;
    std::optional<flow> backward_;
    const milliseconds drain_timeout_;       // of a DRAIN without a timeout
    std::array<relay_socket*, 3> unread_{};  // XPUBs whose subscriptions are discarded, so that they do not accumulate

    std::atomic<bool> running_{false};
    std::atomic<zdev::state> state_{zdev::state::idle};
    clock::time_point next_housekeeping_;
    clock::time_point next_check_;
    clock::time_point drain_began_;
    clock::time_point last_turn_;
    counter loop_iterations_;
};

device::impl::impl(zmq::socket_ref in, zmq::socket_ref out, const options& options)
    : in_(in, "in"),
      own_out_(in == out ? std::nullopt : std::make_optional<relay_socket>(out, "out")),
      out_(own_out_ ? *own_out_ : in_),
      mon_(options.monitor.socket == nullptr ? std::nullopt : std::make_optional<relay_socket>(options.monitor.socket, "mon")),
      ways_(check_pair(in_, out_)),
      replies_(ways_.forward && ways_.backward && !publishes(in_) && !publishes(out_)
                   ? std::make_optional<pending_replies>(in_.type() == ZMQ_ROUTER)
                   : std::nullopt),
      drain_timeout_(options.drain_timeout) {
    if (mon_) check_type(*mon_, {ZMQ_PUB, ZMQ_XPUB, ZMQ_PUSH, ZMQ_PAIR, ZMQ_DEALER});
    if (options.control != nullptr) control_.emplace(options.control);
    const auto tap_of = [&](const std::optional<std::string>& prefix) {
        return tap(mon_ ? &*mon_ : nullptr, prefix, options.monitor);
    };
    pending_replies* const replies = replies_ ? &*replies_ : nullptr;
    if (ways_.forward)
        forward_.emplace(in_, out_, options.on_full, tap_of(options.monitor.in_prefix),
                         flow::replies{replies, replies != nullptr});
    if (ways_.backward)
        backward_.emplace(out_, in_, options.on_full, tap_of(options.monitor.out_prefix), flow::replies{replies, false});
    for (const relay_socket* extra : {mon_ ? &*mon_ : nullptr, control_ ? &control_->socket() : nullptr}) {
        if (extra && (extra->handle() == in_.handle() || extra->handle() == out_.handle())) {
            throw error(EINVAL,
                        std::string("device: ") + extra->role() + " is the same socket as in or out: use a separate socket");
        }
    }
    if (mon_ && control_ && mon_->handle() == control_->socket().handle()) {
        throw error(EINVAL, "device: mon and ctrl are the same socket: use separate sockets");
    }
    if (mon_ && mon_->type() == ZMQ_XPUB) unread_[0] = &*mon_;
    if (in_.type() == ZMQ_XPUB && !forward_) unread_[1] = &in_;
    if (out_.type() == ZMQ_XPUB && !backward_ && own_out_) unread_[2] = &out_;
}

outcome device::impl::run(const interrupt_check& check) {
    if (running_.exchange(true)) throw error(EBUSY, "device: already running, in another thread");
    struct end_of_run {
        impl& self;
        ~end_of_run() {
            self.steering.reset();
            self.state_ = zdev::state::idle;
            self.running_ = false;
        }
    } const end{*this};
    for_each_socket([](relay_socket& socket) { socket.unsettle(); });
    if (mon_) mon_->watch_subscribers();
    for_each_flow([](flow& flow) { flow.begin_run(); });
    next_housekeeping_ = next_check_ = {};
    last_turn_ = clock::now();
    return loop(check);
}

int device::impl::discard() {
    if (running_.exchange(true)) throw error(EBUSY, "device: cannot discard pending messages: it is running");
    int messages = 0;
    for_each_flow([&](flow& flow) { messages += flow.drop_pending(); });
    running_ = false;
    return messages;
}

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

// Sleeps until something can move, a command arrives or the poll interval ends. A socket's events are read only if the last
// operation there may have missed some; its descriptor reports all later ones.
void device::impl::wait(const interrupt_check& check) {
    bool ready = false;
    std::array<pollfd, 5> fds{};
    std::array<relay_socket*, 5> sockets{};
    std::size_t count = 0;
    fds[count++] = {steering.wakeup().fd(), POLLIN, 0};

    for_each_socket([&](relay_socket& socket) {
        const int wanted = wanted_events(socket);
        if ((wanted && !socket.settled()) || (wanted & ZMQ_POLLOUT)) ready = (socket.refresh() & wanted) != 0 || ready;
        sockets[count] = &socket;
        fds[count++] = {socket.fd(), POLLIN, 0};
    });
    if (ready) return;

    const int news = poll(fds.data(), count, longest_wait(check));
    if (news < 0 && errno != EINTR) throw zmq::error_t(errno);
    if (news < 0) next_check_ = {};
    if (news == 0) for_each_socket([](relay_socket& socket) { socket.unsettle(); });
    if (news > 0 && fds[0].revents) steering.wakeup().clear();
    for (std::size_t i = 1; news > 0 && i < count; ++i) {
        if (fds[i].revents & POLLNVAL)
            throw error(ENOTSOCK, std::string("device: ") + sockets[i]->role() + ": closed during the run");
        if (fds[i].revents) on_readable(*sockets[i]);
    }
}

// A socket's descriptor is readable. If no receive follows, refresh() must process what arrived: peers that came or left, the
// end of the context. The monitor's subscribers must be known before messages that arrived at the same time are sent.
void device::impl::on_readable(relay_socket& socket) {
    socket.unsettle();
    const bool is_monitor = mon_ && &socket == &*mon_;
    if (is_monitor || !(wanted_events(socket) & ZMQ_POLLIN)) socket.refresh();
}

milliseconds device::impl::longest_wait(const interrupt_check& check) const {
    auto longest = check ? signal_poll_interval : idle_poll_interval;
    const auto must_poll_blind = [](const std::optional<flow>& flow) {
        return flow && flow->blocked_on() && !flow->blocked_on()->pollout_reliable();
    };
    if (state_ != zdev::state::paused && (must_poll_blind(forward_) || must_poll_blind(backward_)))
        longest = blind_poll_interval;
    if (state_ == zdev::state::draining && steering.drain_timeout().count() >= 0) {
        const auto left = std::chrono::ceil<milliseconds>(drain_began_ + steering.drain_timeout() - clock::now());
        longest = std::clamp(left, milliseconds{0}, longest);
    }
    return longest;
}

// Which events of a socket let something move now.
int device::impl::wanted_events(const relay_socket& socket) const {
    int events = 0;
    for (const auto* flow : {&forward_, &backward_}) {
        if (!*flow || state_ == zdev::state::paused) continue;
        if ((*flow)->blocked_on() == &socket && socket.pollout_reliable()) events |= ZMQ_POLLOUT;
        if (&(*flow)->from() == &socket && !(*flow)->blocked_on() && may_read(**flow)) events |= ZMQ_POLLIN;
    }
    if (control_ && &socket == &control_->socket()) events |= ZMQ_POLLIN;
    if (std::find(unread_.begin(), unread_.end(), &socket) != unread_.end()) events |= ZMQ_POLLIN;
    return events;
}

template <typename Do>
void device::impl::for_each_socket(Do&& act) {
    act(in_);
    if (own_out_) act(*own_out_);
    if (mon_) act(*mon_);
    if (control_) act(control_->socket());
}

template <typename Do>
void device::impl::for_each_flow(Do&& act) {
    if (forward_) act(*forward_);
    if (backward_) act(*backward_);
}

zdev::statistics device::impl::statistics() const noexcept {
    return {state_, forward_ ? forward_->statistics() : flow_statistics{},
            backward_ ? backward_->statistics() : flow_statistics{}, replies_ ? replies_->total() : 0, loop_iterations_.get()};
}

device::device(zmq::socket_ref in, zmq::socket_ref out, const options& options)
    : impl_(std::make_unique<impl>(in, out, options)) {}
device::~device() = default;

outcome device::run(const interrupt_check& check) { return impl_->run(check); }
void device::pause() noexcept { impl_->steering.ask_pause(true); }
void device::resume() noexcept { impl_->steering.ask_pause(false); }
void device::stop() noexcept { impl_->steering.ask_stop(); }
void device::drain(milliseconds timeout) noexcept { impl_->steering.ask_drain(timeout); }
int device::discard() { return impl_->discard(); }
statistics device::statistics() const noexcept { return impl_->statistics(); }

}  // namespace zdev
