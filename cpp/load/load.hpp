// A load generator: plays both peers of a device, checks every message, and tells what got through. The benchmarks and
// zdev-core's private module _load are built from it; it is not part of the library.
//
// Each end is a thread:
//   stream         PUSH sends as fast as it can, PULL counts
//   round-trips    DEALER keeps `window` requests under way, a DEALER worker sends each one back
//   clients        the same with many connections at either end, each a client or worker of its own
//   router-router  the same through two ROUTERs: client and worker name each other
//   request-reply  REQ and REP, one request at a time
//   fan-out        PUB sends, each of many SUBs receives all of it; the slowest sets the pace, so that nothing is dropped
// Message n must arrive after message n-1, with the content made for it; any other thing ends the run with std::runtime_error,
// and 5 seconds without any with `silence`. The end drains: whatever was sent must arrive.

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
    std::uint64_t messages = 0;           // received, or round trips: all, the warm-up's and the last ones too
    double per_second = 0;                // of them, while measuring
    std::uint64_t watched = 0;            // copies that the monitor's subscriber got
    std::vector<float> latencies;         // of the round trips while measuring: microseconds, ascending
    double quantile(double share) const;  // microseconds; 0 where there are no round trips
};

class load {
public:
    explicit load(const options& o);

    // Once. `start_device`: makes one in this process, over inproc, before the load connects.
    result run(const std::function<void(rig&, team&)>& start_device = {});

    // From any thread, before, during or after the run: it ends at once, with std::runtime_error.
    void cancel();

    // Messages or round trips so far. From any thread.
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
