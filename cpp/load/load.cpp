#include "load.hpp"

#include <algorithm>
#include <stdexcept>

namespace zdev_load {

using clock_type = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds warm_up{150};  // after all peers have exchanged messages; checked but not measured

double result::quantile(double share) const {
    return latencies.empty() ? 0 : latencies[static_cast<std::size_t>(share * static_cast<double>(latencies.size() - 1))];
}

load::load(const options& o) : content_(o.size), rig_(o), team_(rig_.contexts()) {
    const options& s = rig_.settings;
    if (s.in.empty() != s.out.empty()) fail("the endpoints of in and out must be given together");
    if (s.frames < 1 || s.window < 1 || s.clients < 1 || s.workers < 1 || s.subscribers < 1)
        fail("a load needs at least one frame, request in flight, client, worker and subscriber");
    progress_.latencies.reserve(1 << 20);
}

void load::cancel() { team_.fail_with(std::make_exception_ptr(std::runtime_error("cancelled"))); }

// Waits until the condition holds, a thread has failed, or `longest` has passed.
void load::wait(clock_type::duration longest, const std::function<bool()>& until) {
    const auto end = clock_type::now() + longest;
    while (!until() && !team_.has_failed() && clock_type::now() < end) std::this_thread::sleep_for(milliseconds(5));
}

load::span load::measure() {
    const bool watched = rig_.settings.monitor == "fast";
    wait(3 * silence_limit, [&] { return progress_.steady && (!watched || progress_.watched > 0); });
    const auto warm = clock_type::now() + warm_up;
    wait(2 * warm_up, [&] { return clock_type::now() >= warm; });
    span span;
    span.first = progress_.received;
    const auto begin = clock_type::now();
    const std::chrono::duration<double> seconds(rig_.settings.seconds);
    const auto length = std::chrono::duration_cast<clock_type::duration>(seconds);
    // On a busy machine, a short measurement lasts until at least one message has arrived.
    wait(length + silence_limit, [&] { return clock_type::now() >= begin + length && progress_.received > span.first; });
    span.seconds = std::chrono::duration<double>(clock_type::now() - begin).count();
    span.end = progress_.received;
    progress_.stop = true;
    return span;
}

result load::run(const std::function<void(rig&, team&)>& start_device) {
    if (start_device) start_device(rig_, team_);  // binds before the load connects
    watch(rig_, team_, content_, progress_);
    const std::size_t others = team_.size();
    const std::size_t ending = start(rig_, team_, content_, progress_);
    const span span = measure();
    team_.finish(others, ending);
    if (span.end == span.first) fail("no message arrived during the measurement");
    if (rig_.settings.monitor == "fast" && progress_.watched == 0) fail("the monitor's subscriber received nothing");
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
