// One run of the model: what peers did, and what therefore must have happened.

#ifndef ZDEV_TESTS_MODEL_MODEL_HPP
#define ZDEV_TESTS_MODEL_MODEL_HPP

#include <poll.h>

#include <atomic>

#include "topology.hpp"

namespace zdev::test {

struct model_peer {
    role_name at;
    std::string id;
    std::unique_ptr<wire_peer> wire;
    std::string prefix;  // of a subscriber
    bool reads = true;
    bool accepted = false;  // the device connected to it
    bool left = false;
    bool went = false;   // it left by itself: messages for it may have been under way
    bool reset = false;  // and so may messages of it
};

class model_run {
public:
    explicit model_run(std::uint64_t seed)
        : random_(seed), pieces_(seed), topology_(random_), device_(topology_.spec), thread_([this] {
              outcome_ = device_.run(), over_ = true;
          }) {}
    ~model_run() {
        device_.stop();
        thread_.join();
    }

    std::string text() const { return topology_.text(); }
    std::size_t messages() const { return stamps_; }

    void play() {
        for (const auto name : {in, out, mon}) {
            if (has(name)) join(name);
        }
        const auto& spec = topology_.spec;
        const std::size_t connects =
            spec.in.connects.size() + spec.out->connects.size() + (spec.mon ? spec.mon->socket.connects.size() : 0);
        wait_for(
            [&] {
                return static_cast<std::size_t>(std::count_if(peers_.begin(), peers_.end(),
                                                              [](const auto& each) { return each.accepted; })) == connects;
            },
            "connections of the device");
        settle_peers();
        for (std::size_t left = 20 + random_.below(80); left > 0; --left) step();
        if (random_.one_in(2)) come_to_rest();
        end();
        check();
    }

private:
    bool has(role_name name) const { return name != mon || topology_.spec.mon; }
    int type(role_name name) const { return topology_.type(name); }

    // Peers.
    model_peer& add(role_name at, std::unique_ptr<wire_peer> peer) {
        model_peer& made = peers_.emplace_back();
        made.at = at;
        made.id = "p" + std::to_string(peers_.size());
        made.wire = std::move(peer);
        const int ours = peer_type(type(at));
        made.wire->say(say_hello(ours, made.id, static_cast<unsigned char>(random_.below(2))));
        if (publishes(type(at))) {
            if (at == out) made.prefix = random_.pick(std::initializer_list<const char*>{"", "a", "ab", "b"});
            std::string wish;
            zmtp::append_subscription(wish, static_cast<unsigned char>(random_.below(2)), {true, made.prefix});
            made.wire->say(wish);
        }
        return made;
    }
    void join(role_name at) {
        if (peers_.size() > 40) return;
        add(at, std::make_unique<wire_peer>(random_.pick(device_.endpoints(role_names[at]))));
    }
    void leave(model_peer& who) {
        who.left = who.went = true;
        if (random_.one_in(3)) return who.reset = true, who.wire->reset();
        who.wire->read();
        who.wire->close();
        // It left in the middle of a message; or unread bytes have reset the connection.
        const bool gets_bytes = type(who.at) != ZMQ_PULL || topology_.spec.in.options.heartbeat_ivl.count() > 0;
        if (!who.wire->all_said() || gets_bytes) who.reset = true;
    }
    model_peer* someone(role_name at) {
        std::vector<model_peer*> present;
        for (auto& each : peers_) {
            if (each.at == at && !each.went) present.push_back(&each);
        }
        return present.empty() ? nullptr : random_.pick(present);
    }

    // Steps.
    void step() {
        const role_name at = random_.one_in(2) ? in : random_.one_in(3) && has(mon) ? mon : out;
        model_peer* const who = someone(at);
        switch (random_.below(24)) {
            case 0:
            case 1: join(at); break;
            case 2:
                if (who && !who->accepted && leaving_ && random_.one_in(2)) leave(*who);
                break;
            case 3:
            case 4:
                if (who) who->reads ^= true;
                break;
            case 5: device_.pause(); break;
            case 6:
            case 7: device_.resume(); break;
            case 8: settle_peers(); break;
            default:
                if (who) talk(*who);
        }
        pump();
    }
    void talk(model_peer& who) {
        const bool sends = who.at == in ? true : who.at == out && both_ways();
        if (!sends) return;
        for (std::size_t left = random_.one_in(4) ? 1 + random_.below(60) : 1; left > 0; --left) who.wire->say(message_of(who));
    }
    bool both_ways() const { return type(in) != ZMQ_PULL && type(in) != ZMQ_SUB && !subscribes(type(in)); }
    std::string message_of(const model_peer& who) {
        const role_name to = who.at == in ? out : in;
        std::vector<std::string> frames;
        if (type(to) == ZMQ_ROUTER) {
            model_peer* const whom = someone(to);
            if (!random_.one_in(30)) frames.push_back(whom && !random_.one_in(30) ? whom->id : "nobody");
        }
        frames.push_back(random_.pick(std::initializer_list<const char*>{"a", "ab", "b", "c"}) + std::string("#") +
                         std::to_string(++stamps_));
        for (std::size_t left = random_.one_in(3) ? random_.below(5) : 0; left > 0; --left) frames.emplace_back(size(), 'x');
        if (random_.one_in(50)) frames.resize(frames.size() + 300);
        std::string bytes;
        for (std::size_t i = 0; i < frames.size(); ++i)
            zmtp::append_frame(bytes, i + 1 < frames.size() ? zmtp::more_flag : 0, frames[i]);
        return bytes;
    }
    std::size_t size() {
        if (random_.one_in(200)) return random_.below(1'000'000);
        return random_.below(random_.pick(std::initializer_list<std::size_t>{1, 10, 300, 300, 5000, 30000}));
    }

