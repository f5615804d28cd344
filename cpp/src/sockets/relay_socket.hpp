// A socket of a device. All receiving and sending goes through it, so that it alone knows what may be waiting there.
//
// Threads: the loop's only.

#ifndef ZDEV_SRC_SOCKETS_RELAY_SOCKET_HPP
#define ZDEV_SRC_SOCKETS_RELAY_SOCKET_HPP

#include <cerrno>
#include <cstdint>
#include <zmq.hpp>

namespace zdev {

// What became of a frame: `full` if no receiver has room, or if a REP or REQ is out of turn.
enum class sending { sent, full, unroutable };

class relay_socket {
public:
    // role: "in", "out", "mon" or "ctrl", for error texts. Throws zdev::error with ENOTSOCK unless the socket is open.
    relay_socket(zmq::socket_ref socket, const char* role);

    void* handle() const noexcept { return handle_; }
    const char* role() const noexcept { return role_; }
    int type() const noexcept { return type_; }
    zmq_fd_t fd() const noexcept { return fd_; }

    bool can_receive() const noexcept;
    bool can_send() const noexcept;
    // ZMQ_POLLOUT means that the next message fits. Not so for the one peer of a ROUTER, nor with ZMQ_XPUB_NODROP.
    bool pollout_reliable() const noexcept;
    bool rolls_back() const noexcept;   // takes frames 1..n back when a peer vanishes before the last (EAGAIN midway)
    bool in_lockstep() const noexcept;  // REQ, REP: each message must be answered before the next
    bool in_midst_of_message() const;   // the last receive left the rest of a message unread. Throws zmq::error_t

    // Receives a frame without waiting. Returns its size, or `nothing` if no frame has arrived, or `out_of_turn` from a REP or
    // REQ that must send first. Throws zmq::error_t: ETERM, ENOTSOCK.
    static constexpr int nothing = -1, out_of_turn = -2;
    int receive(zmq::message_t& frame) {
        int size = 0;
        do {
            size = zmq_msg_recv(frame.handle(), handle_, ZMQ_DONTWAIT);
        } while (size < 0 && zmq_errno() == EINTR);
        return size >= 0 ? size : explain_nothing();
    }

    // Sends a frame without waiting. A frame that is not sent keeps its content. Throws zmq::error_t: ETERM, ENOTSOCK.
    sending send(zmq::message_t& frame, bool more = false) {
        settled_ = false;
        int sent = 0;
        do {
            sent = zmq_msg_send(frame.handle(), handle_, more ? ZMQ_DONTWAIT | ZMQ_SNDMORE : ZMQ_DONTWAIT);
        } while (sent < 0 && zmq_errno() == EINTR);
        return sent >= 0 ? sending::sent : explain_unsent();
    }

    // True when the last operation found nothing to read and processed all commands of libzmq's threads: then the descriptor
    // reports whatever comes next. A send may process commands unnoticed, so it resets this.
    bool settled() const noexcept { return settled_; }
    void unsettle() noexcept { settled_ = false; }

    // ZMQ_POLLIN and ZMQ_POLLOUT as they are now. Processes all commands that other threads have sent to the socket, after
    // which its descriptor becomes readable only for new ones. Throws zmq::error_t: ETERM, ENOTSOCK.
    int refresh();
    std::uint64_t refresh_count() const noexcept { return refresh_count_; }

    // From now on refresh() counts the subscriptions of a PUB or XPUB, if this libzmq can (4.3.5 and later).
    void watch_subscribers();
    // False: a publisher without subscribers, to which nothing need be sent.
    bool has_subscribers() const noexcept { return has_subscribers_; }

    // How many topics an XPUB has subscriptions to; -1: unknown to this libzmq.
    int count_topics() const noexcept;

private:
    int explain_nothing();
    sending explain_unsent() const;

    void* const handle_;
    const char* const role_;
    const int type_;
    const zmq_fd_t fd_;
    bool settled_ = false;
    bool has_subscribers_ = true;
    bool watches_subscribers_ = false;
    std::uint64_t refresh_count_ = 0;
};

}  // namespace zdev

#endif
