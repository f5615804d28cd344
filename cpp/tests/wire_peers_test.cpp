// The peers of a device: who they are, what has passed, how they are, and how one of them is ended.

#include <malloc.h>

#include "wire_support.hpp"

namespace zdev::test {
namespace {

using wire::peer_state;
using wire::peer_status;

std::vector<peer_status> peers_of(const running& device, const std::string& role) {
    std::vector<peer_status> found = device.device.peers();
    found.erase(std::remove_if(found.begin(), found.end(), [&](const auto& each) { return each.role != role; }), found.end());
    return found;
}

bool comes_to(const running& device, const std::string& role, peer_state state) {
    return eventually([&] {
        const auto found = peers_of(device, role);
        return found.size() == 1 && found[0].state == state;
    });
}

sockets::setup named(const std::string& id) {
    return [id](zmq::socket_t& socket) { socket.set(zmq::sockopt::routing_id, id); };
}

TEST_F(OnWire, EachPeerIsShownWithWhatItIsAndWhatHasPassed) {
    running device(pair(ZMQ_ROUTER, ZMQ_DEALER));
    const auto begun = std::chrono::system_clock::now();
    auto client = dial(ZMQ_DEALER, device.at("in"), named("anna"));
    auto worker = dial(ZMQ_REP, device.at("out"));
    for (int i = 0; i < 3; ++i) send(client, {"", "question"});
    recv(worker);
    send(worker, {"answer"});
    EXPECT_EQ(recv(client), (message{"", "answer"}));

    auto found = device.device.peers();
    ASSERT_EQ(found.size(), 2);
    const auto &anna = found[0], &rep = found[1];
    EXPECT_EQ(anna.role, "in");
    EXPECT_EQ(anna.state, peer_state::up);
    EXPECT_EQ(anna.address.rfind("tcp://127.0.0.1:", 0), 0) << anna.address;
    EXPECT_NE(anna.address, anna.endpoint);
    EXPECT_EQ(anna.endpoint, device.at("in"));
    EXPECT_EQ(anna.routing_id, "anna");
    EXPECT_EQ(anna.socket_type, "DEALER");
    EXPECT_EQ(anna.protocol, "ZMTP 3.1");
    EXPECT_TRUE(anna.since >= begun && anna.since <= std::chrono::system_clock::now());
    EXPECT_EQ(anna.messages_received, 3);
    EXPECT_GT(anna.bytes_received, 3 * std::string("question").size());
    EXPECT_EQ(anna.messages_sent, 1);
    EXPECT_GT(anna.bytes_sent, 64);
    EXPECT_EQ(anna.in_flight, 2);
    EXPECT_EQ(rep.role, "out");
    EXPECT_EQ(rep.socket_type, "REP");
    EXPECT_EQ(rep.messages_sent, 3);
    EXPECT_EQ(rep.messages_received, 1);
    EXPECT_EQ(rep.in_flight, 2);
    EXPECT_TRUE(rep.number > 0 && rep.number != anna.number);
}

TEST_F(OnWire, APeerOverIpcIsShownByItsProcess) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.in.binds = {"ipc://*"};
    running device(spec);
    auto source = dial(ZMQ_PUSH, device.at("in"));
    ASSERT_TRUE(device.connected("in", 1));
    EXPECT_EQ(peers_of(device, "in").at(0).address, "pid:" + std::to_string(::getpid()));
}

TEST_F(OnWire, AConnectWithoutAConnectionIsShownWithItsFailure) {
    auto sink = unbound(ZMQ_PULL);
    sink.bind("tcp://127.0.0.1:*");
    const reserved refusing(false);
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.out->binds = {};
    spec.out->connects = {refusing.endpoint(), sink.get(zmq::sockopt::last_endpoint)};
    spec.out->options.reconnect_ivl = 60s;
    running device(spec);
    ASSERT_TRUE(device.connected("out", 1));
    ASSERT_TRUE(eventually([&] { return peers_of(device, "out").at(1).state == peer_state::retrying; }));
    const auto found = peers_of(device, "out");
    ASSERT_EQ(found.size(), 2);
    EXPECT_EQ(found[0].state, peer_state::up);
    EXPECT_EQ(found[0].endpoint, spec.out->connects[1]);
    EXPECT_EQ(found[1].number, 0);
    EXPECT_EQ(found[1].address, refusing.endpoint());
    EXPECT_EQ(found[1].failure, "connection refused");
    ASSERT_TRUE(found[1].retry_in);
    EXPECT_LE(*found[1].retry_in, 60s);
    EXPECT_FALSE(found[1].since);
}

TEST_F(OnWire, PeersAreShownWhilePausedAndNotBeforeOrAfterTheRun) {
    wire::device idle(pair(ZMQ_PULL, ZMQ_PUSH));
    EXPECT_TRUE(idle.peers().empty());
    running device(pair(ZMQ_PULL, ZMQ_PUSH));
    auto source = dial(ZMQ_PUSH, device.at("in"));
    ASSERT_TRUE(device.connected("in", 1));
    device.device.pause();
    EXPECT_EQ(device.device.peers().size(), 1);
    device.stop();
    EXPECT_TRUE(device.device.peers().empty());
    EXPECT_FALSE(device.device.kick(1));
}

TEST_F(OnWire, TheStateOfAPeerSaysWhyNoMessagePasses) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUB);
    spec.out->options.sndhwm = 5;
    spec.out->options.xpub_nodrop = true;
    spec.in.options.linger = spec.out->options.linger = 0ms;
    running device(spec);
    raw_peer source(device.at("in"));
    ASSERT_TRUE(comes_to(device, "in", peer_state::handshake));
    EXPECT_EQ(peers_of(device, "in")[0].socket_type, "");
    source.shake_hands(ZMQ_PUSH);
    ASSERT_TRUE(comes_to(device, "in", peer_state::up));
    raw_peer slow(device.at("out"));
    slow.shake_hands(ZMQ_SUB);
    std::string wish;
    zmtp::append_subscription(wish, 1, {true, ""});
    slow.send(wish);
    ASSERT_TRUE(eventually([&] { return peers_of(device, "out").at(0).subscriptions == 1; }));
    const std::string large = framed({std::string(1000000, 'x')});
    ASSERT_TRUE(eventually([&] {
        source.send_now(large);
        return peers_of(device, "in").at(0).state == peer_state::held;
    }));
    const auto subscriber = peers_of(device, "out").at(0);
    EXPECT_EQ(subscriber.state, peer_state::blocked);
    EXPECT_GE(subscriber.waiting, 5);
    EXPECT_EQ(subscriber.messages_sent + subscriber.waiting, peers_of(device, "in").at(0).messages_received);
    EXPECT_TRUE(
        eventually([&] { return device.device.connections("in").held == 1 && device.device.connections("out").blocked == 1; }));
    raw_peer silent(device.at("in"));
    EXPECT_TRUE(eventually([&] { return device.device.connections("in").shaking_hands == 1; }));
    device.stop();
    const auto in = device.device.connections("in"), out = device.device.connections("out");
    EXPECT_EQ(in.connections + in.shaking_hands + in.held + out.connections + out.blocked, 0);
}