    // Every peer says what it can and reads; connections of the device are accepted.
    bool pump() {
        bool moved = false;
        for (const auto name : {in, out, mon}) {
            for (auto& each : topology_.listeners[name]) {
                if (auto accepted = each.accept())
                    add(name, std::make_unique<wire_peer>(std::move(accepted))).accepted = true, moved = true;
            }
        }
        for (auto& each : peers_) {
            if (each.left) continue;
            const auto before = each.wire->bytes_heard() + each.wire->said().size();
            each.wire->write(pieces_.one_in(20) ? 1 + pieces_.below(3000) : ~std::size_t{0});
            if (each.reads) each.wire->read();
            moved = moved || before != each.wire->bytes_heard() + each.wire->said().size();
            if (!each.wire->closed()) continue;
            require(ending_, "an honest peer was cut off: " + each.id + " at " + role_names[each.at] + state());
            each.left = true;
            each.wire->close();
        }
        return moved;
    }
    // Waits a moment for something that pump() can do.
    void doze() {
        std::vector<pollfd> wanted;
        for (const auto name : {in, out, mon}) {
            for (const auto& each : topology_.listeners[name]) wanted.push_back({each.fd(), POLLIN, 0});
        }
        for (const auto& each : peers_) {
            const int events = (each.reads ? POLLIN : 0) | (each.wire->all_said() ? 0 : POLLOUT);
            if (!each.left && events != 0) wanted.push_back({each.wire->fd(), static_cast<short>(events), 0});
        }
        ::poll(wanted.data(), wanted.size(), 1);
    }
    std::string state() const {
        const auto statistics = device_.statistics();
        std::string made = "; received " + std::to_string(statistics.in.messages_received) + " and " +
                           std::to_string(statistics.out.messages_received) + "; state " +
                           std::to_string(static_cast<int>(statistics.state));
        for (const auto& each : peers_) {
            if (each.left) continue;
            made += "; " + each.id + " at " + role_names[each.at] + (each.wire->ready() ? "" : " not ready") +
                    (each.wire->all_said() ? "" : " has more to say");
        }
        return made;
    }
    template <class Condition>
    void wait_for(Condition condition, const char* what) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!condition()) {
            if (std::chrono::steady_clock::now() > end)
                throw std::runtime_error(std::string("waited in vain for ") + what + state());
            if (!pump()) doze();
        }
    }
    // The peers are through their handshakes.
    void settle_peers() {
        wait_for(
            [&] {
                return std::all_of(peers_.begin(), peers_.end(),
                                   [](const auto& each) { return each.left || !each.reads || each.wire->ready(); });
            },
            "handshakes");
    }
    void come_to_rest();
    void end();
    void check();
    void check_direction(role_name from, role_name to);
    void check_monitor();
    void check_counts();
    void dump() const;
    bool none(role_name at, bool model_peer::* event) const {
        return std::none_of(peers_.begin(), peers_.end(), [&](const auto& each) { return each.at == at && each.*event; });
    }
    spoken understood(const model_peer& who) const;
    static void require(bool holds, const std::string& rule) {
        if (!holds) throw std::runtime_error(rule);
    }

    dice random_;                             // chooses what happens: the same for the same seed
    const bool leaving_ = random_.one_in(2);  // otherwise every message can be accounted for exactly
    dice pieces_;                             // cuts what is said: depends on the threads too
    topology topology_;
    wire::device device_;
    std::deque<model_peer> peers_;
    std::size_t stamps_ = 0;
    outcome outcome_ = outcome::stopped;
    bool ending_ = false, lingered_ = false;  // the run ended while peers had more to say
    std::atomic<bool> over_{false};
    arrivals copies_[2];
    // In both directions:
    std::size_t said_ = 0, heard_ = 0, malformed_ = 0;
    std::thread thread_;
};

}  // namespace zdev::test

#endif
