// A socket of a device: its handle, type and descriptor, and whether messages or commands may be waiting.

#ifndef ZDEV_SRC_SOCKETS_RELAY_SOCKET_HPP
#define ZDEV_SRC_SOCKETS_RELAY_SOCKET_HPP

#include <cstdint>
#include <initializer_list>
#include <string>
#include <zmq.hpp>

namespace zdev {

struct relay_socket {
    // role: "in", "out", "mon" or "ctrl", for error texts. Throws zdev::error with ENOTSOCK unless the socket is open.
    relay_socket(zmq::socket_ref socket, const char* role);

    bool can_receive() const noexcept;
    bool can_send() const noexcept;
    // ZMQ_POLLOUT means that the next message fits. Not so for the one peer of a ROUTER, nor with ZMQ_XPUB_NODROP.
    bool pollout_reliable() const noexcept;
    bool rolls_back() const noexcept;   // takes frames 1..n back when a peer vanishes before the last (EAGAIN midway)
    bool in_lockstep() const noexcept;  // REQ, REP: each message must be answered before the next
    bool in_midst_of_message() const;   // the last receive left the rest of a message unread. Throws zmq::error_t

    // How many topics an XPUB has subscriptions to; -1: unknown to this libzmq.
    int count_topics() const noexcept;

    // ZMQ_POLLIN and ZMQ_POLLOUT as they are now. Processes all commands that other threads have sent to the socket, after
    // which its descriptor becomes readable only for new ones. Throws zmq::error_t: ETERM, ENOTSOCK.
    int refresh();

    // From now on refresh() counts the subscriptions of a PUB or XPUB, if this libzmq can (4.3.5 and later).
    void watch_subscribers();

    void* handle;
    const char* role;
    int type;
    zmq_fd_t fd;
    // True when the last operation found nothing to read and processed all commands: then the descriptor reports whatever
    // comes next. A send may process commands unnoticed, so each send resets this.
    bool settled = false;
    // False: a publisher without subscribers, to which nothing need be sent.
    bool has_subscribers = true;
    bool watches_subscribers = false;
    std::uint64_t refresh_count = 0;  // calls of refresh()
};

const char* type_name(int type) noexcept;

// Throws zdev::error with EINVAL, its text naming role, type and choice, unless the socket is of one of the types.
void check_type(const relay_socket& socket, std::initializer_list<int> allowed);

// Which ways messages can go between two sockets.
struct directions {
    bool forward;   // from in to out
    bool backward;  // from out to in
};

// Throws zdev::error with EINVAL for a pair between which none can go, or for REQ and REP not both ways; its text names both
// types.
directions check_pair(const relay_socket& in, const relay_socket& out);

}  // namespace zdev

#endif
