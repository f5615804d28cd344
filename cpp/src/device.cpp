#include <algorithm>
#include <array>
#include <cerrno>
#include <zdev/device.hpp>

#include "control.hpp"
#include "counter.hpp"
#include "endpoint.hpp"
#include "flow.hpp"
#include "pending_replies.hpp"
#include "poll.hpp"
#include "steering.hpp"

namespace zdev {

namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds chores_interval{1};  // under load: how often control and subscriptions are looked at
constexpr milliseconds check_interval{50};  // under load: how often signals are
constexpr milliseconds signal_tick{50};     // waiting with a check: a signal just before poll() is seen this late at most
constexpr milliseconds idle_tick{250};      // waiting without one
constexpr milliseconds dark_tick{5};        // waiting for room of which ZMQ_POLLOUT does not tell

bool publishes(const endpoint& socket) { return socket.type == ZMQ_XPUB || socket.type == ZMQ_XSUB; }

}  // namespace

class device::impl {
public:
    impl(zmq::socket_ref in, zmq::socket_ref out, const options& options);
    outcome run(const check& check);
    int discard();
    zdev::statistics statistics() const noexcept;

    zdev::steering steering;

private:
    outcome loop(const check& check);
    void account(clock::time_point now);
    void adopt_state(clock::time_point now);
    std::optional<zdev::statistics> obey(const command& command);
    bool move_messages();
    void do_chores(clock::time_point now);
    void discard_unread();
    bool drained() const noexcept;
    void wait(const check& check);
    void hear(endpoint& socket);
    milliseconds longest_wait(const check& check) const;
    int wanted_events(const endpoint& socket) const;
    bool may_read(const flow& flow) const noexcept;
    template <typename Do>
    void for_each_socket(Do&& act);
    template <typename Do>
    void for_each_flow(Do&& act);

    endpoint in_;
    std::optional<endpoint> own_out_;  // none: `in` is both ends
    endpoint& out_;
    std::optional<endpoint> mon_;
    std::optional<control> control_;
    const directions ways_;
    std::optional<pending_replies> replies_;  // none: one way, or publishers, which owe none
    std::optional<flow> forward_;
    std::optional<flow> backward_;
    const milliseconds drain_timeout_;   // of a DRAIN that names none
    std::array<endpoint*, 3> unread_{};  // XPUBs whose subscriptions go nowhere: read them, or they pile up

    std::atomic<bool> running_{false};
    std::atomic<zdev::state> state_{zdev::state::idle};
    clock::time_point next_chores_;
    clock::time_point next_check_;
    clock::time_point drain_began_;
    clock::time_point last_turn_;
    counter loop_iterations_;
};

device::impl::impl(zmq::socket_ref in, zmq::socket_ref out, const options& options)
    : in_(in, "in"),
      own_out_(in == out ? std::nullopt : std::make_optional<endpoint>(out, "out")),
      out_(own_out_ ? *own_out_ : in_),
      mon_(options.monitor.socket == nullptr ? std::nullopt : std::make_optional<endpoint>(options.monitor.socket, "mon")),
      ways_(check_pair(in_, out_)),
      replies_(ways_.forward && ways_.backward && !publishes(in_) && !publishes(out_)
                   ? std::make_optional<pending_replies>(in_.type == ZMQ_ROUTER)
                   : std::nullopt),
      drain_timeout_(options.drain_timeout) {
    if (mon_) check_type(*mon_, {ZMQ_PUB, ZMQ_XPUB, ZMQ_PUSH, ZMQ_PAIR, ZMQ_DEALER});
    if (options.control != nullptr) control_.emplace(options.control);
    const monitor& monitor = options.monitor;
    pending_replies* const replies = replies_ ? &*replies_ : nullptr;
    if (ways_.forward) {
        const flow::tap tap{mon_ ? &*mon_ : nullptr, monitor.in_prefix, monitor.dropped_prefix, monitor.on_full};
        forward_.emplace(in_, out_, tap, options.on_full, flow::replies{replies, replies != nullptr});
    }
    if (ways_.backward) {
        const flow::tap tap{mon_ ? &*mon_ : nullptr, monitor.out_prefix, monitor.dropped_prefix, monitor.on_full};
        backward_.emplace(out_, in_, tap, options.on_full, flow::replies{replies, false});
    }
    for (const endpoint* extra : {mon_ ? &*mon_ : nullptr, control_ ? &control_->socket() : nullptr}) {
        if (extra && (extra->handle == in_.handle || extra->handle == out_.handle)) {
            throw error(EINVAL,
                        std::string("device: ") + extra->role + " is the same socket as in or out: give it one of its own");
        }
    }
    if (mon_ && control_ && mon_->handle == control_->socket().handle) {
        throw error(EINVAL, "device: mon and ctrl are the same socket: give each one of its own");
    }
    if (mon_ && mon_->type == ZMQ_XPUB) unread_[0] = &*mon_;
    if (in_.type == ZMQ_XPUB && !forward_) unread_[1] = &in_;
    if (out_.type == ZMQ_XPUB && !backward_ && own_out_) unread_[2] = &out_;
}

