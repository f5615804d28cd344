#include "load.hpp"

#include <algorithm>
#include <stdexcept>

namespace zdev_load {

using clock_type = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds warm_up{150};  // once all peers take part; not measured, but checked

double result::quantile(double share) const {
    return latencies.empty() ? 0 : latencies[static_cast<std::size_t>(share * static_cast<double>(latencies.size() - 1))];
}

load::load(const options& o) : content_(o.size), rig_(o), team_(rig_.contexts()) {
    const options& asked = rig_.asked;
    if (asked.in.empty() != asked.out.empty()) fail("the endpoints of in and out go together");
    if (asked.frames < 1 || asked.window < 1 || asked.clients < 1 || asked.workers < 1 || asked.subscribers < 1)
        fail("a load has at least one frame, request under way, client, worker and subscriber");
    progress_.latencies.reserve(1 << 20);
}

void load::cancel() { team_.fail_with(std::make_exception_ptr(std::runtime_error("cancelled"))); }

// Until a moment, or a flag, or a failure.
void load::wait(clock_type::time_point end, const std::atomic<bool>* early) {
    constexpr clock_type::duration tick = milliseconds(1), longer = milliseconds(20);
    while (clock_type::now() < end && !team_.has_failed() && !(early && *early))
        std::this_thread::sleep_for(std::min(early ? tick : longer, end - clock_type::now()));
}

load::span load::measure() {
    wait(clock_type::now() + 3 * patience, &progress_.steady);
    wait(clock_type::now() + warm_up);
    const auto begin = clock_type::now();
    span span;
    span.first = progress_.received;
    wait(begin + std::chrono::duration_cast<clock_type::duration>(std::chrono::duration<double>(rig_.asked.seconds)));
    span.seconds = std::chrono::duration<double>(clock_type::now() - begin).count();
    span.end = progress_.received;
    progress_.stop = true;
    return span;
}

result load::run(const std::function<void(rig&, team&)>& start_device) {
    if (start_device) start_device(rig_, team_);  // binds at once, so that connecting finds it
    watch(rig_, team_, content_, progress_);
    const std::size_t others = team_.size();
    const std::size_t ending = start(rig_, team_, content_, progress_);
    const span span = measure();
    team_.finish(others, ending);
    if (span.end == span.first) fail("nothing got through while measuring");
    if (rig_.asked.monitor == "fast" && progress_.watched == 0) fail("the subscriber of the monitor got nothing");
    result found;
    found.messages = progress_.received;
    found.per_second = static_cast<double>(span.end - span.first) / span.seconds;
    found.watched = progress_.watched;
    if (progress_.latencies.size() >= span.end) {
        const auto trips = progress_.latencies.begin();
        found.latencies.assign(trips + static_cast<std::ptrdiff_t>(span.first), trips + static_cast<std::ptrdiff_t>(span.end));
        std::sort(found.latencies.begin(), found.latencies.end());
    }
    return found;
}

}  // namespace zdev_load
