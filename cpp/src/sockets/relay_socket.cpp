#include "relay_socket.hpp"

#include <cerrno>
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

relay_socket::relay_socket(zmq::socket_ref socket, const char* role_name)
    : handle(socket.handle()),
      role(role_name),
      type(get_option(handle, ZMQ_TYPE, role)),
      fd(get_option<zmq_fd_t>(handle, ZMQ_FD, role)) {
    const int yes = 1;
    if (is_one_of(type, {ZMQ_XPUB, ZMQ_XSUB})) zmq_setsockopt(handle, only_first_subscribe, &yes, sizeof yes);
}

bool relay_socket::can_receive() const noexcept {
    return is_one_of(type, {ZMQ_PAIR, ZMQ_SUB, ZMQ_REQ, ZMQ_REP, ZMQ_DEALER, ZMQ_ROUTER, ZMQ_PULL, ZMQ_XPUB, ZMQ_XSUB});
}

bool relay_socket::can_send() const noexcept {
    return is_one_of(type, {ZMQ_PAIR, ZMQ_PUB, ZMQ_REQ, ZMQ_REP, ZMQ_DEALER, ZMQ_ROUTER, ZMQ_PUSH, ZMQ_XPUB, ZMQ_XSUB});
}

bool relay_socket::pollout_reliable() const noexcept { return !is_one_of(type, {ZMQ_ROUTER, ZMQ_PUB, ZMQ_XPUB}); }

bool relay_socket::rolls_back() const noexcept { return is_one_of(type, {ZMQ_PUSH, ZMQ_DEALER, ZMQ_REQ, ZMQ_PAIR}); }

bool relay_socket::in_lockstep() const noexcept { return is_one_of(type, {ZMQ_REQ, ZMQ_REP}); }

bool relay_socket::in_midst_of_message() const { return get_option(handle, ZMQ_RCVMORE, role) != 0; }

int relay_socket::count_topics() const noexcept {
    int topics = 0;
    std::size_t size = sizeof topics;
    return zmq_getsockopt(handle, topics_count, &topics, &size) == 0 ? topics : -1;
}

int relay_socket::refresh() {
    const int events = get_option(handle, ZMQ_EVENTS, role);
    ++refresh_count;
    settled = (events & ZMQ_POLLIN) == 0;
    if (watches_subscribers) has_subscribers = get_option(handle, topics_count, role) > 0;
    return events;
}

void relay_socket::watch_subscribers() {
    watches_subscribers =
        is_one_of(type, {ZMQ_PUB, ZMQ_XPUB}) && count_topics() >= 0 && get_option(handle, ZMQ_INVERT_MATCHING, role) == 0;
    has_subscribers = true;
    if (watches_subscribers) refresh();
}

const char* type_name(int type) noexcept {
    switch (type) {
        case ZMQ_PAIR: return "PAIR";
        case ZMQ_PUB: return "PUB";
        case ZMQ_SUB: return "SUB";
        case ZMQ_REQ: return "REQ";
        case ZMQ_REP: return "REP";
        case ZMQ_DEALER: return "DEALER";
        case ZMQ_ROUTER: return "ROUTER";
        case ZMQ_PULL: return "PULL";
        case ZMQ_PUSH: return "PUSH";
        case ZMQ_XPUB: return "XPUB";
        case ZMQ_XSUB: return "XSUB";
        case ZMQ_STREAM: return "STREAM";
        default: return "an unknown type";
    }
}

void check_type(const relay_socket& socket, std::initializer_list<int> allowed) {
    if (is_one_of(socket.type, allowed)) return;
    std::string choice;
    for (const int type : allowed) choice += (choice.empty() ? "" : ", ") + std::string(type_name(type));
    throw error(EINVAL, std::string("device: ") + socket.role + ": " + type_name(socket.type) +
                            " is not allowed for this socket (use one of  " + choice + ")");
}

directions check_pair(const relay_socket& in, const relay_socket& out) {
    const auto refuse = [&](const std::string& why) {
        throw error(EINVAL, std::string("device: ") + type_name(in.type) + " as in and " + type_name(out.type) +
                                " as out can't work together: " + why);
    };
    const bool one_socket = in.handle == out.handle;
    const bool forward = in.can_receive() && out.can_send();
    const bool backward = !one_socket && out.can_receive() && in.can_send();
    if (!forward && !backward) {
        if (one_socket)
            refuse(std::string("one socket as both must receive and send, and ") + type_name(in.type) + " does not");
        refuse(in.can_send() ? "neither of them can receive" : "neither of them can send");
    }
    if (one_socket && in.type == ZMQ_REQ) refuse("a REQ must send before it can receive");
    if (!one_socket && !(forward && backward) && (in.in_lockstep() || out.in_lockstep())) {
        refuse("REQ and REP need an answer to each message, and these two can't pass one back");
    }
    if ((in.type == ZMQ_REP && out.type == ZMQ_ROUTER) || (in.type == ZMQ_ROUTER && out.type == ZMQ_REP)) {
        refuse("a REP must answer each request, and one that the ROUTER can't route would never be answered");
    }
    return {forward, backward};
}

}  // namespace zdev