TEST_F(OnWire, WhatWasDroppedIsCountedForThePeerThatSentItOrWasFull) {
    auto spec = pair(ZMQ_ROUTER, ZMQ_DEALER);
    spec.in.options.sndhwm = 5;
    spec.on_full = on_full::drop;
    running device(spec);
    raw_peer slow(device.at("in"));
    slow.shake_hands(ZMQ_DEALER, "slow");
    auto worker = dial(ZMQ_DEALER, device.at("out"));
    ASSERT_TRUE(device.connected("in", 1) && device.connected("out", 1));
    send(worker, {"no envelope"});
    send(worker, {"nobody", "x"});
    ASSERT_TRUE(eventually([&] {
        send(worker, {"slow", std::string(100000, 'x')});
        return peers_of(device, "in").at(0).overflowed > 0;
    }));
    EXPECT_EQ(peers_of(device, "in").at(0).malformed + peers_of(device, "in").at(0).unroutable, 0);
    EXPECT_EQ(peers_of(device, "out").at(0).malformed, 1);
    EXPECT_EQ(peers_of(device, "out").at(0).unroutable, 1);
}

TEST_F(OnWire, AKickEndsOneConnectionAndIsCounted) {
    running device(pair(ZMQ_PULL, ZMQ_PUSH));
    raw_peer first(device.at("in")), second(device.at("in"));
    first.shake_hands(ZMQ_PUSH);
    second.shake_hands(ZMQ_PUSH);
    ASSERT_TRUE(device.connected("in", 2));
    const auto found = peers_of(device, "in");
    EXPECT_FALSE(device.device.kick(found[0].number + found[1].number));
    EXPECT_FALSE(device.device.kick(0));
    EXPECT_TRUE(device.device.kick(found[0].number));
    EXPECT_TRUE(first.ended());
    EXPECT_TRUE(device.connected("in", 1));
    EXPECT_FALSE(device.device.kick(found[0].number));
    EXPECT_EQ(device.device.connections("in").kicked, 1);
    EXPECT_EQ(peers_of(device, "in").at(0).number, found[1].number);
}

