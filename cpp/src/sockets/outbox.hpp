// One message on its way to one socket: sent whole, or kept whole to be sent later.

#ifndef ZDEV_SRC_SOCKETS_OUTBOX_HPP
#define ZDEV_SRC_SOCKETS_OUTBOX_HPP

#include <cstddef>
#include <vector>
#include <zmq.hpp>

#include "relay_socket.hpp"

namespace zdev {

class outbox {
public:
    explicit outbox(relay_socket* to) : to_(to), rolls_back_(to && to->rolls_back()), frames_(1) {}

    // The frames of the message in the box; none: the box is empty. Frames are reused, so a steady flow allocates nothing.
    bool empty() const noexcept { return count_ == 0; }
    std::size_t frames() const noexcept { return count_; }
    zmq::message_t& operator[](std::size_t i) noexcept { return frames_[i]; }
    zmq::message_t& last() noexcept { return frames_[count_ - 1]; }
    zmq::message_t& add() {
        if (count_ == room_) grow();
        return frames_[count_++];
    }
    zmq::message_t& start() noexcept {  // add() to an empty box, made short
        count_ = 1;
        return frames_[0];
    }
    void take_back() noexcept { --count_; }
    void clear() noexcept;  // drop the message

    // Sends may have left copies of frames: the next send replaces them, and this drops them.
    void release_copies() noexcept {
        if (!kept_.empty()) kept_.clear();
    }

    // Sends the message without waiting. `sent` empties the box. `full` (no receiver has room, or REQ/REP are out of turn)
    // and `unroutable` leave the message in it, whole. Throws zmq::error_t.
    sending send() {
        if (count_ > 1) return send_all();
        const sending result = to_->send(frames_[0]);
        if (result == sending::sent) count_ = 0;
        return result;
    }

private:
    static constexpr std::size_t usual_frames = 64;

    void keep_copies();
    sending unsent(sending result, std::size_t failed);
    sending send_all();
    void grow();
    void trim() noexcept {
        if (room_ > usual_frames) release();
    }
    void release() noexcept;

    relay_socket* to_;
    bool rolls_back_;
    std::vector<zmq::message_t> frames_;
    std::vector<zmq::message_t> kept_;  // what libzmq may roll back: copies of all frames but the last
    std::size_t count_ = 0, room_ = 1;  // room_: the size of frames_
};

// Makes `copy` share the content of `frame`. Throws zmq::error_t.
void share(zmq::message_t& copy, zmq::message_t& frame);

}  // namespace zdev

#endif
