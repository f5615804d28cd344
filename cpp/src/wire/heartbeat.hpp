// When to send a PING, and when a silent peer is lost (RFC 37, "Heartbeating"). It has no clock and no socket.
//
// Threads: the loop's alone.

#ifndef ZDEV_SRC_WIRE_HEARTBEAT_HPP
#define ZDEV_SRC_WIRE_HEARTBEAT_HPP

#include <algorithm>
#include <optional>
#include <zdev/wire.hpp>

#include "timers.hpp"

namespace zdev::wire {

class heartbeat {
public:
    explicit heartbeat(const socket_options& options)
        : interval_(options.heartbeat_ivl),
          timeout_(options.heartbeat_timeout.count() < 0 ? options.heartbeat_ivl : options.heartbeat_timeout),
          our_ttl_(options.heartbeat_ttl) {}

    void begin(clock::time_point now) {
        last_input_ = now;
        if (interval_.count() > 0) next_ping_ = now + interval_;
    }
    void input_arrived(clock::time_point now) noexcept { last_input_ = now; }  // bytes arrived
    void ttl(milliseconds asked) noexcept { ttl_ = asked; }                    // how long the peer says that it may be silent

    milliseconds our_ttl() const noexcept { return our_ttl_; }  // what a PING says

    // Whether a PING is due; then the next one is an interval later.
    bool ping(clock::time_point now) {
        if (!next_ping_ || now < *next_ping_) return false;
        if (timeout_.count() > 0 && (!asked_ || last_input_ > *asked_)) asked_ = now;
        next_ping_ = now + interval_;
        return true;
    }
    bool lost(clock::time_point now) const {
        const auto end = deadline();
        return end && now >= *end;
    }
    // When to call ping() and lost() again; nothing: never.
    std::optional<clock::time_point> next() const {
        const auto end = deadline();
        if (!end || !next_ping_) return end ? end : next_ping_;
        return std::min(*end, *next_ping_);
    }

private:
    std::optional<clock::time_point> deadline() const {
        std::optional<clock::time_point> end;
        if (asked_ && last_input_ <= *asked_) end = *asked_ + timeout_;
        if (ttl_.count() > 0) end = end ? std::min(*end, last_input_ + ttl_) : last_input_ + ttl_;
        return end;
    }

    milliseconds interval_, timeout_, our_ttl_, ttl_{0};
    clock::time_point last_input_;
    std::optional<clock::time_point> next_ping_, asked_;  // asked_: the first PING that was not answered yet
};

}  // namespace zdev::wire

#endif
