// A device of the wire engine, and peers that send handshakes, frames, commands, subscriptions and random bytes, cut anywhere;
// that read or don't, and leave at any moment. A message that arrives was sent, whole, once, in order and at the right peer;
// every message is accounted for; afterwards nothing of these peers is left, and others are served as before. Half of the
// inputs have PLAIN or CURVE: peers with a key and without one, which change, repeat, leave out, cut and reorder what is
// sealed.

#include <sys/resource.h>

#include <deque>
#include <random>

#ifdef ZDEV_HAS_SODIUM
#include <sodium.h>
#endif

#include "wire_stage.hpp"

namespace {

using namespace zdev::fuzz;
using namespace zdev;
using test::publishes;
using test::subscribes;

struct pair {
    int in, out;  // out: -1: one socket
};
constexpr pair pairs[] = {{ZMQ_ROUTER, ZMQ_DEALER}, {ZMQ_PULL, ZMQ_PUSH},   {ZMQ_XSUB, ZMQ_XPUB},     {ZMQ_ROUTER, ZMQ_ROUTER},
                          {ZMQ_DEALER, ZMQ_DEALER}, {ZMQ_SUB, ZMQ_PUB},     {ZMQ_DEALER, ZMQ_ROUTER}, {ZMQ_ROUTER, -1},
                          {ZMQ_DEALER, -1},         {ZMQ_PULL, ZMQ_ROUTER}, {ZMQ_ROUTER, ZMQ_PUSH},   {ZMQ_PULL, ZMQ_PUB}};
constexpr int monitors[] = {-1, ZMQ_PUB, ZMQ_PUSH, ZMQ_XPUB};
constexpr std::size_t sizes[] = {0, 0, 1, 1, 7, 7, 7, 20, 20, 20, 250, 250, 250, 5000, 33000, 70000};

wire::spec spec_of(const pair& types, int monitor, unsigned variant) {
    wire::socket_spec socket;
    socket.options.maxmsgsize = 60000;
    socket.options.max_message_bytes = 90000;
    socket.options.max_message_frames = 20;
    socket.options.max_subscription_bytes = 100;
    socket.options.max_subscriptions = 5;
    socket.options.sndbuf = 2048;  // little fits, so that queues fill and writes end anywhere
    socket.options.sndhwm = variant > 0 ? 2 : 1000;
    socket.options.xpub_nodrop = variant == 2;
    wire::spec spec;
    spec.on_full = variant == 3 ? on_full::drop : on_full::block;
    spec.in = socket;
    spec.in.type = types.in;
    if (types.in == ZMQ_SUB) spec.in.options.subscribe = {variant > 1 ? "service" : ""};
    if (types.out >= 0) spec.out = socket, spec.out->type = types.out;
    if (monitor < 0) return spec;
    spec.mon.emplace().socket = std::move(socket);
    spec.mon->socket.type = monitor;
    spec.mon->on_full = spec.on_full;
    return spec;
}

// How many stages there may be; each has about ten descriptors.
std::size_t most_stages() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 4096);
    ::setrlimit(RLIMIT_NOFILE, &limit);
    return static_cast<std::size_t>(limit.rlim_cur) / 20;
}

// Stages are kept: making one takes longer than an input.
wire_stage& stage_for(input& choices) {
    static const std::size_t most = most_stages();
    static std::map<std::array<unsigned, 4>, std::unique_ptr<wire_stage>> stages;
    std::array<unsigned, 4> key{choices.below(std::size(pairs)), choices.below(std::size(monitors)), choices.below(16), 0};
    key[3] = std::max(key[2] / 4, 1U) - 1;  // half of the inputs have no mechanism
    key[2] %= 4;
    const auto kind = zmtp::crypto::available() ? static_cast<security>(key[3]) : security::none;
    scenery = "pair " + std::to_string(key[0]) + ", monitor " + std::to_string(key[1]) + ", variant " + std::to_string(key[2]) +
              ", security " + std::to_string(key[3]);
    if (stages.size() > most) stages.clear();
    auto& found = stages[key];
    if (!found) found = std::make_unique<wire_stage>(spec_of(pairs[key[0]], monitors[key[1]], key[2]), kind);
    return *found;
}

// Random numbers of libsodium, the same for each input.
void make_randomness_repeatable() {
#ifdef ZDEV_HAS_SODIUM
    static std::mt19937 source;
    static randombytes_implementation repeatable{};
    static const auto fill = [](void* to, std::size_t size) {
        std::generate_n(static_cast<unsigned char*>(to), size, [] { return static_cast<unsigned char>(source()); });
    };
    source.seed(1);
    repeatable.implementation_name = [] { return "repeatable"; };
    repeatable.random = [] { return static_cast<std::uint32_t>(source()); };
    repeatable.buf = fill;
    randombytes_set_implementation(&repeatable);
#endif
}

