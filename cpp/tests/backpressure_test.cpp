// Row 4 of the relay contract: a direction that cannot send stops reading. Nothing is lost, and everything else continues.

#include <algorithm>

#include "support.hpp"

using namespace zdev::test;

// A device with a REP control socket; `ctrl` is the operator's socket.
class BackPressure : public OnTransport {
public:
    zmq::socket_t control = bound(ZMQ_REP), ctrl = peer(ZMQ_REQ, control);

    zdev::options controlled() {
        zdev::options options;
        options.control = control;
        return options;
    }
};
ZDEV_ON_BOTH_TRANSPORTS(BackPressure);

TEST_P(BackPressure, AFullReceiverHoldsTheSenderBackAndEverythingArrivesInOrder) {
    auto in = bound(ZMQ_PULL, tiny), out = bound(ZMQ_PUSH, tiny);
    auto source = peer(ZMQ_PUSH, in, tiny), sink = peer(ZMQ_PULL, out, tiny);
    zdev::device device(in, out, controlled());
    background run(device);
    const int sent = fill(source);
    const auto s = device.statistics().in;
    EXPECT_LE(s.messages_received - s.messages_sent, 1u) << "at most one message is pending";
    EXPECT_EQ(ask(ctrl, {"STATISTICS"}).size(), 8u);
    for (int i = 0; i < sent; ++i) ASSERT_EQ(recv(sink), numbered(i));
    EXPECT_TRUE(silent(sink));
}

TEST_P(BackPressure, RepliesPassWhileRequestsAreBlocked) {
    // With room for replies: a ROUTER drops a reply if it does not know yet that the client has read the one before.
    auto in = bound(ZMQ_ROUTER, [](auto& s) { tiny(s), s.set(zmq::sockopt::sndhwm, 1000); });
    auto client = peer(ZMQ_DEALER, in, [](auto& s) { tiny(s), named("client")(s), s.set(zmq::sockopt::rcvhwm, 1000); });
    auto out = bound(ZMQ_DEALER, tiny), worker = peer(ZMQ_DEALER, out, tiny);
    zdev::device device(in, out, controlled());
    background run(device);
    const int sent = fill(client);
    for (int i = 0; i < 20; ++i) {
        send(worker, {"client", "answer", std::to_string(i)});
        EXPECT_EQ(recv(client), (message{"answer", std::to_string(i)}));
    }
    EXPECT_EQ(ask(ctrl, {"STATISTICS"}).size(), 8u);
    for (int i = 0; i < sent; ++i) ASSERT_EQ(recv(worker), numbered(i, {"client"}));
}

TEST_P(BackPressure, RequestsPassWhileRepliesAreBlocked) {
    auto in = bound(ZMQ_DEALER, tiny), out = bound(ZMQ_DEALER, tiny);
    auto client = peer(ZMQ_DEALER, in, tiny), worker = peer(ZMQ_DEALER, out, tiny);
    zdev::device device(in, out, controlled());
    background run(device);
    const int sent = fill(worker);
    for (int i = 0; i < 20; ++i) {
        send(client, {"question", std::to_string(i)});
        EXPECT_EQ(recv(worker), (message{"question", std::to_string(i)}));
    }
    EXPECT_EQ(ask(ctrl, {"STATISTICS"}).size(), 8u);
    for (int i = 0; i < sent; ++i) ASSERT_EQ(recv(client), numbered(i));
}

TEST_P(BackPressure, WithBothDirectionsBlockedTheControlSocketStillWorks) {
    auto in = bound(ZMQ_PAIR, tiny), out = bound(ZMQ_PAIR, tiny);
    auto left = peer(ZMQ_PAIR, in, tiny), right = peer(ZMQ_PAIR, out, tiny);
    zdev::device device(in, out, controlled());
    background run(device);
    fill(left);
    fill(right);
    EXPECT_EQ(ask(ctrl, {"STATISTICS"}).size(), 8u);
    EXPECT_EQ(ask(ctrl, {"TERMINATE"}), message{""});
    EXPECT_EQ(run.result(), zdev::outcome::stopped);
}

