// The wire engine beside libzmq: the same bytes to a device of either engine, in pieces, over tcp. The same messages must
// arrive at a peer of libzmq on the other side, the same must come back, and the connection must end or stay in both cases; or
// a difference in generate.hpp explains it.
//
//     PROGRAM [INPUTS [SEED]]

#include <cstdio>
#include <cstdlib>

#include "subjects.hpp"

namespace zdev::test {
namespace {

struct result {
    std::vector<std::string> arrived;  // at the peer of libzmq, framed
    std::vector<std::string> returned;
    bool closed = false;
    bool operator==(const result& other) const {
        return arrived == other.arrived && returned == other.returned && closed == other.closed;
    }
};

struct scenario {
    const char* name;
    int in, out;
    bool at_out;  // the peer that sends bytes is at out
    int theirs;   // its type
    int opposite;
};
constexpr scenario scenarios[] = {
    {"PUSH to PULL/PUSH", ZMQ_PULL, ZMQ_PUSH, false, ZMQ_PUSH, ZMQ_PULL},
    {"DEALER to ROUTER/DEALER", ZMQ_ROUTER, ZMQ_DEALER, false, ZMQ_DEALER, ZMQ_DEALER},
    {"REQ to ROUTER/DEALER", ZMQ_ROUTER, ZMQ_DEALER, false, ZMQ_REQ, ZMQ_DEALER},
    {"PUB to XSUB/XPUB", ZMQ_XSUB, ZMQ_XPUB, false, ZMQ_PUB, ZMQ_SUB},
    {"SUB to XSUB/XPUB", ZMQ_XSUB, ZMQ_XPUB, true, ZMQ_SUB, ZMQ_XPUB},
    {"DEALER to DEALER/DEALER", ZMQ_DEALER, ZMQ_DEALER, false, ZMQ_DEALER, ZMQ_DEALER},
};

const std::string last_words = "~the last message";

std::string framed(const message& parts) {
    std::string bytes;
    for (std::size_t i = 0; i < parts.size(); ++i)
        zmtp::append_frame(bytes, i + 1 < parts.size() ? zmtp::more_flag : 0, parts[i]);
    return bytes;
}

// One engine in one scenario, with its peer of libzmq.
class side {
public:
    side(const scenario& what, std::unique_ptr<subject> device) : what_(what), device_(std::move(device)) {
        opposite_.set(zmq::sockopt::linger, 0);
        if (what.opposite == ZMQ_SUB) opposite_.set(zmq::sockopt::subscribe, "");
        opposite_.connect(what.at_out ? device_->in : device_->out);
        second_ = connect_second();
        while (!reached()) {
        }
    }

    result play(const generator& input, std::uint64_t seed) {
        wire_peer raw(target()), nobody{wire::descriptor()};
        result found;
        try {
            talk(raw, input, seed, found);
        } catch (const std::runtime_error&) {  // an answer in ZMTP 2
            found.closed = true;
            raw.close();
        }
        flush(nobody, found);
        return found;
    }

private:
    void talk(wire_peer& raw, const generator& input, std::uint64_t seed, result& found) {
        deliver(raw, input.hello, seed);
        const bool usual = input.clean && input.differences.empty();
        until([&] { return raw.read(), raw.ready() || raw.ended(); }, usual ? 2000 : 50);
        deliver(raw, input.bytes, seed);
        if (input.clean) {
            raw.say(what_.theirs == ZMQ_SUB ? subscription(true) : framed(message_of(last_words)));
            until([&] { return raw.write(), take(raw, found), is_last_ || raw.closed(); }, usual ? 2000 : 200);
            if (is_last_ && what_.opposite == ZMQ_XPUB) publish();
            if (is_last_ && returns()) until([&] { return raw.read(), has_last(raw) || raw.closed(); }, 2000);
        } else {
            until([&] { return take(raw, found), raw.closed(); }, 20);
        }
        found.closed = input.clean && raw.closed();  // otherwise it may be on its way
        raw.read();
        if (input.clean && !found.closed) found.returned = raw.heard();
        raw.finish();
        until([&] { return take(raw, found), raw.closed(); }, 1000);
    }
    std::string target() const { return what_.at_out ? device_->out : device_->in; }
    bool returns() const { return what_.in == ZMQ_ROUTER || what_.opposite == ZMQ_XPUB; }
    message message_of(const std::string& content) const {
        if (what_.theirs == ZMQ_REQ) return {"", content};
        return {content};
    }
    static std::string subscription(bool subscribe) {
        std::string made;
        zmtp::append_subscription(made, 1, {subscribe, last_words});
        return made;
    }
    bool has_last(const wire_peer& raw) const {
        return !raw.heard().empty() && raw.heard().back().find(last_words) != std::string::npos;
    }
    template <class Condition>
    bool until(Condition condition, int milliseconds_left) {
        const auto end = std::chrono::steady_clock::now() + milliseconds(milliseconds_left);
        while (!condition()) {
            if (std::chrono::steady_clock::now() > end) return false;
            std::this_thread::yield();
        }
        return true;
    }

    void deliver(wire_peer& raw, const std::string& bytes, std::uint64_t seed) {
        std::mt19937_64 random(seed);
        raw.say(bytes);
        const bool small = random() % 8 == 0;
        until(
            [&] {
                return raw.write(small ? 1 + random() % 9 : 1 + random() % 65536), raw.read(), raw.all_said() || raw.ended();
            },
            5000);
    }