struct actor {
    role_name at;
    std::unique_ptr<wire_peer> peer;
    std::string pending;  // composed and not said yet
    bool reads = true;
    // Found at the end:
    std::string id;
    test::spoken spoken;
};

class scene {
public:
    explicit scene(input& choices) : choices_(choices), stage_(stage_for(choices)) {
        stage_.begin();
        for (const auto name : {in, out, mon}) before_[name] = stage_.counts(name);
        flow_before_ = {stage_.flow(in), stage_.flow(out)};
    }
    void play() {
        for (int i = 0; i < 60 && !choices_.empty(); ++i) step();
        finish();
        check();
        for (const auto& each : actors_) each.peer->close();
        stage_.check_rest();
    }

private:
    actor& someone() {
        if (actors_.empty()) connect();
        return actors_[choices_.below(actors_.size())];
    }
    void step() {
        switch (choices_.below(stage_.security() == security::curve ? 15 : 13)) {
            case 0:
            case 1: return connect();
            case 2: return command(someone());
            case 3: return append(someone(), choices_.bytes(choices_.below(64)));
            case 4: return corrupt(someone());
            case 5: return send(someone());
            case 6: return void(someone().reads ^= true);
            case 7: return leave(someone());
            case 8: return stage_.set_state(std::array{state::active, state::paused, state::draining}[choices_.below(3)]);
            case 9: return echo(someone());
            case 13:
            case 14: return harm_next(someone());
            default: return message(someone());
        }
    }

    void connect() {
        if (actors_.size() == 6) return turn();
        const auto wanted = static_cast<role_name>(choices_.below(3));
        const role_name at = stage_.has(wanted) ? wanted : in;
        auto& made = actors_.emplace_back(actor{at, std::make_unique<wire_peer>(stage_.endpoint(at)), {}, true, {}, {}});
        const unsigned how = choices_.below(8);
        const int type = how == 7 ? static_cast<int>(choices_.below(11)) : peer_type(stage_.type(at));
        if (how == 6) return turn();
        const std::string id = name();
        if (stage_.security() == security::none) {
            made.pending = test::say_hello(type, id, how % 2 != 0);
        } else {
            made.id = id;
            stage_.introduce(*made.peer, type, id, choices_.below(8) != 0);
        }
        turn();
    }
    std::string name() {
        static const std::array<std::string, 6> names{"", "a", "b", "good-in", "good-out", std::string(300, 'n')};
        return names[choices_.below(names.size())];
    }
    void message(actor& from) {
        for (unsigned left = choices_.below(4) == 0 ? choices_.below(12) : 0; left > 0; --left) compose(from);
        compose(from);
        maybe_send(from);
    }
    void compose(actor& from) {
        const unsigned shape = choices_.below(16);
        const unsigned frames = shape < 14 ? 1 + shape % 4 : 19 + shape % 2;
        for (unsigned i = 0; i < frames; ++i)
            append_frame(from, i + 1 < frames ? zmtp::more_flag : 0, frames > 4 ? std::string("x") : body());
    }
    std::string body() {
        switch (choices_.below(7)) {
            case 0: return name();
            case 1: return std::string(1, static_cast<char>(choices_.below(2))) + choices_.bytes(choices_.below(4));
            case 2: return choices_.bytes(choices_.below(8));
            case 3: return {};
            default: break;
        }
        const std::string unique = "service" + std::to_string(++stamped_) + ".";
        return unique + std::string(sizes[choices_.below(std::size(sizes))], 'x');
    }
    void command(actor& from) {
        std::string made;
        switch (choices_.below(7)) {
            case 0: zmtp::append_ping(made, {std::chrono::milliseconds(0), choices_.bytes(choices_.below(17))}); break;
            case 1: zmtp::append_ping(made, {std::chrono::seconds(1000), {}}); break;
            case 2: zmtp::append_pong(made, choices_.bytes(3)); break;
            case 3: zmtp::append_error(made, choices_.bytes(3)); break;
            case 4: zmtp::append_command(made, "FUTURE", choices_.bytes(3)); break;
            default:
                zmtp::append_subscription(
                    made, static_cast<unsigned char>(choices_.below(2)),
                    {choices_.flag(), choices_.flag() ? std::string(99 + choices_.below(4), 't') : choices_.bytes(2)});
        }
        append(from, made);
    }
    void append(actor& to, const std::string& bytes) {
        to.pending += bytes;
        maybe_send(to);
    }
    static void append_frame(actor& to, unsigned char flags, const std::string& body) {
        zmtp::append_frame(to.pending, flags, body);
    }
    // A flags byte or a size is where it hurts.
    void corrupt(actor& victim) {
        if (victim.pending.empty()) return;
        const std::size_t at = (choices_.below(256) * std::size_t{256} + choices_.below(256)) % victim.pending.size();
        victim.pending[at] = static_cast<char>(choices_.below(256));
    }
    static constexpr std::size_t harms = 6;
    void harm_next(actor& by) {
        const auto how = static_cast<test::harm>(choices_.below(harms));
        by.peer->harm_next(how, choices_.below(256) * std::size_t{256} + choices_.below(256));
        message(by);
    }
    void echo(actor& from) {
        if (!from.peer->heard().empty()) append(from, from.peer->heard().back());
    }
    void maybe_send(actor& from) {
        if (choices_.below(3) == 0) send(from);
    }
    void send(actor& from) {
        const unsigned cut = choices_.below(8);
        const std::size_t piece = cut < 2   ? 65536
                                  : cut < 4 ? 1 + choices_.below(40)
                                            : 1 + std::size_t{choices_.below(256)} * choices_.below(256);
        from.peer->say(std::exchange(from.pending, {}));
        for (int i = 0; i < 40 && !from.peer->all_said() && !from.peer->ended(); ++i) {
            from.peer->write(piece);
            turn();
        }
        from.peer->write();
    }
    void leave(actor& who) {
        if (choices_.flag()) return who.peer->close();
        if (who.peer->fd() >= 0) who.peer->finish();
    }
    void turn() {
        stage_.turn();
        for (auto& each : actors_) {
            if (each.reads) each.peer->read();
        }
    }

