// The processor time that this process uses while it has nothing to do.

#ifndef ZDEV_TESTS_CPU_TIME_HPP
#define ZDEV_TESTS_CPU_TIME_HPP

#include <gtest/gtest.h>

#include <chrono>
#include <ctime>
#include <thread>

namespace zdev::test {

inline double cpu_seconds() {
    timespec t{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// Expects the process to become idle soon. The contract allows 1 % of a core; a spinning thread uses nearly 100 %.
inline void expect_idle() {
    constexpr auto span = std::chrono::milliseconds(250);
    double share = 1;
    for (int tries = 0; tries < 5 && share >= 0.05; ++tries) {
        const double before = cpu_seconds();
        std::this_thread::sleep_for(span);  // the measured interval
        share = (cpu_seconds() - before) / std::chrono::duration<double>(span).count();
    }
    EXPECT_LT(share, 0.05);
}

}  // namespace zdev::test

#endif