outcome device::impl::run(const check& check) {
    if (running_.exchange(true)) throw error(EBUSY, "device: it runs already, in another thread");
    struct end_of_run {
        impl& self;
        ~end_of_run() {
            self.steering.forget();
            self.state_ = zdev::state::idle;
            self.running_ = false;
        }
    } const end{*this};
    for_each_socket([](endpoint& socket) { socket.settled = false; });
    if (mon_) mon_->watch_audience();
    for_each_flow([](flow& flow) { flow.begin_run(); });
    next_chores_ = next_check_ = {};
    last_turn_ = clock::now();
    return loop(check);
}

int device::impl::discard() {
    if (running_.exchange(true)) throw error(EBUSY, "device: cannot discard what is in hand: it is running");
    int messages = 0;
    for_each_flow([&](flow& flow) { messages += flow.drop_in_hand(); });
    running_ = false;
    return messages;
}

outcome device::impl::loop(const check& check) {
    while (!steering.stop()) {
        const auto now = clock::now();
        account(now);
        adopt_state(now);
        if (state_ == zdev::state::draining) {
            if (drained()) return outcome::drained;
            const auto timeout = steering.drain_timeout();
            if (timeout.count() >= 0 && now - drain_began_ >= timeout) return outcome::drain_timed_out;
        }
        if (now >= next_chores_) do_chores(now);
        if (check && now >= next_check_) {
            next_check_ = now + check_interval;
            check();
        }
        if (control_ && !control_->socket().settled) control_->serve([this](const command& c) { return obey(c); });
        discard_unread();
        if (state_ == zdev::state::paused || !move_messages()) wait(check);
    }
    return outcome::stopped;
}

// A flow that held something back when the last turn ended has done so since. Per turn, so that no message costs a look at the
// clock.
void device::impl::account(clock::time_point now) {
    loop_iterations_.add(1);
    const auto passed = now - std::exchange(last_turn_, now);
    if (state_ == zdev::state::paused) return;
    for_each_flow([&](flow& flow) {
        if (flow.holds_back()) flow.add_blocked(passed);
    });
}

// What was asked for becomes what is done.
void device::impl::adopt_state(clock::time_point now) {
    if (!steering.drain()) {
        state_ = steering.paused() ? zdev::state::paused : zdev::state::active;
    } else if (state_.exchange(zdev::state::draining) != zdev::state::draining) {
        drain_began_ = now;
    }
}

