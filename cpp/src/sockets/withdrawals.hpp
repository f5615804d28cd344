// Unsubscriptions on their way from an XPUB to an XSUB: those that end no subscription are kept from going upstream.
//
// libzmq (4.2 to 4.3.5) reports an unsubscription also when its sender did not hold the topic, though others do. Reported
// upstream, it would stop the publisher for all of them. The number of topics that the XPUB has reveals it (libzmq 4.3.5 and
// later). Threads: the loop's alone.

#ifndef ZDEV_SRC_SOCKETS_WITHDRAWALS_HPP
#define ZDEV_SRC_SOCKETS_WITHDRAWALS_HPP

#include <cstddef>
#include <optional>
#include <vector>
#include <zmq.hpp>

#include "relay_socket.hpp"

namespace zdev {

class withdrawals {
public:
    explicit withdrawals(const relay_socket& xpub) : xpub_(xpub) {}

    // A run begins: what happened at the XPUB before is not known.
    void reset() noexcept { topics_.reset(); }

    // Takes note of what the XPUB reported. True: the frame was an unsubscription, and is held here until settle().
    bool hold(zmq::message_t& report);

    // Takes note of a later frame of a message. libzmq 4.3 may have taken it for a subscription or the end of one, but reports
    // it as part of the message.
    void note_part(const zmq::message_t& frame) noexcept;

    // What has come since the last settle() may have changed the topics without a report.
    void doubt() noexcept { in_doubt_ = true; }

    // The XPUB has nothing more to report: the unsubscriptions held are released, or dropped if any may have ended none.
    // Returns how many were dropped. Throws zmq::error_t.
    std::size_t settle();

    // The next unsubscription released; false: there is none.
    bool next(zmq::message_t& unsubscription);
    bool has_next() const noexcept { return next_ < released_.size(); }

private:
    bool all_ended_one(long ended);

    const relay_socket& xpub_;
    std::optional<int> topics_;  // when the XPUB had nothing more to report; none: not known
    std::vector<zmq::message_t> held_, released_;
    std::size_t next_ = 0;      // of those released
    std::size_t overflow_ = 0;  // unsubscriptions that found no room in held_
    long subscriptions_ = 0;    // reported since topics_
    long anonymous_ = 0;        // unsubscriptions since then of peers that have left, or are connected by inproc
    bool in_doubt_ = false;     // since topics_
    bool anonymous_may_count_ = false;
    bool verbose_ = false;  // ZMQ_XPUB_VERBOSE or VERBOSER is set: there are more reports than changes
};

}  // namespace zdev

#endif
