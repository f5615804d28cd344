// Loads a device from both of its ends, checks every message, and prints one line of JSON with what got through.
//
//   load --pattern NAME --seconds S [--size BYTES] [--frames N] [--window N] [--clients N] [--workers N] [--subscribers N]
//        [--in ENDPOINT --out ENDPOINT [--mon ENDPOINT --monitor fast|frozen]] | [--device NAME]
//
// With --device the device is a thread of this process, over inproc (names: see relays.hpp); without any, the two ends talk to
// each other directly. Each end is a thread:
//   stream         PUSH sends as fast as it can, PULL counts
//   round-trips    DEALER keeps `window` requests under way, a DEALER worker sends each one back
//   clients        the same with many connections at either end, each a client or worker of its own
//   router-router  the same through two ROUTERs: client and worker name each other
//   request-reply  REQ and REP, one request at a time
//   fan-out        PUB sends, each of many SUBs receives all of it; the slowest sets the pace, so that nothing is dropped
// Message n must arrive after message n-1, with the content made for it; any other thing ends the run with exit status 1, as
// does a silence of 5 seconds. A stop drains: whatever was sent must arrive.

#include "load.hpp"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <thread>

namespace {

using clock_type = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds warm_up{150};  // once all peers take part; not measured, but checked

struct span {
    std::uint64_t first = 0, end = 0;  // message numbers
    double seconds = 0;
};

span measure(progress& progress, team& team, double seconds) {
    const auto deadline = clock_type::now() + 3 * patience;
    while (!progress.steady && !team.has_failed() && clock_type::now() < deadline) std::this_thread::sleep_for(milliseconds(1));
    std::this_thread::sleep_for(warm_up);
    const auto begin = clock_type::now();
    span span;
    span.first = progress.received;
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    span.seconds = std::chrono::duration<double>(clock_type::now() - begin).count();
    span.end = progress.received;
    progress.stop = true;
    return span;
}

double percentile(const std::vector<float>& sorted, double share) {
    return sorted.empty() ? 0 : sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

// The distribution at a few shares, dense near its end, for a chart.
void print_distribution(const std::vector<float>& sorted) {
    std::printf(", \"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f", percentile(sorted, 0.5), percentile(sorted, 0.99),
                percentile(sorted, 0.999));
    std::printf(", \"quantiles_us\": [");
    const std::vector<double> shares = {0,   0.01, 0.05, 0.1,  0.2,  0.3,  0.4,   0.5,   0.6,   0.7,
                                        0.8, 0.9,  0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995};
    for (std::size_t i = 0; i < shares.size(); ++i)
        std::printf("%s[%g, %.1f]", i ? ", " : "", shares[i], percentile(sorted, shares[i]));
    std::printf("]");
}

void report(const span& span, progress& progress) {
    std::printf("{\"messages\": %llu, \"per_second\": %.1f", static_cast<unsigned long long>(progress.received),
                static_cast<double>(span.end - span.first) / span.seconds);
    if (!progress.latencies.empty()) {
        const float* trips = progress.latencies.data();
        std::vector<float> sorted(trips + span.first, trips + span.end);
        std::sort(sorted.begin(), sorted.end());
        print_distribution(sorted);
    }
    if (progress.watched) std::printf(", \"watched\": %llu", static_cast<unsigned long long>(progress.watched));
    int major = 0, minor = 0, patch = 0;
    zmq_version(&major, &minor, &patch);
    std::printf(", \"libzmq\": \"%d.%d.%d\", \"compiler\": \"%s\"}\n", major, minor, patch, __VERSION__);
}

void run(const options& o) {
    const content content(o.size);
    progress progress;
    progress.latencies.reserve(1 << 20);
    rig rig(o);
    team team(rig.contexts());
    rig.start_device(team);  // binds at once, so that connecting finds it
    watch(rig, team, content, progress);
    const std::size_t others = team.size();
    const std::size_t ending = start(rig, team, content, progress);
    const span span = measure(progress, team, o.seconds);
    team.finish(others, ending);
    if (span.end == span.first) fail("nothing got through while measuring");
    if (o.monitor == "fast" && progress.watched == 0) fail("the subscriber of the monitor got nothing");
    report(span, progress);
}

options parse(int argc, char** argv) {
    options o;
    const auto text = [](std::string& to) { return [&to](const std::string& value) { to = value; }; };
    const auto number = [](std::uint64_t& to) { return [&to](const std::string& value) { to = std::stoull(value); }; };
    const std::map<std::string, std::function<void(const std::string&)>> known = {
        {"--pattern", text(o.pattern)},
        {"--in", text(o.in)},
        {"--out", text(o.out)},
        {"--mon", text(o.mon)},
        {"--monitor", text(o.monitor)},
        {"--device", text(o.device)},
        {"--frames", number(o.frames)},
        {"--window", number(o.window)},
        {"--clients", number(o.clients)},
        {"--workers", number(o.workers)},
        {"--subscribers", number(o.subscribers)},
        {"--size", [&o](const std::string& value) { o.size = std::stoul(value); }},
        {"--seconds", [&o](const std::string& value) { o.seconds = std::stod(value); }},
    };
    for (int i = 1; i < argc; i += 2) {
        const auto option = known.find(argv[i]);
        if (option == known.end() || i + 1 == argc) fail(std::string("no option, or no value for it: '") + argv[i] + "'");
        option->second(argv[i + 1]);
    }
    if (o.in.empty() != o.out.empty()) fail("--in and --out go together");
    return o;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        run(parse(argc, argv));
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "load: %s\n", error.what());
        return 1;
    }
}