    // Everything that was composed is said, everything waiting is relayed, and everybody reads.
    void finish() {
        stage_.set_state(state::active);
        for (auto& each : actors_) {
            each.reads = true;
            each.peer->say(std::exchange(each.pending, {}));
        }
        for (int quiet = 0, turns = 0; quiet < 2; ++turns) {
            expect(turns < 20000, "it never comes to rest");
            const auto before = progress();
            for (auto& each : actors_) each.peer->write();
            turn();
            quiet = progress() == before ? quiet + 1 : 0;
        }
    }
    std::uint64_t progress() {
        std::uint64_t sum = stage_.flow(in).messages_received + stage_.flow(out).messages_received;
        for (auto& each : actors_) sum += each.peer->bytes_said() + each.peer->bytes_heard() + (each.peer->ended() ? 1 : 0);
        for (const auto name : {in, out, mon}) sum += stage_.has(name) ? stage_.good(name).bytes_heard() : 0;
        return sum;
    }

    // What a peer said, as far as the device should have understood it.
    void understand(actor& who) const {
        const std::string& said = who.peer->said();
        zmtp::handshake handshake({stage_.type(who.at), {}, {}});
        const std::size_t used = stage_.security() == security::none ? handshake.feed(said) : 0;
        if (stage_.security() == security::none ? !handshake.done() : !who.peer->ready()) return;
        const auto& options = stage_.spec().in.options;
        zmtp::limits limits;
        limits.frame_bytes = static_cast<std::uint64_t>(options.maxmsgsize);
        limits.message_bytes = static_cast<std::uint64_t>(options.max_message_bytes);
        limits.frames = options.max_message_frames;
        if (handshake.done()) who.id = handshake.peer().routing_id;
        who.spoken = test::understand(std::string_view(said).substr(used), limits);
    }

    void check();
    void check_direction(role_name from, role_name to, const test::direction& way);
    void check_receivers(role_name at, const std::function<void(int, const wire_peer&, const std::string&)>& each);
    void check_counts(role_name from, role_name to, std::size_t predicted, std::size_t malformed, std::size_t arrived);
    void check_monitor();
    wire::role_statistics since(role_name name) const;
    bool shares_an_id(role_name at) const;

    input& choices_;
    wire_stage& stage_;
    std::deque<actor> actors_;
    std::array<wire::role_statistics, 3> before_;
    std::array<flow_statistics, 2> flow_before_;
    std::array<test::arrivals, 2> copies_;  // expected at the monitor, of either direction
    int stamped_ = 0;
};

wire::role_statistics scene::since(role_name name) const {
    wire::role_statistics now = stage_.counts(name), before = before_[name];
    now.messages_lost -= before.messages_lost;
    return now;
}

// One of two peers with the same routing id is refused.
bool scene::shares_an_id(role_name at) const {
    std::set<std::string> known{"good-in", "good-out"};
    return std::any_of(actors_.begin(), actors_.end(),
                       [&](const actor& each) { return each.at == at && !each.id.empty() && !known.insert(each.id).second; });
}

void scene::check() {
    for (auto& each : actors_) understand(each);
    check_direction(in, out, stage_.forward());
    if (stage_.both_ways() && !subscribes(stage_.type(in))) check_direction(out, in, stage_.backward());
    if (stage_.has(mon)) check_monitor();
}