TEST_P(BackPressure, OneSocketAsBothEndsLosesNothingWhenItsPeerDoesNotRead) {
    auto both = bound(ZMQ_DEALER, tiny);
    auto client = peer(ZMQ_DEALER, both, tiny);
    zdev::device device(both, both, controlled());
    background run(device);
    const int sent = fill(client);
    EXPECT_EQ(ask(ctrl, {"STATISTICS"}).size(), 8u);
    for (int i = 0; i < sent; ++i) ASSERT_EQ(recv(client), numbered(i));
}

TEST_P(BackPressure, WithoutABackendNoMessageIsRead) {
    auto in = bound(ZMQ_PULL), out = bound(ZMQ_PUSH);
    auto source = peer(ZMQ_PUSH, in);
    zdev::device device(in, out, controlled());
    {
        background run(device);
        for (int i = 0; i < 3; ++i) send(source, numbered(i));
        EXPECT_EQ(ask(ctrl, {"STATISTICS"}).size(), 8u);
        device.stop();
        EXPECT_EQ(run.result(), zdev::outcome::stopped);
    }
    EXPECT_EQ(device.statistics().in.messages_received, 0u);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(recv(in), numbered(i));
}

TEST_P(BackPressure, ABackendThatConnectsLateReceivesEveryMessage) {
    auto in = bound(ZMQ_PULL), out = bound(ZMQ_PUSH);
    auto source = peer(ZMQ_PUSH, in);
    zdev::device device(in, out, controlled());
    background run(device);
    for (int i = 0; i < 3; ++i) send(source, numbered(i));
    EXPECT_EQ(ask(ctrl, {"STATISTICS"}).size(), 8u);
    auto sink = peer(ZMQ_PULL, out);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(recv(sink), numbered(i));
}

TEST_P(BackPressure, AStopOfABlockedDeviceIsImmediateAndTheNextRunSendsTheRest) {
    auto in = bound(ZMQ_PULL, tiny), out = bound(ZMQ_PUSH, tiny);
    auto source = peer(ZMQ_PUSH, in, tiny), sink = peer(ZMQ_PULL, out, tiny);
    zdev::device device(in, out, controlled());
    int sent = 0;
    {
        background run(device);
        sent = fill(source);
        device.stop();
        EXPECT_EQ(run.result(), zdev::outcome::stopped);
    }
    background again(device);
    for (int i = 0; i < sent; ++i) ASSERT_EQ(recv(sink), numbered(i));
}

TEST_P(BackPressure, ASlowReaderReceivesEveryMessageOfAFastWriter) {
    auto in = bound(ZMQ_ROUTER, tiny), out = bound(ZMQ_DEALER, tiny);
    auto client = peer(ZMQ_DEALER, in, [](auto& s) { tiny(s), named("client")(s); }), worker = peer(ZMQ_DEALER, out, tiny);
    zdev::device device(in, out);
    background run(device);
    constexpr int all = 1000;
    auto writer = std::async(std::launch::async, [&] {
        for (int i = 0; i < all; ++i) send(client, {std::to_string(i), "a", "b"});
    });
    for (int i = 0; i < all; ++i) ASSERT_EQ(recv(worker), (message{"client", std::to_string(i), "a", "b"}));
    writer.get();
}

TEST_P(BackPressure, ACommandIsAnsweredWithin100MillisecondsUnderFullLoad) {
    auto in = bound(ZMQ_PAIR), out = bound(ZMQ_PAIR);
    auto left = peer(ZMQ_PAIR, in), right = peer(ZMQ_PAIR, out);
    zdev::device device(in, out, controlled());
    background run(device);
    repeatedly from_left(chatter(left, {"load"})), from_right(chatter(right, {"load"}));
    EXPECT_TRUE(eventually([&] { return device.statistics().out.messages_sent > 1000; }));
    auto fastest = std::chrono::steady_clock::duration::max();  // slower ones may have waited for a core, not for the device
    for (int i = 0; i < 20; ++i) {
        const auto start = std::chrono::steady_clock::now();
        EXPECT_EQ(ask(ctrl, {"STATISTICS"}).size(), 8u);
        fastest = std::min(fastest, std::chrono::steady_clock::now() - start);
    }
    EXPECT_LT(fastest, 100ms);
}
