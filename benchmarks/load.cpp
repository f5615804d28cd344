// Loads a device from both of its ends, checks every message, and prints one line of JSON with what got through.
//
//   load --pattern stream|round-trips|request-reply --size BYTES --seconds S [--window N] [--in ENDPOINT --out ENDPOINT]
//
// Without endpoints the two ends talk to each other directly. Each end is a thread with a context of its own:
//   stream         PUSH sends as fast as it can, PULL counts
//   round-trips    DEALER keeps `window` requests under way, a DEALER worker sends each one back
//   request-reply  REQ and REP, one request at a time
// Message n must arrive after message n-1, with the content made for it; any other thing ends the run with exit status 1, as
// does a silence of 5 seconds. A stop drains: whatever was sent must arrive.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "content.hpp"
#include "team.hpp"

namespace {

using clock_type = std::chrono::steady_clock;
using std::chrono::duration;
using std::chrono::milliseconds;

constexpr milliseconds patience{5000};  // longest silence of a socket before the run fails
constexpr milliseconds warm_up{150};    // after the first message; not measured, but checked

struct options {
    std::string pattern;
    std::size_t size = 64;
    std::uint64_t window = 1;
    double seconds = 1;
    std::string in, out;  // empty: no device
};

// What the measuring thread and the two ends share; each number has one writer.
struct progress {
    alignas(64) std::atomic<bool> stop{false};
    alignas(64) std::atomic<std::uint64_t> received{0};
    std::vector<float> latencies;  // microseconds, of every trip; to be read when the ends have ended
};

void receive(zmq::socket_t& socket, zmq::message_t& message, std::uint64_t number) {
    if (!socket.recv(message)) fail("nothing arrived for 5 s: message " + std::to_string(number) + " is lost or stuck");
}

void send(zmq::socket_t& socket, zmq::message_t& message, zmq::send_flags flags = zmq::send_flags::none) {
    if (!socket.send(message, flags)) fail("nothing could be sent for 5 s");
}

void produce(zmq::socket_t& push, const content& content, progress& progress) {
    bool last = false;
    for (std::uint64_t number = 0; !last; ++number) {
        last = progress.stop.load(std::memory_order_relaxed);
        zmq::message_t message = content.make(number, last);
        send(push, message);
    }
}

void consume(zmq::socket_t& pull, const content& content, progress& progress) {
    zmq::message_t message;
    bool last = false;
    for (std::uint64_t number = 0; !last; ++number) {
        receive(pull, message, number);
        last = content.check(message, number);
        progress.received.store(number + 1, std::memory_order_relaxed);
    }
}

void request(zmq::socket_t& client, const content& content, std::uint64_t window, progress& progress) {
    std::vector<clock_type::time_point> sent_at(window);
    zmq::message_t message;
    std::uint64_t sent = 0;
    for (std::uint64_t received = 0; received < sent || !progress.stop.load(std::memory_order_relaxed);) {
        for (; sent - received < window && !progress.stop.load(std::memory_order_relaxed); ++sent) {
            message = content.make(sent, false);
            sent_at[sent % window] = clock_type::now();
            send(client, message);
        }
        if (received == sent) continue;
        receive(client, message, received);
        do {  // all that is there, so that the next requests leave together
            content.check(message, received);
            const duration<float, std::micro> latency = clock_type::now() - sent_at[received % window];
            progress.latencies.push_back(latency.count());
            progress.received.store(++received, std::memory_order_relaxed);
        } while (received < sent && client.recv(message, zmq::recv_flags::dontwait));
    }
}

void answer(zmq::socket_t& worker, const progress& progress) {
    zmq::message_t frame;
    while (true) {
        receive(worker, frame, progress.received);
        const bool more = frame.more();
        send(worker, frame, more ? zmq::send_flags::sndmore : zmq::send_flags::none);
    }
}

zmq::socket_t open(zmq::context_t& context, zmq::socket_type type) {
    zmq::socket_t socket(context, type);
    socket.set(zmq::sockopt::linger, 0);  // when a socket closes, all was received or the run failed
    socket.set(zmq::sockopt::rcvtimeo, static_cast<int>(patience.count()));
    socket.set(zmq::sockopt::sndtimeo, static_cast<int>(patience.count()));
    return socket;
}

void connect(zmq::socket_t& near, zmq::socket_t& far, const options& o) {
    if (o.in.empty()) {
        far.bind("tcp://127.0.0.1:*");
        near.connect(far.get(zmq::sockopt::last_endpoint));
    } else {
        near.connect(o.in);
        far.connect(o.out);
    }
}

void sleep_while(const std::function<bool()>& condition, milliseconds limit) {
    const auto deadline = clock_type::now() + limit;
    while (condition() && clock_type::now() < deadline) std::this_thread::sleep_for(milliseconds(1));
}

struct span {
    std::uint64_t first = 0, end = 0;  // message numbers
    double seconds = 0;
};

span measure(progress& progress, team& team, double seconds) {
    sleep_while([&] { return progress.received == 0 && !team.has_failed(); }, patience);
    std::this_thread::sleep_for(warm_up);
    const auto begin = clock_type::now();
    span span;
    span.first = progress.received;
    std::this_thread::sleep_for(duration<double>(seconds));
    span.seconds = duration<double>(clock_type::now() - begin).count();
    span.end = progress.received;
    progress.stop = true;
    return span;
}

double percentile(const std::vector<float>& sorted, double share) {
    return sorted.empty() ? 0 : sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

void report(const span& span, progress& progress) {
    std::printf("{\"messages\": %llu, \"per_second\": %.1f", static_cast<unsigned long long>(progress.received),
                static_cast<double>(span.end - span.first) / span.seconds);
    if (!progress.latencies.empty()) {
        const float* trips = progress.latencies.data();
        std::vector<float> sorted(trips + span.first, trips + span.end);
        std::sort(sorted.begin(), sorted.end());
        std::printf(", \"p50_us\": %.1f", percentile(sorted, 0.5));
        std::printf(", \"p99_us\": %.1f, \"p999_us\": %.1f", percentile(sorted, 0.99), percentile(sorted, 0.999));
    }
    int major = 0, minor = 0, patch = 0;
    zmq_version(&major, &minor, &patch);
    std::printf(", \"libzmq\": \"%d.%d.%d\", \"compiler\": \"%s\"}\n", major, minor, patch, __VERSION__);
}

void run(const options& o) {
    static const std::map<std::string, std::pair<zmq::socket_type, zmq::socket_type>> patterns = {
        {"stream", {zmq::socket_type::push, zmq::socket_type::pull}},
        {"round-trips", {zmq::socket_type::dealer, zmq::socket_type::dealer}},
        {"request-reply", {zmq::socket_type::req, zmq::socket_type::rep}},
    };
    const auto types = patterns.find(o.pattern);
    if (types == patterns.end()) fail("no such pattern: '" + o.pattern + "'");
    const bool stream = o.pattern == "stream";
    const content content(o.size);
    progress progress;
    progress.latencies.reserve(stream ? 0 : 1 << 20);
    zmq::context_t near_context, far_context;
    zmq::socket_t near = open(near_context, types->second.first), far = open(far_context, types->second.second);
    connect(near, far, o);
    team team({&near_context, &far_context});
    if (stream) {
        team.start([&] { produce(near, content, progress); });
        team.start([&] { consume(far, content, progress); });
    } else {
        team.start([&] { request(near, content, o.window, progress); });
        team.start([&] { answer(far, progress); });
    }
    const span span = measure(progress, team, o.seconds);
    team.finish(stream ? 2 : 1);
    report(span, progress);
}

options parse(int argc, char** argv) {
    options o;
    for (int i = 1; i < argc; i += 2) {
        const std::string name = argv[i], value = i + 1 < argc ? argv[i + 1] : "";
        if (name == "--pattern")
            o.pattern = value;
        else if (name == "--size")
            o.size = std::stoul(value);
        else if (name == "--window")
            o.window = std::stoul(value);
        else if (name == "--seconds")
            o.seconds = std::stod(value);
        else if (name == "--in")
            o.in = value;
        else if (name == "--out")
            o.out = value;
        else
            fail("no option '" + name + "'");
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
