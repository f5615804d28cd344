// The threads of each pattern, and the state they share with the measuring thread.

#ifndef ZDEV_LOAD_PATTERNS_HPP
#define ZDEV_LOAD_PATTERNS_HPP

#include <atomic>
#include <cstdint>
#include <vector>

#include "content.hpp"
#include "rig.hpp"
#include "team.hpp"

namespace zdev_load {

// Each member has one writer.
struct progress {
    alignas(64) std::atomic<bool> stop{false};
    alignas(64) std::atomic<std::uint64_t> received{0};
    alignas(64) std::atomic<std::uint64_t> watched{0};  // copies that the monitor's subscriber received
    std::atomic<bool> steady{false};                    // all peers have exchanged messages: measuring may begin
    std::vector<float> latencies;                       // microseconds, of every round trip; read after the threads have ended
};

// Makes the sockets of the pattern and starts its threads. Returns how many of the threads end by themselves after a stop.
std::size_t start(rig& rig, team& team, const content& content, progress& progress);

// Adds the monitor's subscriber, if requested: a thread that reads, or a socket that nobody reads.
void watch(rig& rig, team& team, const content& content, progress& progress);

}  // namespace zdev_load

#endif
