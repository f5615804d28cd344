// Loads a device from both ends, checks every message, and prints the results as one line of JSON.
//
//   load --pattern NAME --seconds S [--size BYTES] [--frames N] [--window N] [--clients N] [--workers N] [--subscribers N]
//        [--topics N] [--curve PUBLIC_KEY_OF_THE_DEVICE|direct]
//        [--in ENDPOINT --out ENDPOINT [--mon ENDPOINT --monitor fast|frozen]] | [--device NAME]
//
// With --device the device is a thread of this process, over inproc (names: see relays.hpp). Without a device the two ends are
// connected to each other. The patterns are those of cpp/load/load.hpp. The exit status is 1 if a message is lost, changed or
// out of order.

#include <cstdio>
#include <functional>
#include <load.hpp>
#include <map>
#include <utility>

#include "relays.hpp"

namespace {

using namespace zdev_load;

// Prints selected quantiles for a chart, more of them in the tail.
void print_distribution(const result& found) {
    std::printf(", \"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f", found.quantile(0.5), found.quantile(0.99),
                found.quantile(0.999));
    std::printf(", \"quantiles_us\": [");
    const std::vector<double> shares = {0,   0.01, 0.05, 0.1,  0.2,  0.3,  0.4,   0.5,   0.6,   0.7,
                                        0.8, 0.9,  0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995};
    for (std::size_t i = 0; i < shares.size(); ++i)
        std::printf("%s[%g, %.1f]", i ? ", " : "", shares[i], found.quantile(shares[i]));
    std::printf("]");
}

void report(const result& found) {
    std::printf("{\"messages\": %llu, \"per_second\": %.1f", static_cast<unsigned long long>(found.messages), found.per_second);
    if (!found.latencies.empty()) print_distribution(found);
    if (found.watched) std::printf(", \"watched\": %llu", static_cast<unsigned long long>(found.watched));
    int major = 0, minor = 0, patch = 0;
    zmq_version(&major, &minor, &patch);
    std::printf(", \"libzmq\": \"%d.%d.%d\", \"compiler\": \"%s\"}\n", major, minor, patch, __VERSION__);
}

// The types of the device's in and out sockets for a pattern.
std::pair<std::string, std::string> types_of(const std::string& pattern) {
    if (pattern == "stream") return {"PULL", "PUSH"};
    if (pattern == "router-router") return {"ROUTER", "ROUTER"};
    if (pattern == "fan-out") return {"XSUB", "XPUB"};
    return {"ROUTER", "DEALER"};
}

void start_device(const std::string& name, rig& rig, team& team) {
    const auto bound = [&rig](const std::string& type, const std::string& endpoint) -> zmq::socket_t& {
        zmq::socket_t& socket = rig.keep(zmq::socket_t(rig.device_context(), type_named(type)));
        if (type == "XPUB") socket.set(zmq::sockopt::sndhwm, 0);
        socket.bind(endpoint);
        return socket;
    };
    const auto [in_type, out_type] = types_of(rig.settings.pattern);
    zmq::socket_t &in = bound(in_type, rig.settings.in), &out = bound(out_type, rig.settings.out);
    zmq::socket_t* mon = name == "monitored-queue" ? &bound("PUB", rig.settings.mon) : nullptr;
    team.start([name, &in, &out, mon] { relay(name, in, out, mon ? zmq::socket_ref(*mon) : zmq::socket_ref()); });
}

struct arguments {
    options load;
    std::string device;  // the one to run in this process, if any
};

void use_curve(options& o, const std::string& device_key) {
    char key[41], secret[41];
    if (zmq_curve_keypair(key, secret) != 0) fail("this libzmq has no CURVE");
    o.curve = device_key == "direct" ? key : device_key;
    o.key = key;
    o.secret_key = secret;
}

arguments parse(int argc, char** argv) {
    arguments a;
    options& o = a.load;
    const auto text = [](std::string& to) { return [&to](const std::string& value) { to = value; }; };
    const auto number = [](std::uint64_t& to) { return [&to](const std::string& value) { to = std::stoull(value); }; };
    const std::map<std::string, std::function<void(const std::string&)>> known = {
        {"--pattern", text(o.pattern)},
        {"--in", text(o.in)},
        {"--out", text(o.out)},
        {"--mon", text(o.mon)},
        {"--monitor", text(o.monitor)},
        {"--curve", [&o](const std::string& value) { use_curve(o, value); }},
        {"--device", text(a.device)},
        {"--frames", number(o.frames)},
        {"--window", number(o.window)},
        {"--clients", number(o.clients)},
        {"--workers", number(o.workers)},
        {"--subscribers", number(o.subscribers)},
        {"--topics", number(o.topics)},
        {"--size", [&o](const std::string& value) { o.size = std::stoul(value); }},
        {"--seconds", [&o](const std::string& value) { o.seconds = std::stod(value); }},
    };
    for (int i = 1; i < argc; i += 2) {
        const auto option = known.find(argv[i]);
        if (option == known.end() || i + 1 == argc) fail(std::string("unknown option or missing value: '") + argv[i] + "'");
        option->second(argv[i + 1]);
    }
    if (!a.device.empty()) o.in = "inproc://in", o.out = "inproc://out", o.mon = "inproc://mon";
    return a;
}

void run(const arguments& a) {
    load load(a.load);
    report(a.device.empty() ? load.run() : load.run([&](rig& rig, team& team) { start_device(a.device, rig, team); }));
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
