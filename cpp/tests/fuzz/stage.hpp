// A device between peers. The bytes of an input choose its sockets, options and monitor, and when peers connect and disconnect.
//
// Everything runs in one thread, one iteration of the loop at a time, over inproc without I/O threads, so an input always has
// the same effect. Peers are DEALERs whatever the device's sockets are: like a hostile peer, they send frames unchanged.

#ifndef ZDEV_TESTS_FUZZ_STAGE_HPP
#define ZDEV_TESTS_FUZZ_STAGE_HPP

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <zdev/device.hpp>
#include <zmq.hpp>

#include "input.hpp"

namespace zdev::fuzz {

constexpr int types[] = {ZMQ_ROUTER, ZMQ_DEALER, ZMQ_PULL, ZMQ_PUSH, ZMQ_XSUB, ZMQ_XPUB,
                         ZMQ_SUB,    ZMQ_PUB,    ZMQ_REP,  ZMQ_REQ,  ZMQ_PAIR};
constexpr int monitors[] = {ZMQ_PUB, ZMQ_XPUB, ZMQ_PUSH, ZMQ_PAIR, ZMQ_DEALER};

inline bool is_one_of(int type, std::initializer_list<int> some) {
    return std::find(some.begin(), some.end(), type) != some.end();
}
inline bool publishes(int type) { return is_one_of(type, {ZMQ_PUB, ZMQ_XPUB, ZMQ_XSUB}); }
inline bool locksteps(int type) { return is_one_of(type, {ZMQ_REQ, ZMQ_REP}); }

struct peer {
    zmq::socket_t socket;
    std::string id;
    bool here = true;
};

// One socket of the device and its peers.
struct side {
    zmq::socket_ref socket;
    int type = 0;
    std::string endpoint;
    std::deque<peer> peers;
    bool changed = false;  // peers have connected or disconnected

    std::set<std::string> known() const {
        std::set<std::string> ids;
        for (const peer& p : peers) ids.insert(p.id);
        return ids;
    }
};

class stage {
protected:
    explicit stage(input& in) : in_(in), context_(0) {}

    // Returns false if the bytes choose a pair that a device refuses.
    bool build() {
        const int in_type = types[in_.below(std::size(types))], out_type = types[in_.below(std::size(types))];
        const bool one_socket = in_.below(16) == 15;
        hwm_ = static_cast<int>(in_.below(3));
        mandatory_ = in_.flag();
        own_[0] = make(in_type, hwm_);
        if (!one_socket) own_[1] = make(out_type, hwm_);
        sides_ = one_socket ? 1 : 2;
        zdev::options options;
        options.on_full = in_.flag() ? zdev::on_full::drop : zdev::on_full::block;
        if (in_.flag()) build_monitor(options);
        try {
            device_.emplace(own_[0], own_[sides_ - 1], options);
        } catch (const zdev::error& refusal) {
            expect(refusal.num() == EINVAL, std::string("a pair refused with the wrong error: ") + refusal.what());
            return false;
        }
        scenery = std::string(one_socket ? "one socket, " : "") + std::to_string(in_type) + " to " + std::to_string(out_type);

        const auto passes = [](int from, int to) {
            return !is_one_of(from, {ZMQ_PUB, ZMQ_PUSH}) && !is_one_of(to, {ZMQ_SUB, ZMQ_PULL});
        };
        relays_ = {one_socket || passes(in_type, out_type), !one_socket && passes(out_type, in_type)};
        for (unsigned s = 0; s < sides_; ++s) open(s, s == 0 ? in_type : out_type);
        for (int i = 0; i < 3; ++i) turn();
        for (unsigned s = 0; s < sides_; ++s) side_[s].changed = false;
        return true;
    }

