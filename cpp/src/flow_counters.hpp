// The counters of one direction.
//
// Threads: one writes, any may read.

#ifndef ZDEV_SRC_FLOW_COUNTERS_HPP
#define ZDEV_SRC_FLOW_COUNTERS_HPP

#include <zdev/statistics.hpp>

#include "counter.hpp"

namespace zdev {

struct flow_counters {
    counter messages_received, frames_received, bytes_received;
    counter messages_sent, frames_sent, bytes_sent;
    counter malformed, unroutable, overflowed;
    counter monitor_sent, monitor_dropped;
    counter blocked;  // nanoseconds

    // What was received is read last, so that no more seems to have left than has come.
    flow_statistics read() const noexcept {
        flow_statistics s;
        s.blocked_nanoseconds = blocked.get();
        s.monitor_sent = monitor_sent.get();
        s.monitor_dropped = monitor_dropped.get();
        s.messages_sent = messages_sent.get();
        s.frames_sent = frames_sent.get();
        s.bytes_sent = bytes_sent.get();
        s.malformed = malformed.get();
        s.unroutable = unroutable.get();
        s.overflowed = overflowed.get();
        s.messages_received = messages_received.get();
        s.frames_received = frames_received.get();
        s.bytes_received = bytes_received.get();
        return s;
    }
};

}  // namespace zdev

#endif
