// A socket as the loop sees it: its handle, type and descriptor, and whether anything may be waiting there.

#ifndef ZDEV_SRC_ENDPOINT_HPP
#define ZDEV_SRC_ENDPOINT_HPP

#include <cstdint>
#include <initializer_list>
#include <string>
#include <zmq.hpp>

namespace zdev {

struct endpoint {
    // role: "in", "out", "mon" or "ctrl", for error texts. Throws zdev::error with ENOTSOCK for what is no open socket.
    endpoint(zmq::socket_ref socket, const char* role);

    bool can_receive() const noexcept;
    bool can_send() const noexcept;
    // ZMQ_POLLOUT means that the next message fits. Not so for the one peer of a ROUTER, nor with ZMQ_XPUB_NODROP.
    bool tells_room() const noexcept;
    bool rolls_back() const noexcept;   // takes frames 1..n back when a peer vanishes before the last (EAGAIN midway)
    bool in_lockstep() const noexcept;  // REQ, REP: each message must be answered before the next
    bool in_midst_of_message() const;   // who received here last left the rest of a message. Throws zmq::error_t

    // How many topics an XPUB has subscriptions to; -1: this libzmq does not tell.
    int count_topics() const noexcept;

    // ZMQ_POLLIN and ZMQ_POLLOUT as they are now. Processes all commands that other threads have sent to the socket, after
    // which its descriptor is quiet until there is news. Throws zmq::error_t: ETERM, ENOTSOCK.
    int refresh();

    // From now on refresh() counts the subscriptions of a PUB or XPUB, if this libzmq can (4.3.5 and later).
    void watch_audience();

    void* handle;
    const char* role;
    int type;
    zmq_fd_t fd;
    // True when the last thing done here found nothing to read and processed all commands: then only the descriptor can
    // tell of more. A send may process commands on the quiet, so each makes this false.
    bool settled = false;
    // False: a publisher to which nobody has subscribed, so that nothing need be sent there.
    bool heard = true;
    bool audience_watched = false;
    std::uint64_t looks = 0;  // calls of refresh()
};

const char* type_name(int type) noexcept;

// Throws zdev::error with EINVAL, its text naming role, type and choice, unless the socket is of one of the types.
void check_type(const endpoint& socket, std::initializer_list<int> allowed);

// Which ways messages can go between two sockets.
struct directions {
    bool forward;   // from in to out
    bool backward;  // from out to in
};

// Throws zdev::error with EINVAL for a pair between which none can go, or for REQ and REP not both ways; its text names both
// types.
directions check_pair(const endpoint& in, const endpoint& out);

}  // namespace zdev

#endif
