#include "outbox.hpp"

namespace zdev {

void share(zmq::message_t& copy, zmq::message_t& frame) {
    if (zmq_msg_copy(copy.handle(), frame.handle()) != 0) throw zmq::error_t();
}

void outbox::clear() noexcept {
    for (; count_ > 0; --count_) frames_[count_ - 1].rebuild();
    trim();
}

void outbox::grow() {
    frames_.emplace_back();
    ++room_;
}

// One message of very many frames must not hold its memory for ever.
void outbox::release() noexcept {
    frames_.resize(1);
    frames_.shrink_to_fit();
    std::vector<zmq::message_t>().swap(kept_);
    room_ = 1;
}

sending outbox::send_all() {
    if (rolls_back_) keep_copies();
    zmq::message_t* frame = frames_.data();
    for (std::size_t left = count_; left > 0; --left, ++frame) {
        const sending result = to_->send(*frame, left > 1);
        if (result != sending::sent) return unsent(result, count_ - left);
    }
    count_ = 0;  // libzmq left each frame empty
    trim();
    return sending::sent;
}

void outbox::keep_copies() {
    const std::size_t last = count_ - 1;
    if (kept_.size() < last) kept_.resize(last);
    for (std::size_t i = 0; i < last; ++i) share(kept_[i], frames_[i]);
}

// A peer that vanishes midway: libzmq took back frames [0, failed) and refused frame `failed`. When more frames were to follow,
// a load balancer (lb.cpp in libzmq 4.2 to 4.3.5) now swallows everything up to a last frame: give it an empty one, or it would
// swallow the next attempt.
sending outbox::unsent(sending result, std::size_t failed) {
    if (result != sending::full || failed == 0) return result;
    for (std::size_t i = 0; i < failed; ++i) share(frames_[i], kept_[i]);
    if (failed + 1 < count_ && to_->type() != ZMQ_PAIR) {
        zmq::message_t last;
        to_->send(last);
    }
    return result;
}

}  // namespace zdev
