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

    // What flags() returns: more frames follow; the frame is a command.
    static constexpr unsigned more = 1, command = 2;

    // Without the calls of zmq_msg_more() where libzmq's flags can be seen. Where they cannot, a frame that may be a command is
    // replaced by a plain frame of the same content, which passes on as content. Throws zmq::error_t.
    unsigned flags(zmq::message_t& frame) const {
        if (flags_at_ == hidden) return flags_of_copy(frame);
        const unsigned flags = reinterpret_cast<const unsigned char*>(frame.handle())[flags_at_] & (more | command);
        return (flags & command) == 0 ? flags : confirm(flags, frame);
    }

private:
    static constexpr std::size_t hidden = ~std::size_t{0};

    static unsigned flags_of_copy(zmq::message_t& frame);
    static unsigned confirm(unsigned flags, const zmq::message_t& frame);

    std::size_t flags_at_;  // the offset of libzmq's flags in a zmq_msg_t; `more` and `command` are those of 4.2 and 4.3
};

}  // namespace zdev

#endif
