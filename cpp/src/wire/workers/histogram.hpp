// Counts durations in steps of an eighth of a power of two, from a microsecond to a day.

#ifndef ZDEV_SRC_WIRE_WORKERS_HISTOGRAM_HPP
#define ZDEV_SRC_WIRE_WORKERS_HISTOGRAM_HPP

#include <algorithm>
#include <array>
#include <zdev/wire_workers.hpp>

namespace zdev::wire {

class histogram {
public:
    template <class Duration>
    void add(Duration took) noexcept {
        const auto us = static_cast<std::uint64_t>(
            std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
        ++count_;
        sum_ += us;
        ++counts_[std::min(place_of(us), counts_.size() - 1)];
    }

    void add_all(const histogram& more) noexcept {
        count_ += more.count_;
        sum_ += more.sum_;
        for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += more.counts_[i];
    }

    std::uint64_t count() const noexcept { return count_; }
    std::chrono::microseconds mean() const noexcept { return microseconds(count_ == 0 ? 0 : sum_ / count_); }

    // The duration that this share of all did not exceed.
    std::chrono::microseconds quantile(double share) const noexcept {
        const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_));
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            seen += counts_[i];
            if (seen > wanted || (seen == count_ && seen > 0)) return microseconds(middle_of(i));
        }
        return microseconds(0);
    }

    durations report() const {
        durations found{count_, microseconds(sum_), quantile(0.5), quantile(0.99), {}};
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < counts_.size() && seen < count_; ++i) {
            seen += counts_[i];
            if ((i + 1) % steps == 0) found.below.push_back(seen);
        }
        return found;
    }

private:
    static constexpr std::size_t steps = 8, powers = 38;

    static std::chrono::microseconds microseconds(std::uint64_t count) noexcept {
        return std::chrono::microseconds(static_cast<std::int64_t>(count));
    }
    // The places of [2^k, 2^(k+1)) are k * 8 ... k * 8 + 7; 0 is with 1.
    static std::size_t place_of(std::uint64_t us) noexcept {
        if (us <= 1) return 0;
        const auto power = static_cast<std::size_t>(63 - __builtin_clzll(us));
        return power * steps + static_cast<std::size_t>((us << 3 >> power) & (steps - 1));
    }
    static std::uint64_t middle_of(std::size_t place) noexcept {
        const std::uint64_t low = (steps + place % steps) << (place / steps);  // times 8
        return (low + (std::uint64_t{1} << (place / steps)) / 2) / steps;
    }

    std::uint64_t count_ = 0, sum_ = 0;
    std::array<std::uint32_t, steps * powers> counts_{};
};

}  // namespace zdev::wire

#endif
