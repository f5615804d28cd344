// Actions at a later time.
//
// Threads: the loop's alone.

#ifndef ZDEV_SRC_WIRE_TIMERS_HPP
#define ZDEV_SRC_WIRE_TIMERS_HPP

#include <chrono>
#include <functional>
#include <map>
#include <optional>

namespace zdev::wire {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

class timers {
    using queue = std::multimap<clock::time_point, std::pair<class timer*, std::function<void()>>>;
    friend class timer;

public:
    std::optional<clock::time_point> next() const {
        return due_.empty() ? std::nullopt : std::make_optional(due_.begin()->first);
    }
    void fire(clock::time_point now);  // runs all actions that are due

private:
    queue due_;
};

// At most one action at a time; the destructor cancels it.
class timer {
public:
    explicit timer(timers& all) : all_(&all) {}
    ~timer() { cancel(); }
    timer(const timer&) = delete;
    timer& operator=(const timer&) = delete;

    void start(clock::time_point when, std::function<void()> act) {
        cancel();
        at_ = all_->due_.emplace(when, std::make_pair(this, std::move(act)));
    }
    void cancel() {
        if (at_) all_->due_.erase(*at_);
        at_.reset();
    }
    bool running() const noexcept { return at_.has_value(); }

private:
    friend class timers;
    timers* all_;
    std::optional<timers::queue::iterator> at_;
};

inline void timers::fire(clock::time_point now) {
    while (!due_.empty() && due_.begin()->first <= now) {
        auto first = due_.extract(due_.begin());
        first.mapped().first->at_.reset();
        first.mapped().second();
    }
}

}  // namespace zdev::wire

#endif
