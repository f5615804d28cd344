// PLAIN and CURVE on devices, with peers of libzmq.

#include <sys/resource.h>

#include <ctime>
#include <list>
#include <zdev/wire.hpp>

#include "../src/zmtp/curve.hpp"
#include "wire_support.hpp"

namespace zdev::test {
namespace {

struct keys {
    keys() {
        char public_text[41], secret_text[41];
        zmq_curve_keypair(public_text, secret_text);
        public_z85 = public_text, secret_z85 = secret_text;
        public_key.resize(32), secret_key.resize(32);
        zmq_z85_decode(reinterpret_cast<std::uint8_t*>(public_key.data()), public_text);
        zmq_z85_decode(reinterpret_cast<std::uint8_t*>(secret_key.data()), secret_text);
    }
    std::string public_z85, secret_z85, public_key, secret_key;
};

class OnSecureWire : public OnWire {
protected:
    void SetUp() override {
        if (!wire::curve_available()) GTEST_SKIP() << "built without libsodium";
    }
    sockets::setup curve_client(const keys& who) const {
        return [&who, this](zmq::socket_t& socket) {
            socket.set(zmq::sockopt::curve_serverkey, device_keys.public_z85);
            socket.set(zmq::sockopt::curve_publickey, who.public_z85);
            socket.set(zmq::sockopt::curve_secretkey, who.secret_z85);
        };
    }
    static sockets::setup plain_client(const char* name, const char* password) {
        return [=](zmq::socket_t& socket) {
            socket.set(zmq::sockopt::plain_username, name);
            socket.set(zmq::sockopt::plain_password, password);
        };
    }
    wire::credentials only_client() const { return {{{client_keys.public_key, "anna"}}}; }
    wire::curve_server server() const { return {device_keys.secret_key, only_client(), {}}; }
    // `in` has CURVE, and admits the client; `out` has none.
    wire::spec spec(int in, int out) const {
        wire::spec made = pair(in, out);
        made.in.security = server();
        return made;
    }
    // The same, with CURVE at `out` too.
    wire::spec both(int in, int out) const {
        wire::spec made = spec(in, out);
        made.out->security = server();
        return made;
    }

