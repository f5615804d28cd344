#include "withdrawals.hpp"

#include <utility>

namespace zdev {

namespace {

constexpr std::size_t most_held = 65536;

// What a peer sent by tcp or ipc carries properties of its connection; the end of a connection carries none.
bool has_sender(zmq::message_t& report) {
    return zmq_msg_gets(report.handle(), "Socket-Type") != nullptr || zmq_msg_gets(report.handle(), "Peer-Address") != nullptr;
}

// 1: a subscription; 0: an unsubscription; another: neither.
char kind_of(const zmq::message_t& frame) noexcept { return frame.size() > 0 ? *frame.data<char>() : '\2'; }

}  // namespace

void withdrawals::note_part(const zmq::message_t& frame) noexcept {
    const char kind = kind_of(frame);
    in_doubt_ |= kind == 0 || kind == 1;
}

bool withdrawals::hold(zmq::message_t& report) {
    const char kind = kind_of(report);
    if (kind > 1 || kind < 0) return false;
    const bool anonymous = !has_sender(report);
    if (kind == 1) {
        ++subscriptions_;
        anonymous_may_count_ |= anonymous;
        return false;
    }
    if (anonymous) {
        ++anonymous_;
        return false;
    }
    if (held_.size() < most_held) {
        held_.emplace_back().swap(report);
    } else {
        ++overflow_;
    }
    return true;
}

std::size_t withdrawals::settle() {
    if (topics_ && subscriptions_ == 0 && anonymous_ == 0 && held_.empty() && !in_doubt_) return 0;
    const int topics = xpub_.count_topics();
    const long ended = topics_ ? subscriptions_ - (topics - *topics_) : 0;
    const bool release = !topics_ || verbose_ || (!in_doubt_ && all_ended_one(ended));
    topics_ = topics;
    in_doubt_ = false;
    subscriptions_ = anonymous_ = 0;
    std::size_t dropped = std::exchange(overflow_, 0);
    if (release) {
        released_.swap(held_);
        next_ = 0;
    } else {
        dropped += held_.size();
    }
    held_.clear();
    return dropped;
}

// ended: how many subscriptions have ended by an unsubscription. libzmq does not count those that end with their connection.
bool withdrawals::all_ended_one(long ended) {
    const long asked = static_cast<long>(held_.size() + overflow_);
    if (ended > asked && anonymous_ > 0) anonymous_may_count_ = true;
    if (ended > asked + anonymous_) verbose_ = true;
    return verbose_ || ended - (anonymous_may_count_ ? anonymous_ : 0) >= asked;
}

bool withdrawals::next(zmq::message_t& unsubscription) {
    if (!has_next()) return false;
    unsubscription.swap(released_[next_]);
    if (++next_ == released_.size()) released_.clear(), next_ = 0;
    return true;
}

}  // namespace zdev
