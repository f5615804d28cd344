// Any pair of sockets that a device takes, with any options, between peers that send any frames, read when they like, come
// and go, also midway in a message that is being sent to them. Whatever they do, the ledger's rules hold.
//
// All runs in one thread, a turn of the loop at a time, by inproc without I/O threads: an input does the same each time.
// Peers are DEALERs, whatever the device's sockets: these send frames as they are, as a hostile peer would.

#include <dlfcn.h>

#include <deque>
#include <zdev/device.hpp>

#include "../messages.hpp"
#include "ledger.hpp"

namespace {

using namespace zdev::fuzz;
using namespace std::chrono_literals;

constexpr int types[] = {ZMQ_ROUTER, ZMQ_DEALER, ZMQ_PULL, ZMQ_PUSH, ZMQ_XSUB, ZMQ_XPUB,
                         ZMQ_SUB,    ZMQ_PUB,    ZMQ_REP,  ZMQ_REQ,  ZMQ_PAIR};
constexpr int monitors[] = {ZMQ_PUB, ZMQ_XPUB, ZMQ_PUSH, ZMQ_PAIR, ZMQ_DEALER};

bool is_one_of(int type, std::initializer_list<int> some) { return std::find(some.begin(), some.end(), type) != some.end(); }
bool publishes(int type) { return is_one_of(type, {ZMQ_PUB, ZMQ_XPUB, ZMQ_XSUB}); }
bool locksteps(int type) { return is_one_of(type, {ZMQ_REQ, ZMQ_REP}); }

// Takes a peer away just before the device sends its n-th frame on a socket, once.
struct {
    void* socket = nullptr;
    unsigned frames = 0;
    std::function<void()> leave;
} trap;

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
    bool changed = false;  // peers came or left meanwhile

    std::set<std::string> known() const {
        std::set<std::string> ids;
        for (const peer& p : peers) ids.insert(p.id);
        return ids;
    }
};

class scene {
public:
    explicit scene(input& in) : in_(in), context_(0) {}

    void play() {
        if (!build()) return;
        for (int acts = 0; !in_.empty() && acts < 400; ++acts) act();
        trap.socket = nullptr;
        settle();
        for (const unsigned from : {0u, 1u}) account(from);
        account_monitor();
    }

private:
    zmq::socket_t make(int type, int hwm) {
        zmq::socket_t socket(context_, type);
        socket.set(zmq::sockopt::linger, 0);
        if (hwm) socket.set(zmq::sockopt::sndhwm, hwm), socket.set(zmq::sockopt::rcvhwm, hwm);
        return socket;
    }

    // False: the bytes say a pair that no device takes.
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
        on_full_ = options.on_full;
        if (in_.flag()) build_monitor(options);
        try {
            device_.emplace(own_[0], own_[sides_ - 1], options);
        } catch (const zdev::error& refusal) {
            expect(refusal.num() == EINVAL, std::string("a pair refused, but not so: ") + refusal.what());
            return false;
        }
        scenery = std::string(one_socket ? "one socket, " : "") + std::to_string(in_type) + " to " + std::to_string(out_type);

        const bool back = !is_one_of(out_type, {ZMQ_PUB, ZMQ_PUSH}) && !is_one_of(in_type, {ZMQ_SUB, ZMQ_PULL});
        two_ways_ = !one_socket && back;
        for (unsigned s = 0; s < sides_; ++s) open(s, s == 0 ? in_type : out_type);
        for (int i = 0; i < 3; ++i) turn();
        for (unsigned s = 0; s < sides_; ++s) side_[s].changed = false;
        return true;
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
        turn();  // the device meets it
    }

    void leave(unsigned s, peer& p) {
        if (!p.here) return;
        trace("%s leaves\n", p.id.c_str());
        p.socket.disconnect(side_[s].endpoint);
        p.here = false;
        side_[s].changed = left_ = true;
    }

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

    // libzmq reads subscriptions in such messages, and may swallow frames of them: of one whose first frame looks like a
    // subscription anywhere, and of any at a PUB. That is the peer's business, or a limit of libzmq's (docs/reliability.md).
    bool takes_subscriptions(unsigned s) const {
        return side_[0].type == ZMQ_XSUB || side_[sides_ - 1].type == ZMQ_XSUB || is_one_of(side_[s].type, {ZMQ_PUB, ZMQ_XPUB});
    }
    void spare(message& frames, int type) {
        const bool any = is_one_of(type, {ZMQ_PUB, ZMQ_REP, ZMQ_REQ});  // of the last two the envelope comes off
        const auto end = any ? frames.end() : frames.begin() + std::min<long>(1, static_cast<long>(frames.size()));
        for (auto frame = frames.begin(); frame != end; ++frame) {
            if (is_subscription(*frame)) (*frame)[0] = '1';
        }
    }

    void judge(entry& e, const side& here, unsigned s, const message& frames) {
        if (s == 1 && !two_ways_) return;
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

    // One turn of the loop.
    zdev::outcome turn() {
        const auto outcome = device_->run([this] { device_->stop(); });
        const auto now = device_->statistics();
        for (const auto& f : {now.in, now.out}) expect(f.in_hand() <= 1, "the counters do not add up");
        const auto total = now.in.messages_received + now.out.messages_received + now.in.messages_sent + now.out.messages_sent;
        expect(total >= total_, "a counter went back");
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
        device_->drain(in_.flag() ? 0ms : 10000ms);
        turn();
        expect(device_->statistics().in.messages_received == before, "a request was read during a drain");
    }

    // Until nothing moves any more, though all peers read.
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

    // After settling: each message of a direction arrived, or was counted with the reason why not.
    void account(unsigned from) const {
        if (from == 1 && !two_ways_) return;
        const side& here = side_[from];
        const side& there = side_[sides_ == 1 ? 0 : 1 - from];
        const auto s = device_->statistics();
        const auto& f = from == 0 ? s.in : s.out;
        if (there.peers.empty() && is_one_of(there.type, {ZMQ_PUSH, ZMQ_DEALER, ZMQ_PAIR, ZMQ_REQ}) && sides_ == 2) {
            return expect(f.messages_received == 0, "a message was taken in hand before anybody could receive it");
        }
        if (left_ || locksteps(here.type) || locksteps(there.type)) return;  // what a peer held left with it
        if (here.type != ZMQ_XPUB) {
            expect(f.malformed == ledger_.count(from, fate::malformed), "malformed is wrong");
            if (mandatory_) expect(f.unroutable == ledger_.count(from, fate::unroutable), "unroutable is wrong");
        }
        expect(f.in_hand() == 0, "a message is held back though all can receive");
        if (hwm_ && (publishes(there.type) || (there.type == ZMQ_ROUTER && !mandatory_))) return;  // libzmq may drop unseen
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

    input& in_;
    zmq::context_t context_;
    zmq::socket_t own_[3];  // in, out, mon: the device's
    zmq::socket_t watcher_;
    side side_[2];
    unsigned sides_ = 2;
    int hwm_ = 0;
    int mon_type_ = 0;
    bool mandatory_ = false, two_ways_ = false, left_ = false;
    zdev::on_full on_full_{};
    std::optional<zdev::device> device_;
    ledger ledger_;
    std::uint64_t total_ = 0, progress_ = 0, copies_ = 0;
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
