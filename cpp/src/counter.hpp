// Threads: one writes, any may read.

#ifndef ZDEV_SRC_COUNTER_HPP
#define ZDEV_SRC_COUNTER_HPP

#include <atomic>
#include <cstdint>

namespace zdev {

class counter {
public:
    void add(std::uint64_t n) noexcept { set(value_.load(std::memory_order_relaxed) + n); }
    void set(std::uint64_t n) noexcept { value_.store(n, std::memory_order_release); }
    std::uint64_t get() const noexcept { return value_.load(std::memory_order_acquire); }

private:
    std::atomic<std::uint64_t> value_{0};
};

}  // namespace zdev

#endif
