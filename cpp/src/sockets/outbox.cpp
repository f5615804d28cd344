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
    std::vector<zmq::message_t>().swap(frames_);
    std::vector<zmq::message_t>().swap(kept_);
    room_ = 0;
}

sending outbox::send_all() {
    const std::size_t last = count_ - 1;
    if (rolls_back_ && kept_.size() < last) kept_.resize(last);

    for (std::size_t i = 0; i < count_; ++i) {
        if (rolls_back_ && i < last) share(kept_[i], frames_[i]);
        const sending result = to_->send(frames_[i], i < last);
        if (result == sending::sent) continue;
        if (result == sending::full && i > 0) restore(i);
        return result;
    }
    count_ = 0;  // libzmq left each frame empty
    trim();
    return sending::sent;
}

// The peer vanished midway: libzmq took back frames [0, failed) and refused frame `failed`. When more frames were to follow, a
// load balancer (lb.cpp in libzmq 4.2 to 4.3.5) now swallows everything up to a last frame: give it an empty one, or it
// would swallow the next attempt.
void outbox::restore(std::size_t failed) {
    for (std::size_t i = 0; i < failed; ++i) share(frames_[i], kept_[i]);
    if (failed + 1 < count_ && to_->type() != ZMQ_PAIR) {
        zmq::message_t last;
        to_->send(last);
    }
}

}  // namespace zdev