    keys device_keys, client_keys, stranger_keys;
};

TEST_F(OnSecureWire, RequestsAndRepliesOfAnySizePassWithCurve) {
    running relay(both(ZMQ_ROUTER, ZMQ_DEALER));
    auto client = dial(ZMQ_DEALER, relay.at("in"), curve_client(client_keys));
    auto worker = dial(ZMQ_REP, relay.at("out"), curve_client(client_keys));
    for (const std::size_t size : std::vector<std::size_t>{0, 1, 200, 222, 223, 255, 256, 5000, 70000, 300000, 3000000}) {
        const message asked{"", std::string(size, 'q'), "", std::string(size / 2, 'r')};
        send(client, asked);
        const message heard = recv(worker);
        EXPECT_EQ(heard.at(0).size(), size);
        send(worker, heard);
        EXPECT_TRUE(recv(client) == asked) << size;
    }
}

TEST_F(OnSecureWire, ALongStreamArrivesWholeAndInOrder) {
    running relay(both(ZMQ_PULL, ZMQ_PUSH));
    auto source = dial(ZMQ_PUSH, relay.at("in"), curve_client(client_keys));
    auto sink = dial(ZMQ_PULL, relay.at("out"), curve_client(client_keys));
    for (int block = 0; block < 100; ++block) {
        const auto each_of = [block](const auto& act) {
            for (int i = 500 * block; i < 500 * (block + 1); ++i) act(std::to_string(i), static_cast<std::size_t>(i % 600));
        };
        each_of([&](const std::string& number, std::size_t size) { send(source, {number, std::string(size, 'x')}); });
        each_of([&](const std::string& number, std::size_t size) {
            EXPECT_EQ(recv(sink), (message{number, std::string(size, 'x')}));
        });
    }
}

TEST_F(OnSecureWire, SubscriptionsAndPublicationsPassWithCurve) {
    wire::spec made = pair(ZMQ_XSUB, ZMQ_XPUB);
    made.in.security = made.out.emplace(listening(ZMQ_XPUB)).security = server();
    running relay(made);
    auto publisher = dial(ZMQ_XPUB, relay.at("in"), curve_client(client_keys));
    auto subscriber = dial(ZMQ_SUB, relay.at("out"), curve_client(client_keys));
    subscriber.set(zmq::sockopt::subscribe, "news");
    EXPECT_EQ(recv(publisher).at(0), "\1news");
    send(publisher, {"weather", "rain"});
    send(publisher, {"news", "of today"});
    EXPECT_EQ(recv(subscriber), (message{"news", "of today"}));
    subscriber.set(zmq::sockopt::unsubscribe, "news");
    EXPECT_EQ(recv(publisher).at(0), std::string("\0news", 5));
}

TEST_F(OnSecureWire, ADeviceConnectsToServersOfLibzmq) {
    for (const bool curve : {true, false}) {
        auto server = unbound(ZMQ_PULL, [&](zmq::socket_t& socket) {
            if (curve) {
                socket.set(zmq::sockopt::curve_server, true);
                socket.set(zmq::sockopt::curve_secretkey, device_keys.secret_z85);
            }
        });
        server.bind("tcp://127.0.0.1:*");
        wire::spec made;
        made.in = listening(ZMQ_PULL);
        made.out.emplace().type = ZMQ_PUSH;
        made.out->connects = {server.get(zmq::sockopt::last_endpoint)};
        if (curve) made.out->security = wire::curve_client{client_keys.secret_key, device_keys.public_key};
        running relay(made);
        auto source = dial(ZMQ_PUSH, relay.at("in"));
        send(source, {"hello", std::string(100000, 'x')});
        EXPECT_EQ(recv(server).at(0), "hello");
    }
}

TEST_F(OnSecureWire, DevicesTalkToEachOther) {
    running inner(spec(ZMQ_PULL, ZMQ_PUSH));
    wire::spec made;
    made.in = listening(ZMQ_PULL);
    made.out.emplace().type = ZMQ_PUSH;
    made.out->connects = {inner.at("in")};
    made.out->security = wire::curve_client{client_keys.secret_key, device_keys.public_key};
    running outer(made);
    auto source = dial(ZMQ_PUSH, outer.at("in"));
    auto sink = dial(ZMQ_PULL, inner.at("out"));
    for (int i = 0; i < 1000; ++i) send(source, {std::to_string(i)});
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(recv(sink).at(0), std::to_string(i));
}

TEST_F(OnSecureWire, StrangersAreRefusedAndCountedByReason) {
    running relay(spec(ZMQ_PULL, ZMQ_PUSH));
    auto unknown = dial(ZMQ_PUSH, relay.at("in"), curve_client(stranger_keys));
    raw_peer no_key(relay.at("in"));
    no_key.send(zmtp::handshake({ZMQ_PUSH, "", {}}).take_output());
    EXPECT_TRUE(eventually([&] {
        const auto now = relay.device.connections("in");
        return now.refused_authentication >= 1 && now.refused_mechanism == 1;
    }));
    EXPECT_EQ(relay.device.connections("in").connections, 0);
    const auto refused = relay.device.take_refused("in");
    ASSERT_GE(refused.size(), 1);
    EXPECT_EQ(refused[0].address, "127.0.0.1");
    EXPECT_EQ(refused[0].key, stranger_keys.public_key);
    EXPECT_EQ(refused[0].reason, "Unknown key");
}

TEST_F(OnSecureWire, PlainAdmitsThoseWithTheRightPassword) {
    wire::spec made = pair(ZMQ_PULL, ZMQ_PUSH);
    made.in.security = wire::plain_server{{{{"anna", "secret"}}}, {}};
    running relay(made);
    auto wrong = dial(ZMQ_PUSH, relay.at("in"), plain_client("anna", "guess"));
    auto source = dial(ZMQ_PUSH, relay.at("in"), plain_client("anna", "secret"));
    auto sink = dial(ZMQ_PULL, relay.at("out"));
    send(source, {"hello"});
    EXPECT_EQ(recv(sink).at(0), "hello");
    EXPECT_TRUE(eventually([&] { return relay.device.connections("in").refused_authentication == 1; }));
    EXPECT_EQ(relay.device.connections("in").connections, 1);
    for (const auto& each : relay.device.take_refused("in")) EXPECT_EQ(each.key, "");
}

TEST_F(OnSecureWire, AKeyThatIsWithdrawnCutsItsConnectionsOffAndNoOther) {
    wire::spec made = spec(ZMQ_PULL, ZMQ_PUSH);
    std::get<wire::curve_server>(made.in.security).clients.known[stranger_keys.public_key] = "bert";
    running relay(made);
    auto anna = dial(ZMQ_PUSH, relay.at("in"), curve_client(client_keys));
    auto bert = dial(ZMQ_PUSH, relay.at("in"), curve_client(stranger_keys));
    ASSERT_TRUE(relay.connected("in", 2));
    relay.device.set_credentials("in", only_client());
    EXPECT_TRUE(relay.connected("in", 1));
    EXPECT_EQ(relay.device.connections("in").credentials_withdrawn, 1);
    wire::credentials unreadable;
    unreadable.unreadable = true;
    relay.device.set_credentials("in", unreadable);
    auto another = dial(ZMQ_PUSH, relay.at("in"), curve_client(client_keys));
    EXPECT_TRUE(eventually([&] { return relay.device.connections("in").refused_authentication >= 2; }));
    EXPECT_EQ(relay.device.connections("in").connections, 1);
}

TEST_F(OnSecureWire, AKeyThatIsRenamedHasTheRightsOfItsNewName) {
    wire::spec made = pair(ZMQ_XSUB, ZMQ_XPUB);
    wire::credentials clients = only_client();
    clients.rights = {{"anna", {{}, {"news"}}}, {"bert", {{}, {"orders."}}}};
    made.out->security = wire::curve_server{device_keys.secret_key, clients, {}};
    running relay(made);
    auto source = dial(ZMQ_XPUB, relay.at("in"));
    ASSERT_TRUE(relay.connected("in", 1));
    auto client = dial(ZMQ_SUB, relay.at("out"), [&](zmq::socket_t& socket) {
        curve_client(client_keys)(socket);
        socket.set(zmq::sockopt::subscribe, "");
    });
    EXPECT_EQ(recv(source), message{"\1news"});
    clients.known[client_keys.public_key] = "bert";
    relay.device.set_credentials("out", clients);
    EXPECT_EQ(recv(source), message{"\1orders."});
    EXPECT_EQ(recv(source), message{std::string("\0news", 5)});
    EXPECT_EQ(relay.device.connections("out").connections, 1);
}

TEST_F(OnSecureWire, TheLimitForEachKeyIsOfItsConnectionsAtTheSameTime) {
    wire::spec made = spec(ZMQ_PULL, ZMQ_PUSH);
    std::get<wire::curve_server>(made.in.security).clients.anyone = true;
    made.in.options.max_connections_per_key = 1;
    running relay(made);
    auto first = dial(ZMQ_PUSH, relay.at("in"), curve_client(client_keys));
    ASSERT_TRUE(relay.connected("in", 1));
    auto second = dial(ZMQ_PUSH, relay.at("in"), curve_client(client_keys));
    ASSERT_TRUE(eventually([&] { return relay.device.connections("in").refused_max_connections_per_key >= 1; }));
    auto other = dial(ZMQ_PUSH, relay.at("in"), curve_client(stranger_keys));
    ASSERT_TRUE(relay.connected("in", 2));
    first.close();
    auto sink = dial(ZMQ_PULL, relay.at("out"));
    send(second, {"its turn"});  // it has tried again
    EXPECT_EQ(recv(sink).at(0), "its turn");
}

TEST_F(OnSecureWire, APasswordThatChangesCutsItsConnectionsOff) {
    wire::spec made = pair(ZMQ_PULL, ZMQ_PUSH);
    made.in.security = wire::plain_server{{{{"anna", "secret"}, {"bert", "same"}}}, {}};
    running relay(made);
    auto anna = dial(ZMQ_PUSH, relay.at("in"), plain_client("anna", "secret"));
    auto bert = dial(ZMQ_PUSH, relay.at("in"), plain_client("bert", "same"));
    ASSERT_TRUE(relay.connected("in", 2));
    relay.device.set_credentials("in", {{{"anna", "new"}, {"bert", "same"}}});
    EXPECT_TRUE(relay.connected("in", 1));
    EXPECT_EQ(relay.device.connections("in").credentials_withdrawn, 1);
}

TEST_F(OnSecureWire, APeerWaitsForTheNextCredentials) {
    wire::spec made = spec(ZMQ_PULL, ZMQ_PUSH);
    std::atomic<int> asked{0};
    std::get<wire::curve_server>(made.in.security).on_peer = [&] { ++asked; };
    running relay(made);
    auto bert = dial(ZMQ_PUSH, relay.at("in"), curve_client(stranger_keys));
    ASSERT_TRUE(eventually([&] { return asked == 1; }));
    EXPECT_EQ(relay.device.connections("in").refused_authentication, 0);
    relay.device.set_credentials("in", {{{stranger_keys.public_key, "bert"}}});
    EXPECT_TRUE(relay.connected("in", 1));
    auto anna = dial(ZMQ_PUSH, relay.at("in"), curve_client(client_keys));
    ASSERT_TRUE(eventually([&] { return asked == 2; }));
    relay.device.set_credentials("in", {{{stranger_keys.public_key, "bert"}}});
    EXPECT_TRUE(eventually([&] { return relay.device.connections("in").refused_authentication == 1; }));
}

TEST_F(OnSecureWire, AMessageBeyondTheLimitEndsItsConnection) {
    wire::spec made = spec(ZMQ_PULL, ZMQ_PUSH);
    made.in.options.maxmsgsize = 1000;
    running relay(made);
    auto sink = dial(ZMQ_PULL, relay.at("out"));
    auto source = dial(ZMQ_PUSH, relay.at("in"), curve_client(client_keys));
    send(source, {std::string(1000, 'x')});
    EXPECT_EQ(recv(sink).at(0).size(), 1000);
    send(source, {std::string(1001, 'x')});
    EXPECT_TRUE(eventually([&] { return relay.device.connections("in").limits_exceeded == 1; }));
}

// A client of CURVE that can change what it says: a handshake by hand, and then messages as sealed bytes.
class curve_peer {
public:
    curve_peer(const std::string& endpoint, const keys& ours, const std::string& server_key)
        : keys_{ours.public_key, zmtp::crypto::secret_key(ours.secret_key)}, peer_(endpoint) {
        zmtp::handshake client({ZMQ_PUSH, "", {}}, zmtp::make_curve_client(keys_, server_key));
        while (!client.done() && !client.failed()) {
            peer_.send(client.take_output());
            if (const std::string got = peer_.receive(1); got.empty() || client.feed(got) < got.size()) break;
        }
        if (!client.done()) throw std::runtime_error("no handshake: " + client.reason());
        cipher_ = client.mechanism().make_cipher();
    }
    std::string seal(const std::string& body) {
        std::string sealed(body.size() + zmtp::longest_header + zmtp::cipher::overhead, '\0');
        sealed.resize(cipher_->seal(sealed.data(), 0, body));
        return sealed;
    }
    raw_peer& peer() { return peer_; }

private:
    zmtp::crypto::key_pair keys_;
    raw_peer peer_;
    std::unique_ptr<zmtp::cipher> cipher_;
};

TEST_F(OnSecureWire, AMessageThatIsNotGenuineEndsItsConnectionAfterThoseBeforeItWereRelayed) {
    running relay(spec(ZMQ_PULL, ZMQ_PUSH));
    auto sink = dial(ZMQ_PULL, relay.at("out"));
    ASSERT_TRUE(relay.connected("out", 1));
    const auto cut = [](const std::string& sealed) {
        std::string shorter;
        zmtp::append_frame(shorter, 0, std::string_view(sealed).substr(2, sealed.size() - 3));
        return shorter;
    };
    const auto changed = [](std::string sealed) { return sealed.back() ^= 1, sealed; };
    std::string of_another;
    using attack = std::function<std::string(curve_peer&)>;
    const std::vector<std::pair<const char*, attack>> attacks = {
        {"replayed",
         [](curve_peer& by) {
             const auto each = by.seal("1");
             return each + each;
         }},
        {"reordered",
         [](curve_peer& by) {
             const auto first = by.seal("0");
             return by.seal("1") + first;
         }},
        {"cut", [&](curve_peer& by) { return by.seal("1") + cut(by.seal("2")); }},
        {"changed", [&](curve_peer& by) { return by.seal("1") + changed(by.seal("2")); }},
        {"large and changed", [&](curve_peer& by) { return by.seal("1") + changed(by.seal(std::string(400000, 'x'))); }},
        {"of another connection", [&](curve_peer& by) { return by.seal("1") + of_another; }},
        {"not sealed", [](curve_peer& by) { return by.seal("1") + framed({std::string(60, 'x')}); }},
    };
    std::uint64_t errors = 0;
    for (const auto& [name, attack] : attacks) {
        curve_peer attacker(relay.at("in"), client_keys, device_keys.public_key);
        const std::string said = attack(attacker);
        ASSERT_TRUE(attacker.peer().send(said + attacker.seal("3"))) << name;
        EXPECT_EQ(recv(sink), message{"1"}) << name;
        EXPECT_TRUE(attacker.peer().ended()) << name;
        EXPECT_TRUE(eventually([&] { return relay.device.connections("in").framing_errors == errors + 1; })) << name;
        of_another = attacker.seal("9");
        ++errors;
    }
    EXPECT_EQ(relay.device.statistics().in.messages_received, attacks.size());
}

// A receiver that stops reading, and leaves with messages on their way.
TEST_F(OnSecureWire, WhatASlowReceiverHasNotReceivedIsCountedOrGivenToAnother) {
    wire::spec made = spec(ZMQ_PULL, ZMQ_PUSH);
    made.out->security = server();
    made.out->options.sndhwm = 50;
    running relay(made);
    auto source = dial(ZMQ_PUSH, relay.at("in"), curve_client(client_keys));
    {
        auto frozen = dial(ZMQ_PULL, relay.at("out"), [this](zmq::socket_t& socket) {
            curve_client(client_keys)(socket);
            socket.set(zmq::sockopt::rcvhwm, 1);
        });
        ASSERT_TRUE(relay.connected("out", 1));
        for (int i = 0; i < 900; ++i) send(source, {std::to_string(i), std::string(20000, 'x')});
        ASSERT_TRUE(eventually([&] { return relay.device.statistics().in.messages_received > 100; }));
    }
    ASSERT_TRUE(relay.connected("out", 0));  // or the reader could get newer messages before those that are given back
    auto reader = dial(ZMQ_PULL, relay.at("out"), curve_client(client_keys));
    int last = -1;
    while (last < 899) {
        const int number = std::stoi(recv(reader).at(0));
        ASSERT_GT(number, last);
        last = number;
    }
    EXPECT_LE(relay.device.connections("out").messages_lost, 1);
}

TEST_F(OnSecureWire, HandshakesFromOneAddressAreLimited) {
    wire::spec made = spec(ZMQ_PULL, ZMQ_PUSH);
    made.in.options.max_handshakes = 3;
    running relay(made);
    std::list<raw_peer> silent;
    for (int i = 0; i < 3; ++i) silent.emplace_back(relay.at("in"));
    ASSERT_TRUE(eventually([&] { return relay.device.connections("in").accepted == 3; }));
    raw_peer fourth(relay.at("in"));
    EXPECT_TRUE(fourth.ended());
    EXPECT_EQ(relay.device.connections("in").refused_handshakes, 1);
    silent.clear();
    auto client = dial(ZMQ_PUSH, relay.at("in"), curve_client(client_keys));
    EXPECT_TRUE(relay.connected("in", 1));
}

// What all threads have taken.
std::chrono::nanoseconds processor_time() {
    timespec taken{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &taken);
    return std::chrono::seconds(taken.tv_sec) + std::chrono::nanoseconds(taken.tv_nsec);
}

// Each peer says the same HELLO, which costs the device two operations on keys, and the peers nothing. The delay is the
// processor time that the device takes before it relays the message: on a busy machine, threads also wait for a processor.
TEST_F(OnSecureWire, TwoThousandHandshakesAtOnceDelayNoMessageByMoreThan50Milliseconds) {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur < 4200) GTEST_SKIP() << "too few descriptors";
    running relay(spec(ZMQ_PULL, ZMQ_PUSH));
    curve_peer source(relay.at("in"), client_keys, device_keys.public_key);
    raw_peer sink(relay.at("out"));
    sink.shake_hands(ZMQ_PULL);
    const zmtp::crypto::key_pair keys{client_keys.public_key, zmtp::crypto::secret_key(client_keys.secret_key)};
    zmtp::handshake client({ZMQ_PUSH, "", {}}, zmtp::make_curve_client(keys, device_keys.public_key));
    zmtp::greeting theirs;
    theirs.mechanism = "CURVE";
    client.feed(zmtp::encode(theirs));
    const std::string hello = client.take_output();

