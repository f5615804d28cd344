#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include "../poll.hpp"
#include "device_impl.hpp"

namespace zdev {

namespace {

using std::chrono::milliseconds;

// With an interrupt check: the latest time to see a signal that arrived just before poll().
constexpr milliseconds signal_poll_interval{50};
constexpr milliseconds idle_poll_interval{250};  // without an interrupt check
constexpr milliseconds blind_poll_interval{5};   // waiting for room that ZMQ_POLLOUT does not report

}  // namespace

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

}  // namespace zdev
