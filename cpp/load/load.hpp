// A load generator: plays both peers of a device, checks every message, and measures throughput and latency. The benchmarks and
// zdev-core's private module _load are built from it; it is not part of the library.
//
// Each end is a thread:
//   stream         PUSH sends as fast as it can, PULL counts
//   round-trips    DEALER keeps `window` requests in flight, a DEALER worker returns each
//   clients        the same with many connections at either end, each a separate client or worker
//   router-router  the same through two ROUTERs; client and worker address each other by routing id
//   request-reply  REQ and REP, one request at a time
//   fan-out        PUB sends, each of many SUBs receives everything; the slowest sets the pace, so nothing is dropped. With
//                  `topics`, these are divided among the SUBs, and each message has one
// Message n must arrive after message n-1 with the expected content; otherwise the run ends with std::runtime_error. It ends
// with `silence` if nothing arrives for 5 seconds. The run ends with a drain: everything sent must arrive.

#ifndef ZDEV_LOAD_LOAD_HPP
#define ZDEV_LOAD_LOAD_HPP

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "patterns.hpp"
#include "rig.hpp"
#include "team.hpp"

namespace zdev_load {

struct result {
    std::uint64_t messages = 0;           // messages received or round trips, warm-up and drain included
    double per_second = 0;                // their rate during the measurement
    std::uint64_t watched = 0;            // copies that the monitor's subscriber received
    std::vector<float> latencies;         // of round trips during the measurement: microseconds, ascending
    double quantile(double share) const;  // microseconds; 0 if there were no round trips
};

class load {
public:
    explicit load(const options& o);

    // May be called once. `start_device` starts a device in this process, over inproc, before the load connects.
    result run(const std::function<void(rig&, team&)>& start_device = {});

    // Ends the run at once with std::runtime_error. May be called from any thread, before, during or after the run.
    void cancel();

    // Messages or round trips so far. May be called from any thread.
    std::uint64_t received() const { return progress_.received; }

private:
    struct span {
        std::uint64_t first = 0, end = 0;  // message numbers
        double seconds = 0;
    };
    span measure();
    void wait(std::chrono::steady_clock::duration longest, const std::function<bool()>& until);

    progress progress_;
    content content_;
    rig rig_;
    team team_;
};

}  // namespace zdev_load

#endif