std::optional<statistics> device::impl::obey(const command& command) {
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

// Under load nobody polls: look now and then at the sockets that no message moves from.
void device::impl::do_chores(clock::time_point now) {
    next_chores_ = now + chores_interval;
    if (mon_ && !mon_->tells_room()) mon_->refresh();
    if (control_) control_->socket().settled = false;
    for (endpoint* socket : unread_) {
        if (socket) socket->settled = false;
    }
}

void device::impl::discard_unread() {
    for (endpoint* socket : unread_) {
        if (!socket || socket->settled) continue;
        constexpr int subscriptions_a_turn = 1000;
        zmq::message_t subscription;
        int left = subscriptions_a_turn;
        while (left > 0 && zmq_msg_recv(subscription.handle(), socket->handle, ZMQ_DONTWAIT) >= 0) --left;
        if (left == 0) continue;
        if (zmq_errno() != EAGAIN && zmq_errno() != EINTR) throw zmq::error_t();
        socket->settled = zmq_errno() == EAGAIN;
    }
}

bool device::impl::may_read(const flow& flow) const noexcept {
    return state_ != zdev::state::draining || !forward_ || &flow != &*forward_;
}

// Nothing is in hand, and every request forwarded has had its reply.
bool device::impl::drained() const noexcept {
    if ((forward_ && forward_->in_hand()) || (backward_ && backward_->in_hand())) return false;
    return !replies_ || replies_->total() == 0;
}

// Sleeps until something can move, a command comes or a tick is over. A socket is asked for its events only if the last thing
// done there may have missed some that are wanted; the descriptors tell of all that comes after.
void device::impl::wait(const check& check) {
    bool ready = false;
    std::array<pollfd, 5> fds{};
    std::array<endpoint*, 5> sockets{};
    std::size_t count = 0;
    fds[count++] = {steering.bell().fd(), POLLIN, 0};

    for_each_socket([&](endpoint& socket) {
        const int wanted = wanted_events(socket);
        if ((wanted && !socket.settled) || (wanted & ZMQ_POLLOUT)) ready = (socket.refresh() & wanted) != 0 || ready;
        sockets[count] = &socket;
        fds[count++] = {socket.fd, POLLIN, 0};
    });
    if (ready) return;

    const int news = poll(fds.data(), count, longest_wait(check));
    if (news < 0 && errno != EINTR) throw zmq::error_t(errno);
    if (news < 0) next_check_ = {};
    if (news == 0) for_each_socket([](endpoint& socket) { socket.settled = false; });
    if (news > 0 && fds[0].revents) steering.bell().clear();
    for (std::size_t i = 1; news > 0 && i < count; ++i) {
        if (fds[i].revents & POLLNVAL) throw error(ENOTSOCK, std::string("device: ") + sockets[i]->role + ": closed meanwhile");
        if (fds[i].revents) hear(*sockets[i]);
    }
}

// A socket has news. Where nobody will receive, it must be made to take them in: peers that came or left, the end of its
// context; and who listens to the monitor must be known before the messages that came at the same time are sent on.
void device::impl::hear(endpoint& socket) {
    socket.settled = false;
    const bool is_monitor = mon_ && &socket == &*mon_;
    if (is_monitor || !(wanted_events(socket) & ZMQ_POLLIN)) socket.refresh();
}

milliseconds device::impl::longest_wait(const check& check) const {
    auto longest = check ? signal_tick : idle_tick;
    const auto waits_in_the_dark = [](const std::optional<flow>& flow) {
        return flow && flow->blocked_on() && !flow->blocked_on()->tells_room();
    };
    if (state_ != zdev::state::paused && (waits_in_the_dark(forward_) || waits_in_the_dark(backward_))) longest = dark_tick;
    if (state_ == zdev::state::draining && steering.drain_timeout().count() >= 0) {
        const auto left = std::chrono::ceil<milliseconds>(drain_began_ + steering.drain_timeout() - clock::now());
        longest = std::clamp(left, milliseconds{0}, longest);
    }
    return longest;
}

// Which events of a socket let something move now.
int device::impl::wanted_events(const endpoint& socket) const {
    int events = 0;
    for (const auto* flow : {&forward_, &backward_}) {
        if (!*flow || state_ == zdev::state::paused) continue;
        if ((*flow)->blocked_on() == &socket && socket.tells_room()) events |= ZMQ_POLLOUT;
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

outcome device::run(const check& look_at_signals) { return impl_->run(look_at_signals); }
void device::pause() noexcept { impl_->steering.ask_pause(true); }
void device::resume() noexcept { impl_->steering.ask_pause(false); }
void device::stop() noexcept { impl_->steering.ask_stop(); }
void device::drain(milliseconds timeout) noexcept { impl_->steering.ask_drain(timeout); }
int device::discard() { return impl_->discard(); }
statistics device::statistics() const noexcept { return impl_->statistics(); }

}  // namespace zdev
