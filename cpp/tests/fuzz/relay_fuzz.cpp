// A device with any supported pair of sockets and any options, between peers that send arbitrary frames, read or not, connect
// and disconnect, also in the middle of a message that is being sent to them. The rules of ledger.hpp must always hold.

#include <dlfcn.h>

#include <functional>

#include "../messages.hpp"
#include "ledger.hpp"
#include "stage.hpp"

namespace {

using namespace zdev::fuzz;
using namespace std::chrono_literals;

// Disconnects a peer just before the device sends its n-th frame on a socket, once.
struct {
    void* socket = nullptr;
    unsigned frames = 0;
    std::function<void()> leave;
} trap;

class scene : stage {
public:
    explicit scene(input& in) : stage(in) {}

    void play() {
        if (!build()) return;
        for (int acts = 0; !in_.empty() && acts < 400; ++acts) act();
        trap.socket = nullptr;
        settle();
        for (const unsigned from : {0u, 1u}) account(from);
        account_monitor();
    }

private:
    void act() {
        const unsigned s = in_.below(sides_);
        side& here = side_[s];
        const unsigned what = in_.below(16);
        if (what == 15) return join(s);
        if (what == 14) return draining_turn();
        if (what == 13) return paused_turn();
        if (what >= 9) return static_cast<void>(turn());
        if (here.peers.empty()) return;
        const unsigned number = in_.below(here.peers.size());
        peer& p = here.peers[number];
        if (what == 8) return leave(s, p);
        if (what == 7) return ambush(s, p);
        if (what >= 5) return read(s, number, 1 + in_.below(4));
        if (p.here) send(s, number);
    }

    void ambush(unsigned s, peer& p) {
        trap.socket = own_[s].handle();
        trap.frames = 1 + in_.below(5);
        trap.leave = [this, s, &p] { leave(s, p); };
    }

    std::string frame(unsigned s) {
        const side& other = side_[sides_ - 1 - (sides_ == 2 ? s : 0)];
        switch (in_.below(8)) {
            case 0: return "";
            case 1:
            case 2: return other.peers.empty() ? "nobody" : other.peers[in_.below(other.peers.size())].id;
            case 3: return "nobody";
            case 4: return std::string(200 + in_.below(100), 'x');
            case 5: return std::string(1, static_cast<char>(in_.below(2))) + in_.bytes(1);
            default: return in_.bytes(in_.below(6));
        }
    }

    void send(unsigned s, unsigned number) {
        message frames;
        unsigned heads = in_.below(6);
        if (heads == 5) heads = in_.below(80);
        while (frames.size() < heads) frames.push_back(frame(s));
        if (takes_subscriptions(s)) spare(frames, side_[s].type);
        const side& here = side_[s];
        peer& p = side_[s].peers[number];
        if (!(p.socket.get(zmq::sockopt::events) & ZMQ_POLLOUT)) return;
        if (here.type == ZMQ_XPUB && in_.below(4) == 3)
            return zdev::test::send(p.socket, {in_.flag() ? "\1a" : std::string("\0a", 2)});
        entry& e = ledger_.add(frames, std::string(in_.below(100), '.'));
        e.from = s;
        e.sender = number;
        judge(e, here, s, frames);
        trace("%s sends %s\n", p.id.c_str(), text(frames).c_str());
        zdev::test::send(p.socket, frames);
    }

    // libzmq interprets subscriptions in messages to these sockets, and may discard frames: of a message whose first frame
    // looks like a subscription, and of any message to a PUB. This is a limit of libzmq (docs/reliability.md).
    bool takes_subscriptions(unsigned s) const {
        return side_[0].type == ZMQ_XSUB || side_[sides_ - 1].type == ZMQ_XSUB || is_one_of(side_[s].type, {ZMQ_PUB, ZMQ_XPUB});
    }
    void spare(message& frames, int type) {
        const bool any = is_one_of(type, {ZMQ_PUB, ZMQ_REP, ZMQ_REQ});  // REP and REQ remove the envelope
        const auto end = any ? frames.end() : frames.begin() + std::min<long>(1, static_cast<long>(frames.size()));
        for (auto frame = frames.begin(); frame != end; ++frame) {
            if (is_subscription(*frame)) (*frame)[0] = '1';
        }
    }