    std::list<raw_peer> flood;
    for (int i = 0; i < 2000; ++i) flood.emplace_back(relay.at("in"));
    ASSERT_TRUE(eventually([&] { return relay.device.connections("in").accepted == 2001; }));
    for (auto& each : flood) each.send(hello);
    std::chrono::nanoseconds longest{0};
    for (int i = 0; i < 200; ++i) {
        const std::string sealed = source.seal("now");
        const auto begin = processor_time();
        ASSERT_TRUE(source.peer().send(sealed));
        ASSERT_EQ(sink.receive(5), framed({"now"}));
        longest = std::max(longest, processor_time() - begin);
    }
    EXPECT_LE(std::chrono::duration_cast<milliseconds>(longest).count(), 50);
    for (auto& each : flood) ASSERT_GE(each.receive(64 + 2 + 168).size(), 64 + 2 + 168);  // a greeting and WELCOME
}

TEST_F(OnSecureWire, AKeyOfAnotherLengthIsRefusedByName) {
    wire::spec made = pair(ZMQ_PULL, ZMQ_PUSH);
    made.in.security = wire::curve_server{"short", {}, {}};
    try {
        wire::device device(made);
        FAIL();
    } catch (const zdev::error& fault) {
        EXPECT_EQ(fault.num(), EINVAL);
        EXPECT_STREQ(fault.what(), "device: cannot protect in: invalid key: it must have 32 bytes");
    }
}

}  // namespace
}  // namespace zdev::test
