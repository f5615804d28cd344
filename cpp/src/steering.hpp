// Requests of other threads to a running device.
//
// Threads: call every function from any thread; the ask_ functions are async-signal-safe.

#ifndef ZDEV_SRC_STEERING_HPP
#define ZDEV_SRC_STEERING_HPP

#include <atomic>
#include <chrono>
#include <cstdint>
#include <zdev/statistics.hpp>

#include "wakeup.hpp"

namespace zdev {

class steering {
public:
    void ask_pause(bool paused) noexcept { paused_ = paused, wakeup_.signal(); }
    void ask_stop() noexcept { stop_ = true, wakeup_.signal(); }
    void ask_drain(std::chrono::milliseconds timeout) noexcept {
        constexpr std::int64_t century = 3'155'760'000'000;  // more would overflow the clock
        drain_milliseconds_ = timeout.count() < 0 || timeout.count() > century ? forever : timeout.count();
        wakeup_.signal();
    }

    bool paused() const noexcept { return paused_; }
    bool stop() const noexcept { return stop_; }
    bool drain() const noexcept { return drain_milliseconds_ != none; }
    // The maximum duration of the drain; negative: unlimited.
    std::chrono::milliseconds drain_timeout() const noexcept { return std::chrono::milliseconds{drain_milliseconds_}; }

    // Clears all requests at the end of a run.
    void reset() noexcept { paused_ = stop_ = false, drain_milliseconds_ = none; }

    const zdev::wakeup& wakeup() const noexcept { return wakeup_; }

private:
    static constexpr std::int64_t forever = -1;
    static constexpr std::int64_t none = -2;

    std::atomic<bool> paused_{false};
    std::atomic<bool> stop_{false};
    std::atomic<std::int64_t> drain_milliseconds_{none};
    zdev::wakeup wakeup_;
};

}  // namespace zdev

#endif
