// The workers that can take a request, by how many they have.
//
// Threads: the loop's alone.

#ifndef ZDEV_SRC_WIRE_WORKERS_ROSTER_HPP
#define ZDEV_SRC_WIRE_WORKERS_ROSTER_HPP

#include <algorithm>
#include <vector>

#include "request.hpp"

namespace zdev::wire {

class roster {
public:
    // levels: how many numbers of requests are distinguished. 1: the workers take turns.
    explicit roster(std::size_t levels) : levels_(levels) {}
    void set_levels(std::size_t levels) {
        roster other(levels);
        while (worker* const next = first()) {
            remove(*next);
            other.add(*next);
        }
        *this = std::move(other);
    }

    // The worker with the fewest requests, and of these the one that came first. Null: none.
    worker* first() noexcept {
        while (lowest_ < levels_.size() && levels_[lowest_].empty()) ++lowest_;
        return lowest_ < levels_.size() ? levels_[lowest_].first() : nullptr;
    }
    void add(worker& free) noexcept {
        const std::size_t level = std::min(free.load, levels_.size() - 1);
        free.listed = true;
        free.listed_at = level;
        levels_[level].push_back(free);
        lowest_ = std::min(lowest_, level);
    }
    void remove(worker& gone) noexcept {
        if (std::exchange(gone.listed, false)) levels_[gone.listed_at].remove(gone);
    }

private:
    std::vector<chain<worker, &worker::place>> levels_;
    std::size_t lowest_ = 0;
};

// Workers that do the same, and the requests that wait for one of them.
struct service {
    service(std::string its_name, std::size_t levels) : name(std::move(its_name)), free(levels) {}
    std::string name;
    roster free;
    places waiting;
    std::size_t workers = 0;
};

}  // namespace zdev::wire

#endif