void scene::check_receivers(role_name at, const std::function<void(int, const wire_peer&, const std::string&)>& each) {
    const role_name place = stage_.has(at) ? at : in;
    int number = 0;
    for (const auto& actor : actors_) {
        ++number;
        if (actor.at == place) each(number, *actor.peer, actor.id);
    }
    each(0, stage_.good(place), std::string("good-") + role_names[place]);
}

void scene::check_direction(role_name from, role_name to, const test::direction& way) {
    test::arrivals sent;
    std::size_t malformed = 0;
    const auto& wanted = stage_.spec().in.options.subscribe;
    for (std::size_t i = 0; i < actors_.size(); ++i) {
        if (actors_[i].at != from) continue;
        for (const auto& message : actors_[i].spoken.messages) {
            if (way.from == ZMQ_SUB && test::first_frame(message).compare(0, wanted[0].size(), wanted[0]) != 0) continue;
            auto letter = way.relayed(message, actors_[i].id);
            if (!letter) {
                ++malformed;
                continue;
            }
            auto copy = *letter;
            if (letter->address && way.to == ZMQ_ROUTER) {
                std::string address;
                zmtp::append_frame(address, zmtp::more_flag, test::without_made_up(*letter->address));
                copy.text = address + copy.text;
                copy.address.reset();
                letter->address = test::without_made_up(*letter->address);
            }
            if (stage_.has(mon)) copies_[from].sent(static_cast<int>(i), std::move(copy));
            sent.sent(static_cast<int>(i), *std::move(letter));
        }
    }
    std::size_t arrived = 0;
    bool ordered = true;
    for (const auto& each : actors_) ordered = ordered && !each.peer->ended();
    check_receivers(to, [&](int number, const wire_peer& peer, const std::string& name) {
        for (const std::string& text : peer.heard()) {
            ++arrived;
            const auto rule = publishes(way.to) ? sent.published(number, way.normal(text))
                                                : sent.once(number, name, way.normal(text), ordered);
            expect(!rule, rule.value_or(""));
        }
    });
    check_counts(from, to, sent.total() + malformed, malformed, arrived);
}

void scene::check_counts(role_name from, role_name to, std::size_t predicted, std::size_t malformed, std::size_t arrived) {
    const flow_statistics now = stage_.flow(from), then = flow_before_[from];
    const auto received = now.messages_received - then.messages_received, sent = now.messages_sent - then.messages_sent;
    expect(now.pending() == 0, "a message is neither sent nor dropped");
    const bool all_heard = stage_.type(from) != ZMQ_ROUTER || !shares_an_id(from);
    trace("received %llu predicted %zu sent %llu arrived %zu lost %llu\n", static_cast<unsigned long long>(received), predicted,
          static_cast<unsigned long long>(sent), arrived, static_cast<unsigned long long>(since(to).messages_lost));
    expect(all_heard ? received == predicted : received <= predicted, "a message was not received, or was invented");
    if (all_heard) expect(now.malformed - then.malformed == malformed, "a message is malformed, or should be");
    if (publishes(stage_.type(to))) return;
    expect(sent == arrived + since(stage_.has(to) ? to : in).messages_lost, "a message is not accounted for");
}

void scene::check_monitor() {
    std::size_t arrived = 0;
    const bool publishing = publishes(stage_.type(mon));
    const bool upstream = subscribes(stage_.type(in));  // subscriptions are copied too
    check_receivers(mon, [&](int number, const wire_peer& peer, const std::string&) {
        for (std::string text : peer.heard()) {
            ++arrived;
            const auto prefix = test::take_first(text);
            expect(prefix == "in" || prefix == "out", "a copy without a prefix");
            if (prefix == "out" && upstream) continue;
            const auto way = prefix == "in" ? stage_.forward() : stage_.backward();
            std::string address;
            if (way.to == ZMQ_ROUTER)
                zmtp::append_frame(address, zmtp::more_flag, test::without_made_up(*test::take_first(text)));
            text = address.append(way.normal(text));
            auto& copies = copies_[prefix == "in" ? in : out];
            const auto rule = publishing ? copies.published(number, text) : copies.once(number, {}, text, false);
            expect(!rule, "monitor: " + rule.value_or(""));
        }
    });
    if (publishing) return;
    std::uint64_t copied = 0, sent = 0;
    for (const auto from : {in, out}) {
        const auto now = stage_.flow(from), then = flow_before_[from];
        copied += now.monitor_sent - then.monitor_sent;
        sent += now.messages_sent - then.messages_sent -
                (now.monitor_sent + now.monitor_dropped - then.monitor_sent - then.monitor_dropped);
    }
    expect(sent == 0, "a message without a copy");
    expect(copied == arrived + since(mon).messages_lost, "a copy is not accounted for");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    make_randomness_repeatable();
    input choices(data, size);
    scene(choices).play();
    return 0;
}
