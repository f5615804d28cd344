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

    // zmq_msg_more(), without its two calls where libzmq's flags can be seen.
    bool has_more(zmq::message_t& frame) const noexcept {
        return flags_at_ != hidden ? (flags(frame) & more_flag) != 0 : frame.more();
    }

    // Whether the frame is a command. Where libzmq's flags cannot be seen, a frame that may be one is replaced by a plain frame
    // of the same content, which passes on as content. Throws zmq::error_t.
    bool is_command(zmq::message_t& frame) const {
        if (flags_at_ != hidden && (flags(frame) & command_flag) == 0) return false;
        return is_command_after_all(frame);
    }

private:
    static constexpr unsigned char more_flag = 1, command_flag = 2;  // of msg_t, in libzmq 4.2 and 4.3
    static constexpr std::size_t hidden = ~std::size_t{0};

    unsigned char flags(zmq::message_t& frame) const noexcept {
        return reinterpret_cast<const unsigned char*>(frame.handle())[flags_at_];
    }
    bool is_command_after_all(zmq::message_t& frame) const;

    std::size_t flags_at_;  // the offset of libzmq's flags in a zmq_msg_t
};

}  // namespace zdev

#endif
