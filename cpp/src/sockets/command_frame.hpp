// Frames that a peer sent as a SUBSCRIBE or CANCEL command (ZMTP 3.1, RFC 37), not as a part of a message.
//
// libzmq takes such a command on any socket and, but on PUB, XPUB and REQ, gives it out as a frame with a hidden flag. A frame
// with this flag that is sent on is written as a command again: the receiver sees no end of the message, and glues the next one
// to it. Thread-safe: it has no state after construction.

#ifndef ZDEV_SRC_SOCKETS_COMMAND_FRAME_HPP
#define ZDEV_SRC_SOCKETS_COMMAND_FRAME_HPP

#include <cstddef>
#include <zmq.hpp>

namespace zdev {

class command_frame_filter {
public:
    command_frame_filter();

    // What flags() returns: more frames follow; the frame may be a command, as confirm() decides.
    static constexpr unsigned more = 1, command = 2;

    // Whether libzmq's flags can be seen, so that flags() may be called, which costs no call of libzmq.
    bool sees_flags() const noexcept { return flags_at_ != hidden; }
    unsigned flags(zmq::message_t& frame) const noexcept {
        return reinterpret_cast<const unsigned char*>(frame.handle())[flags_at_] & (more | command);
    }
    // The same flags, without `command` if the frame is not a command.
    static unsigned confirm(unsigned flags, const zmq::message_t& frame);

    // Where the flags cannot be seen: a frame that may be a command is replaced by a plain frame of the same content, which
    // passes on as content. Throws zmq::error_t.
    static unsigned flags_of_copy(zmq::message_t& frame);

private:
    static constexpr std::size_t hidden = ~std::size_t{0};

    std::size_t flags_at_;  // the offset of libzmq's flags in a zmq_msg_t; `more` and `command` are those of 4.2 and 4.3
};

}  // namespace zdev

#endif