    void judge(entry& e, const side& here, unsigned s, const message& frames) {
        if (!relays_[s]) return;
        if (here.type == ZMQ_PUSH || here.type == ZMQ_PUB) return;
        const side& there = sides_ == 1 ? here : side_[1 - s];
        if (const auto seen = received(here.type, here.peers[e.sender].id, frames)) {
            decide(e, {here.type, there.type, sides_ == 1}, *seen, there.known());
        }
    }

    void read(unsigned s, unsigned number, unsigned most) {
        side& here = side_[s];
        peer& p = here.peers[number];
        for (; most > 0; --most) {
            const auto m = zdev::test::try_recv(p.socket, 0ms);
            if (!m) return;
            ++progress_;
            trace("%s receives %s\n", p.id.c_str(), text(*m).c_str());
            ledger_.arrived(s, number, p.id, *m, here.type);
        }
    }

    // Lets all peers read until nothing moves any more.
    void settle() {
        for (int quiet = 0; quiet < 3; ++quiet) {
            const auto before = progress_;
            turn();
            for (unsigned s = 0; s < sides_; ++s) {
                for (unsigned p = 0; p < side_[s].peers.size(); ++p) {
                    if (side_[s].peers[p].here) read(s, p, 10000);
                }
            }
            while (mon_type_) {
                const auto copy = zdev::test::try_recv(watcher_, 0ms);
                if (!copy) break;
                ++copies_, ++progress_;
                ledger_.watched(*copy);
            }
            if (progress_ != before) quiet = 0;
        }
    }

    // After settling, every message of a direction has arrived or is counted by the reason why not.
    void account(unsigned from) const {
        if (!relays_[from]) return;
        const side& here = side_[from];
        const side& there = side_[sides_ == 1 ? 0 : 1 - from];
        const auto s = device_->statistics();
        const auto& f = from == 0 ? s.in : s.out;
        if (there.peers.empty() && is_one_of(there.type, {ZMQ_PUSH, ZMQ_DEALER, ZMQ_PAIR, ZMQ_REQ}) && sides_ == 2) {
            return expect(f.messages_received == 0, "a message was read before a peer could receive it");
        }
        if (left_ || locksteps(here.type) || locksteps(there.type)) return;  // messages may be lost with a disconnected peer
        if (here.type != ZMQ_XPUB) {
            expect(f.malformed == ledger_.count(from, fate::malformed), "malformed is wrong");
            if (mandatory_) expect(f.unroutable == ledger_.count(from, fate::unroutable), "unroutable is wrong");
        }
        expect(f.pending() == 0, "a message is pending although every peer can receive");
        if (hwm_ && (publishes(there.type) || (there.type == ZMQ_ROUTER && !mandatory_))) return;  // libzmq may drop silently
        if (publishes(there.type) && there.changed) return;
        const std::size_t peers = publishes(there.type) ? there.peers.size() : 1;
        expect(ledger_.missing(from, peers) == f.overflowed, "a message is missing");
    }

    void account_monitor() const {
        if (!mon_type_) return;
        const auto s = device_->statistics();
        const auto sent = s.in.monitor_sent + s.out.monitor_sent, dropped = s.in.monitor_dropped + s.out.monitor_dropped;
        expect(sent + dropped == s.in.messages_sent + s.out.messages_sent, "a message was not copied");
        expect(copies_ == sent, "a copy is missing");
    }

    ledger ledger_;
    std::uint64_t copies_ = 0;  // received by the monitor's subscriber
};

}  // namespace

extern "C" int zmq_msg_send(zmq_msg_t* frame, void* socket, int flags) {
    static const auto libzmq_msg_send = reinterpret_cast<decltype(&zmq_msg_send)>(dlsym(RTLD_NEXT, "zmq_msg_send"));
    if (socket == trap.socket && --trap.frames == 0) {
        trap.socket = nullptr;
        trap.leave();
    }
    return libzmq_msg_send(frame, socket, flags);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    input in(data, size);
    scene(in).play();
    return 0;
}
