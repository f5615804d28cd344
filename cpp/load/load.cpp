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

// Until a condition holds, or a failure or too long a time.
void load::wait(clock_type::duration longest, const std::function<bool()>& until) {
    const auto end = clock_type::now() + longest;
    while (!until() && !team_.has_failed() && clock_type::now() < end) std::this_thread::sleep_for(milliseconds(5));
}

load::span load::measure() {
    const bool watched = rig_.asked.monitor == "fast";
    wait(3 * patience, [&] { return progress_.steady && (!watched || progress_.watched > 0); });
    const auto warm = clock_type::now() + warm_up;
    wait(2 * warm_up, [&] { return clock_type::now() >= warm; });
    span span;
    span.first = progress_.received;
    const auto begin = clock_type::now();
    const std::chrono::duration<double> asked(rig_.asked.seconds);
    const auto length = std::chrono::duration_cast<clock_type::duration>(asked);
    // On a busy machine a brief measurement lasts until something got through.
    wait(length + patience, [&] { return clock_type::now() >= begin + length && progress_.received > span.first; });
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