    void join(unsigned s) {
        side& here = side_[s];
        if (here.peers.size() >= (here.type == ZMQ_PAIR ? 1 : 6)) return;
        peer made{make(ZMQ_DEALER, hwm_), std::string(1, s == 0 ? 'a' : 'z') + std::to_string(here.peers.size())};
        made.socket.set(zmq::sockopt::routing_id, made.id);
        trace("%s joins\n", made.id.c_str());
        made.socket.connect(here.endpoint);
        if (is_one_of(here.type, {ZMQ_PUB, ZMQ_XPUB})) made.socket.send(zmq::str_buffer("\1"));
        here.peers.push_back(std::move(made));
        here.changed = true;
        turn();  // the device accepts the connection
    }

    void leave(unsigned s, peer& p) {
        if (!p.here) return;
        trace("%s leaves\n", p.id.c_str());
        p.socket.disconnect(side_[s].endpoint);
        p.here = false;
        side_[s].changed = left_ = true;
    }

    // Runs one iteration of the loop.
    zdev::outcome turn() {
        const auto outcome = device_->run([this] { device_->stop(); });
        const auto now = device_->statistics();
        for (const auto& f : {now.in, now.out}) expect(f.pending() <= 1, "the counters do not add up");
        const auto total = now.in.messages_received + now.out.messages_received + now.in.messages_sent + now.out.messages_sent;
        expect(total >= total_, "a counter decreased");
        progress_ += total - std::exchange(total_, total);
        return outcome;
    }
    void paused_turn() {
        const auto before = total_;
        device_->pause();
        turn();
        expect(total_ == before, "a message moved during a pause");
    }
    void draining_turn() {
        const auto before = device_->statistics().in.messages_received;
        device_->drain(std::chrono::milliseconds(in_.flag() ? 0 : 10000));
        turn();
        expect(device_->statistics().in.messages_received == before, "a request was read during a drain");
    }

    input& in_;
    zmq::context_t context_;
    zmq::socket_t own_[3];  // in, out, mon: the device's
    zmq::socket_t watcher_;
    side side_[2];
    unsigned sides_ = 2;
    int hwm_ = 0;
    int mon_type_ = 0;
    bool mandatory_ = false, left_ = false;
    std::array<bool, 2> relays_{};  // whether messages go from in to out, and from out to in
    std::optional<zdev::device> device_;
    std::uint64_t total_ = 0;     // messages received and sent, by the device's counters
    std::uint64_t progress_ = 0;  // grows while anything moves

private:
    zmq::socket_t make(int type, int hwm) {
        zmq::socket_t socket(context_, type);
        socket.set(zmq::sockopt::linger, 0);
        if (hwm) socket.set(zmq::sockopt::sndhwm, hwm), socket.set(zmq::sockopt::rcvhwm, hwm);
        return socket;
    }

    void build_monitor(zdev::options& options) {
        mon_type_ = monitors[in_.below(std::size(monitors))];
        own_[2] = make(mon_type_, 0);
        own_[2].bind("inproc://mon");
        options.monitor.socket = own_[2];
        options.monitor.on_full = in_.flag() ? zdev::on_full::drop : zdev::on_full::block;
        watcher_ = make(ZMQ_DEALER, 0);
        watcher_.connect("inproc://mon");
        if (publishes(mon_type_)) watcher_.send(zmq::str_buffer("\1"));
    }

    void open(unsigned s, int type) {
        side& here = side_[s];
        here.socket = own_[s];
        here.type = type;
        here.endpoint = "inproc://" + std::to_string(s);
        if (type == ZMQ_ROUTER) own_[s].set(zmq::sockopt::router_mandatory, mandatory_);
        own_[s].bind(here.endpoint);
        if (type == ZMQ_SUB) own_[s].set(zmq::sockopt::subscribe, "");
        if (type == ZMQ_XSUB) own_[s].send(zmq::str_buffer("\1"));
        for (unsigned peers = in_.below(4); peers > 0; --peers) join(s);
    }
};

}  // namespace zdev::fuzz

#endif