    // Receives at the peer of libzmq, and answers as a worker does.
    void take(wire_peer& raw, result& found) {
        is_last_ = false;
        raw.read();
        while (auto parts = try_recv(opposite_, milliseconds(0))) {
            if (parts->back() == "second") {
                ++seconds_;
                continue;
            }
            is_last_ = is_last_ || parts->back() == last_words || parts->back() == '\1' + last_words;
            if (what_.in == ZMQ_ROUTER) send(opposite_, *parts);
            if (what_.in == ZMQ_ROUTER && parts->size() > 1) (*parts)[0] = without_made_up((*parts)[0]);
            found.arrived.push_back(framed(*parts));
        }
    }
    void publish() {
        for (const char* topic : {"", "a", "ab", "abc", "b", "bc", "c"}) send(opposite_, {topic, "content"});
        send(opposite_, {last_words});
    }

    // The connection has ended: waits until what it had sent has arrived too. Messages of another peer show how far the device
    // is.
    void flush(wire_peer& raw, result& found) {
        if (what_.opposite == ZMQ_XPUB) return withdraw(found);
        const int rounds = 3;
        for (int i = 0; i < rounds; ++i) {
            const int before = seconds_;
            send(second_, message_of("second"));
            until([&] { return take(raw, found), seconds_ > before; }, 5000);
        }
    }
    // Its subscriptions end, in any order.
    void withdraw(result& found) {
        std::set<std::string> current;
        wire_peer nobody{wire::descriptor()};
        std::size_t counted = 0;
        const auto count = [&] {
            for (; counted < found.arrived.size(); ++counted) {
                const auto wish = wish_in(found.arrived[counted]);
                if (!wish) continue;
                if (wish->subscribe)
                    current.insert(std::string(wish->prefix));
                else
                    current.erase(std::string(wish->prefix));
            }
        };
        until([&] { return take(nobody, found), count(), current.empty(); }, 500);
        std::sort(found.arrived.end() - static_cast<std::ptrdiff_t>(std::min<std::size_t>(found.arrived.size(), 10)),
                  found.arrived.end());
    }

    zmq::socket_t connect_second() {
        zmq::socket_t socket(context_, what_.theirs == ZMQ_REQ ? ZMQ_DEALER : what_.theirs);
        socket.set(zmq::sockopt::linger, 0);
        socket.connect(target());
        return socket;
    }
    // Whether a message of the second peer arrives.
    bool reached() {
        if (what_.theirs == ZMQ_SUB) {
            second_.set(zmq::sockopt::subscribe, "second");
            return try_recv(opposite_, patience).has_value();
        }
        send(second_, message_of("second"));
        return try_recv(opposite_, milliseconds(100)).has_value();
    }

    const scenario& what_;
    zmq::context_t context_;
    std::unique_ptr<subject> device_;
    zmq::socket_t opposite_{context_, what_.opposite};
    zmq::socket_t second_;
    int seconds_ = 0;
    bool is_last_ = false;
};

void show(const char* engine, const result& found) {
    std::fprintf(stderr, "  %s: %zu messages, %zu back, %s\n", engine, found.arrived.size(), found.returned.size(),
                 found.closed ? "closed" : "open");
    for (const auto* list : {&found.arrived, &found.returned}) {
        for (const auto& text : *list) {
            std::fprintf(stderr, "   %c %zu B ", list == &found.arrived ? '>' : '<', text.size());
            for (const char each : text.substr(0, 400)) std::fprintf(stderr, "%02x", static_cast<unsigned char>(each));
            std::fprintf(stderr, "\n");
        }
    }
}

int compare(std::uint64_t inputs, std::uint64_t seed) {
    std::map<std::string, int> explanations;
    std::uint64_t alike = 0, unexplained = 0;
    std::vector<std::pair<std::unique_ptr<side>, std::unique_ptr<side>>> sides;
    for (const auto& each : scenarios) {
        sides.emplace_back(std::make_unique<side>(each, std::make_unique<wire_subject>(each.in, each.out)),
                           std::make_unique<side>(each, std::make_unique<libzmq_subject>(each.in, each.out)));
    }
    for (std::uint64_t i = 0; i < inputs; ++i) {
        const std::size_t which = (seed + i) % std::size(scenarios);
        const scenario& what = scenarios[which];
        generator input(seed + i, what.at_out ? what.out : what.in, what.theirs);
        input.make();
        // What libzmq does with the last bytes before an end depends on the moment: a difference that matters is there each
        // time.
        constexpr int attempts = 4;
        result wire, libzmq;
        for (int attempt = 0; attempt < attempts; ++attempt) {
            wire = sides[which].first->play(input, i), libzmq = sides[which].second->play(input, i);
            if (wire == libzmq || !input.differences.empty()) break;
        }
        if (wire == libzmq) {
            ++alike;
        } else if (!input.differences.empty()) {
            ++explanations[input.differences.size() > 5 ? "rubbish" : *input.differences.begin()];
        } else {
            ++unexplained;
            const unsigned long long number = seed + i;
            std::fprintf(stderr, "seed %llu, %s: a difference without explanation\n", number, what.name);
            show("wire", wire);
            show("libzmq", libzmq);
            show("input", {{input.hello, input.bytes}, {}, false});
        }
    }
    std::printf("%llu inputs: %llu alike, %llu not explained\n", static_cast<unsigned long long>(inputs),
                static_cast<unsigned long long>(alike), static_cast<unsigned long long>(unexplained));
    for (const auto& [name, count] : explanations) std::printf("  %d: %s\n", count, name.c_str());
    return unexplained == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace zdev::test

int main(int argc, char** argv) {
    const auto number = [&](int i, std::uint64_t otherwise) {
        return argc > i ? std::strtoull(argv[i], nullptr, 10) : otherwise;
    };
    try {
        return zdev::test::compare(number(1, 500), number(2, 1));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return EXIT_FAILURE;
    }
}