TEST_F(OnWire, AConnectThatWasKickedConnectsAgainUnderANewNumber) {
    auto sink = unbound(ZMQ_PULL);
    sink.bind("tcp://127.0.0.1:*");
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.out->binds = {};
    spec.out->connects = {sink.get(zmq::sockopt::last_endpoint)};
    spec.out->options.reconnect_ivl = 10ms;
    running device(spec);
    ASSERT_TRUE(device.connected("out", 1));
    const auto before = peers_of(device, "out").at(0).number;
    EXPECT_TRUE(device.device.kick(before));
    EXPECT_TRUE(eventually([&] {
        const auto now = peers_of(device, "out").at(0);
        return now.state == peer_state::up && now.number > before;
    }));
}

TEST_F(OnWire, MessagesThatWaitForAKickedReceiverGoToAnother) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    running device(spec);
    auto source = dial(ZMQ_PUSH, device.at("in"));
    raw_peer stuck(device.at("out"));
    stuck.shake_hands(ZMQ_PULL);
    ASSERT_TRUE(device.connected("in", 1) && device.connected("out", 1));
    const auto waits = [&] {
        send(source, {std::string(100000, 'x')});
        return peers_of(device, "out").at(0).waiting >= 10;
    };
    ASSERT_TRUE(eventually(waits));
    const auto receiver = peers_of(device, "out").at(0);
    auto sink = dial(ZMQ_PULL, device.at("out"));
    ASSERT_TRUE(device.connected("out", 2));
    EXPECT_TRUE(device.device.kick(receiver.number));
    for (std::uint64_t i = 1; i < receiver.waiting; ++i) EXPECT_EQ(recv(sink).at(0).size(), 100000);
}

TEST_F(OnWire, PeersAreShownUnderLoadToManyThreads) {
    running device(pair(ZMQ_PULL, ZMQ_PUSH));
    auto source = dial(ZMQ_PUSH, device.at("in"));
    auto sink = dial(ZMQ_PULL, device.at("out"));
    ASSERT_TRUE(device.connected("in", 1) && device.connected("out", 1));
    const load stream(source, sink);
    std::vector<std::thread> threads;
    std::atomic<int> complete{0};
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int n = 0; n < 100; ++n) complete += device.device.peers().size() == 2 ? 1 : 0;
        });
    }
    for (auto& each : threads) each.join();
    EXPECT_EQ(complete, 400);
}

TEST_F(OnWire, ALoopThatDoesNotAnswerIsAnErrorAndTheAnswerIsNotMadeLater) {
    std::atomic<bool> stuck{true}, seen{false};
    wire::device device(pair(ZMQ_PULL, ZMQ_PUSH));
    const auto check = [&] {
        seen = true;
        while (stuck) std::this_thread::sleep_for(1ms);
    };
    background run([&] { return device.run(check); }, [&] { stuck = false, device.stop(); });
    ASSERT_TRUE(eventually([&] { return seen.load(); }));
    try {
        device.peers(10ms);
        ADD_FAILURE() << "no error";
    } catch (const error& fault) {
        EXPECT_EQ(fault.num(), ETIMEDOUT);
    }
    stuck = false;
    EXPECT_TRUE(device.peers().empty());
}

TEST_F(OnWire, TheInterruptCheckMayAskForThePeers) {
    std::atomic<bool> asked{false};
    wire::device device(pair(ZMQ_PULL, ZMQ_PUSH));
    background run([&] { return device.run([&] { asked = device.peers().empty(); }); }, [&] { device.stop(); });
    EXPECT_TRUE(eventually([&] { return asked.load(); }));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_F(OnWire, AnIdleConnectionTakesLessThanFourKilobytes) {
    constexpr std::size_t count = 200;
    running device(pair(ZMQ_ROUTER, ZMQ_DEALER));
    std::vector<std::unique_ptr<raw_peer>> idle;
    const auto join = [&](std::size_t peers) {
        while (idle.size() < peers) {
            idle.push_back(std::make_unique<raw_peer>(device.at("in")));
            idle.back()->shake_hands(ZMQ_DEALER);
        }
        return device.connected("in", peers);
    };
    ASSERT_TRUE(join(10));  // what is allocated once
    const std::size_t before = ::mallinfo2().uordblks;
    ASSERT_TRUE(join(10 + count));
    EXPECT_LT((::mallinfo2().uordblks - before) / count, 4096);
}
#endif

}  // namespace
}  // namespace zdev::test
