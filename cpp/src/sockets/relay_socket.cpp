#include "relay_socket.hpp"

#include <cerrno>
#include <initializer_list>
#include <string>
#include <zdev/device.hpp>

namespace zdev {

namespace {

// How many topics a PUB or XPUB has subscriptions to. In libzmq since 4.3.5, though zmq.h hides the name among the drafts.
constexpr int topics_count = 116;

// Without it an XPUB or XSUB takes any frame that begins with 0 or 1 for a subscription, in the midst of a message too, and may
// swallow it: that message would run on into another peer's. In libzmq since 4.3.3, hidden likewise.
constexpr int only_first_subscribe = 108;

template <typename Value = int>
Value get_option(void* socket, int option, const char* role) {
    Value value{};
    std::size_t size = sizeof value;
    while (zmq_getsockopt(socket, option, &value, &size) != 0) {
        if (zmq_errno() == EINTR) continue;
        if (zmq_errno() == ENOTSOCK) throw error(ENOTSOCK, std::string("device: ") + role + ": not a socket, or closed");
        throw zmq::error_t();
    }
    return value;
}

bool is_one_of(int type, std::initializer_list<int> types) noexcept {
    for (const int candidate : types) {
        if (type == candidate) return true;
    }
    return false;
}

}  // namespace

relay_socket::relay_socket(zmq::socket_ref socket, const char* role)
    : handle_(socket.handle()),
      role_(role),
      type_(get_option(handle_, ZMQ_TYPE, role_)),
      fd_(get_option<zmq_fd_t>(handle_, ZMQ_FD, role_)) {
    const int yes = 1;
    if (is_one_of(type_, {ZMQ_XPUB, ZMQ_XSUB})) zmq_setsockopt(handle_, only_first_subscribe, &yes, sizeof yes);
}

bool relay_socket::can_receive() const noexcept {
    return is_one_of(type_, {ZMQ_PAIR, ZMQ_SUB, ZMQ_REQ, ZMQ_REP, ZMQ_DEALER, ZMQ_ROUTER, ZMQ_PULL, ZMQ_XPUB, ZMQ_XSUB});
}

bool relay_socket::can_send() const noexcept {
    return is_one_of(type_, {ZMQ_PAIR, ZMQ_PUB, ZMQ_REQ, ZMQ_REP, ZMQ_DEALER, ZMQ_ROUTER, ZMQ_PUSH, ZMQ_XPUB, ZMQ_XSUB});
}

bool relay_socket::pollout_reliable() const noexcept { return !is_one_of(type_, {ZMQ_ROUTER, ZMQ_PUB, ZMQ_XPUB}); }

bool relay_socket::rolls_back() const noexcept { return is_one_of(type_, {ZMQ_PUSH, ZMQ_DEALER, ZMQ_REQ, ZMQ_PAIR}); }

bool relay_socket::in_lockstep() const noexcept { return is_one_of(type_, {ZMQ_REQ, ZMQ_REP}); }

bool relay_socket::in_midst_of_message() const { return get_option(handle_, ZMQ_RCVMORE, role_) != 0; }

int relay_socket::count_topics() const noexcept {
    int topics = 0;
    std::size_t size = sizeof topics;
    return zmq_getsockopt(handle_, topics_count, &topics, &size) == 0 ? topics : -1;
}

// recv has processed all commands, except with EFSM.
int relay_socket::explain_nothing() {
    settled_ = zmq_errno() == EAGAIN;
    switch (zmq_errno()) {
        case EAGAIN: return nothing;
        case EFSM: return out_of_turn;
        default: throw zmq::error_t();
    }
}

sending relay_socket::explain_unsent() const {
    switch (zmq_errno()) {
        case EAGAIN:
        case EFSM: return sending::full;
        case EHOSTUNREACH: return sending::unroutable;
        default: throw zmq::error_t();
    }
}

int relay_socket::refresh() {
    const int events = get_option(handle_, ZMQ_EVENTS, role_);
    ++refresh_count_;
    settled_ = (events & ZMQ_POLLIN) == 0;
    if (watches_subscribers_) has_subscribers_ = get_option(handle_, topics_count, role_) > 0;
    return events;
}

void relay_socket::watch_subscribers() {
    watches_subscribers_ =
        is_one_of(type_, {ZMQ_PUB, ZMQ_XPUB}) && count_topics() >= 0 && get_option(handle_, ZMQ_INVERT_MATCHING, role_) == 0;
    has_subscribers_ = true;
    if (watches_subscribers_) refresh();
}

}  // namespace zdev
