// The threads of each pattern, and what they share with the one that measures.

#ifndef ZDEV_LOAD_PATTERNS_HPP
#define ZDEV_LOAD_PATTERNS_HPP

#include <atomic>
#include <cstdint>
#include <vector>

#include "content.hpp"
#include "rig.hpp"
#include "team.hpp"

namespace zdev_load {

// Each number has one writer.
struct progress {
    alignas(64) std::atomic<bool> stop{false};
    alignas(64) std::atomic<std::uint64_t> received{0};
    alignas(64) std::atomic<std::uint64_t> watched{0};  // copies that the monitor's subscriber got
    std::atomic<bool> steady{false};                    // all peers take part: measuring may begin
    std::vector<float> latencies;                       // microseconds, of every trip; to be read when all have ended
};

// Makes the sockets of the pattern, starts its threads, and returns how many of these end by themselves after a stop.
std::size_t start(rig& rig, team& team, const content& content, progress& progress);

// The subscriber of the monitor: starts its thread, or makes a socket that nobody reads.
void watch(rig& rig, team& team, const content& content, progress& progress);

}  // namespace zdev_load

#endif
