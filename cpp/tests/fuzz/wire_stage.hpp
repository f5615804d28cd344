// A device of the wire engine whose loop is turned by hand, in the thread of its peers: an input always runs the same way, and
// thousands run in a second. One stage serves many inputs; a well-behaved peer stays connected to each role.

#ifndef ZDEV_TESTS_FUZZ_WIRE_STAGE_HPP
#define ZDEV_TESTS_FUZZ_WIRE_STAGE_HPP

#include "../../src/wire/role.hpp"
#include "../../src/wire/spec.hpp"
#include "../wire_oracle.hpp"
#include "../wire_peer.hpp"
#include "input.hpp"

namespace zdev::fuzz {

using test::in;
using test::mon;
using test::out;
using test::peer_type;
using test::role_name;
using test::role_names;
using test::wire_peer;

enum class security { none, plain, curve };

// The keys of the device, and of the client that it admits: fixed, so that an input always runs the same way.
inline const zmtp::crypto::key_pair& keys_of(char name) {
    static const auto make = [](char letter) {
        const zmtp::crypto::secret_key secret(std::string(zmtp::crypto::key_size, letter));
        return zmtp::crypto::key_pair{zmtp::crypto::public_key_of(secret), secret};
    };
    static const auto &server = *new zmtp::crypto::key_pair(make('s')), &client = *new zmtp::crypto::key_pair(make('c')),
                      &stranger = *new zmtp::crypto::key_pair(make('x'));
    return name == 's' ? server : name == 'c' ? client : stranger;
}

inline wire::security server_of(security kind) {
    if (kind == security::none) return {};
    if (kind == security::plain) return wire::plain_server{{{{"anna", "secret"}}}, {}};
    return wire::curve_server{std::string(keys_of('s').secret.view()), {{{keys_of('c').public_key, "anna"}}}, {}};
}

inline std::unique_ptr<zmtp::mechanism> client_of(security kind, bool admitted) {
    if (kind == security::plain) return zmtp::make_plain_client("anna", admitted ? "secret" : "guess");
    return zmtp::make_curve_client(keys_of(admitted ? 'c' : 'x'), keys_of('s').public_key);
}

class wire_stage {
public:
    explicit wire_stage(const wire::spec& spec, fuzz::security kind = fuzz::security::none) : spec_(spec), security_(kind) {
        spec_.in.security = server_of(kind);
        if (spec_.out) spec_.out->security = server_of(kind);
        if (spec_.mon) spec_.mon->socket.security = server_of(kind);
        roles_[in] = make(in, spec_.in);
        if (spec_.out) roles_[out] = make(out, *spec_.out);
        if (spec_.mon) roles_[mon] = make(mon, spec_.mon->socket);
        connect_relays();
        loop_.before_flush([this] { publish(); });
        for (const auto name : {in, out, mon}) {
            if (!roles_[name]) continue;
            good_[name] = std::make_unique<wire_peer>(endpoint(name));
            introduce(*good_[name], peer_type(type(name)), std::string("good-") + role_names[name], true);
            if (roles_[name]->publisher())
                zmtp::append_subscription(subscription_ = {}, 1, {true, {}}), good_[name]->say(subscription_);
        }
        turn();
        settle();
        serve();
    }

    fuzz::security security() const { return security_; }
    // A peer shakes hands, as a client that is admitted or as a stranger.
    void introduce(wire_peer& peer, int type, const std::string& id, bool admitted, unsigned char minor = 1) const {
        security_ == security::none ? peer.say(test::say_hello(type, id, minor))
                                    : peer.secure(type, id, client_of(security_, admitted));
    }

    // Before an input.
    void begin() {
        descriptor_ = next_descriptor();
        for (const auto& each : good_) {
            if (each) each->take_heard();
        }
    }

    bool has(role_name name) const { return roles_[name] != nullptr; }
    int type(role_name name) const { return (name == out ? out_role() : *roles_[name]).type(); }
    std::string endpoint(role_name name) const { return roles_[name]->endpoints().at(0); }
    wire_peer& good(role_name name) { return *good_[name]; }
    const wire::spec& spec() const { return spec_; }
    test::direction forward() const { return {type(in), type(out), !spec_.out}; }
    test::direction backward() const { return {type(out), type(in), false}; }
    bool both_ways() const { return backward_ != nullptr; }
    flow_statistics flow(role_name from) const {
        return from == in ? forward_->counters.read() : backward_ ? backward_->counters.read() : flow_statistics{};
    }
    wire::role_statistics counts(role_name name) const {
        return roles_[name] ? roles_[name]->statistics() : wire::role_statistics{};
    }

    // Messages flow, or stay where they are, as in a device that is paused or draining.
    void set_state(zdev::state wanted) {
        using mode = wire::relay::mode;
        forward_->set_mode(wanted == state::active ? mode::open : mode::closed);
        if (backward_) backward_->set_mode(wanted == state::paused ? mode::closed : mode::open);
        room_ = true;
    }
    // As at the end of a run.
    void finish_sending(role_name name) { roles_[name]->finish_sending(); }
    void turn() {
        wake_held();
        loop_.turn(wire::milliseconds(0));
        wake_held();
        publish();
        for (const auto& each : good_) {
            if (each) each->write(), each->read();
        }
    }

    // After an input, when its peers have left: nothing of them is left, and the others are served as before.
    void check_rest() {
        set_state(state::active);
        settle();
        for (const auto name : {in, out, mon}) {
            if (!roles_[name]) continue;
            expect(!good_[name]->closed(), "the connection of another peer ended");
            expect(counts(name).connections == 1, "a connection is left");
            expect(!roles_[name]->sends_pending() && roles_[name]->pattern().taken_back() == 0, "messages are left");
            expect(!good_[name]->inside_message(), "a message has no end");
            if (wire::publisher* const publisher = roles_[name]->publisher()) {
                int prefixes = 0;
                publisher->current().for_each([&](const std::string&) { ++prefixes; });
                expect(prefixes == 1, "a subscription is left");
            }
        }
        expect(!forward_->holds_back() && !(backward_ && backward_->holds_back()), "a direction is held back");
        expect(next_descriptor() == descriptor_, "a descriptor is left");
        serve();
    }

private:
    const wire::role& out_role() const { return roles_[out] ? *roles_[out] : *roles_[in]; }
    wire::role& out_role() { return roles_[out] ? *roles_[out] : *roles_[in]; }

    std::unique_ptr<wire::role> make(role_name name, wire::socket_spec& spec) {
        static int stages = 0;
        spec.binds = {"ipc://@zdev-fuzz-" + std::to_string(::getpid()) + "-" + std::to_string(stages++)};
        return std::make_unique<wire::role>(loop_, role_names[name], spec, [this] { room_ = true; });
    }
    wire::tap tap(const std::optional<std::string>& prefix) {
        wire::tap made;
        if (!roles_[mon]) return made;
        made.to = &roles_[mon]->pattern();
        made.audience = roles_[mon]->publisher();
        made.prefix = prefix;
        made.on_full = spec_.mon->on_full;
        return made;
    }
    // As device::impl does.
    void connect_relays() {
        forward_ =
            std::make_unique<wire::relay>(type(in), type(out), !spec_.out, out_role().pattern(), tap("in"), spec_.on_full);
        roles_[in]->feed(forward_.get());
        if (!wire::goes_backward(spec_)) return;
        backward_ = std::make_unique<wire::relay>(type(out), type(in), false, roles_[in]->pattern(), tap("out"), spec_.on_full);
        out_role().feed(backward_.get());
        if (!out_role().publisher() || !roles_[in]->upstream()) return;
        roles_[in]->relay_subscriptions_of(*out_role().publisher());
        out_role().publisher()->pass_on([this](const zmtp::subscription& wish) {
            std::string framed;
            zmtp::append_subscription(framed, 0, wish);
            roles_[in]->upstream()->ask(wish);
            backward_->note(framed, 1 + wish.prefix.size());
        });
    }
    void wake_held() {
        while (std::exchange(room_, false)) {
            forward_->wake();
            if (backward_) backward_->wake();
            loop_.settle();
        }
    }
    void publish() {
        forward_->publish();
        if (backward_) backward_->publish();
    }
    void settle() {
        std::uint64_t heard = 0, before = 0;
        for (int quiet = 0; quiet < 3; quiet = heard == before ? quiet + 1 : 0) {
            turn();
            before = std::exchange(heard, 0);
            for (const auto& each : good_) heard += each ? each->bytes_heard() : 0;
        }
    }
    static int next_descriptor() { return wire::descriptor(::dup(0)).get(); }

    void serve() {
        exchange(in, out, forward());
        if (backward_ && !roles_[in]->upstream()) exchange(out, in, backward());
    }
    // A message between the two well-behaved peers.
    void exchange(role_name from, role_name to, const test::direction& way) {
        wire_peer &sender = *good_[from], &receiver = way.one_socket ? sender : *good_[to];
        for (const auto& each : good_) {
            if (each) each->take_heard();
        }
        std::string message, content = "service " + std::to_string(++served_);
        if (way.to == ZMQ_ROUTER && !way.one_socket)
            zmtp::append_frame(message, zmtp::more_flag, std::string("good-") + role_names[to]);
        zmtp::append_frame(message, 0, content);
        sender.say(message);
        for (int i = 0; i < 20 && receiver.heard().empty(); ++i) turn();
        const auto heard = receiver.take_heard();
        expect(heard.size() == 1 && heard[0].size() >= content.size() &&
                   heard[0].compare(heard[0].size() - content.size(), content.size(), content) == 0,
               "another peer is not served");
    }

    wire::spec spec_;
    const fuzz::security security_;
    wire::loop loop_;
    bool room_ = false;
    std::array<std::unique_ptr<wire::role>, 3> roles_;
    std::unique_ptr<wire::relay> forward_, backward_;
    std::array<std::unique_ptr<wire_peer>, 3> good_;
    std::string subscription_;
    int descriptor_ = -1, served_ = 0;
};

}  // namespace zdev::fuzz

#endif
