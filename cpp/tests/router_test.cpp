// Rows 2, 3 and 3b of the relay contract: swapped routing ids between ROUTERs, and messages that a ROUTER cannot deliver.

#include "support.hpp"

using namespace zdev::test;

class RouterToRouter : public OnTransport {
public:
    zmq::socket_t in = bound(ZMQ_ROUTER, mandatory), out = bound(ZMQ_ROUTER, mandatory);
    zmq::socket_t client = peer(ZMQ_DEALER, in, named("client")), worker = peer(ZMQ_DEALER, out, named("worker"));

    void SetUp() override {
        introduce(client, in);
        introduce(worker, out);
    }
};
ZDEV_ON_BOTH_TRANSPORTS(RouterToRouter);

TEST_P(RouterToRouter, TheReceiverGetsTheRoutingIdOfTheSender) {
    zdev::device device(in, out);
    background run(device);
    send(client, {"worker", "", "a", "question"});
    EXPECT_EQ(recv(worker), (message{"client", "", "a", "question"}));
    send(worker, {"client", "", "an", "answer"});
    EXPECT_EQ(recv(client), (message{"worker", "", "an", "answer"}));
}

TEST_P(RouterToRouter, AnEmptyFrameCountsAsContent) {
    zdev::device device(in, out);
    background run(device);
    send(client, {"worker", ""});
    EXPECT_EQ(recv(worker), (message{"client", ""}));
}

TEST_P(RouterToRouter, AShortEnvelopeIsDroppedAndTheNextMessageArrivesWhole) {
    zdev::device device(in, out);
    background run(device);
    const std::vector<message> shorts = {{""}, {"x"}, {"worker"}, {"client"}};
    for (const auto& parts : shorts) {
        send(client, parts);
        send(client, {"worker", "good"});
        EXPECT_EQ(recv(worker), (message{"client", "good"}));
        send(worker, parts);
        send(worker, {"client", "good"});
        EXPECT_EQ(recv(client), (message{"worker", "good"}));
    }
    EXPECT_EQ(device.statistics().in.malformed, shorts.size());
    EXPECT_EQ(device.statistics().out.malformed, shorts.size());
}

TEST_P(RouterToRouter, ARoutingIdOfInvalidLengthIsMalformed) {  // routing ids have 1 to 255 bytes
    zdev::device device(in, out);
    background run(device);
    send(client, {"", "x"});
    send(client, {std::string(256, 'w'), "x"});
    send(client, {std::string(255, 'w'), "x"});
    send(client, {"worker", "good"});
    EXPECT_EQ(recv(worker), (message{"client", "good"}));
    EXPECT_EQ(device.statistics().in.malformed, 2u);
    EXPECT_EQ(device.statistics().in.unroutable, 1u);
}

TEST_P(RouterToRouter, AnUnroutableMessageIsDroppedAndCountedAndTheDeviceContinues) {
    zdev::device device(in, out);
    background run(device);
    for (int i = 0; i < 3; ++i) send(client, {"nobody", "a", "b", "c"});
    send(client, {"worker", "good"});
    EXPECT_EQ(recv(worker), (message{"client", "good"}));
    send(worker, {"nobody", "x"});
    send(worker, {"client", "good"});
    EXPECT_EQ(recv(client), (message{"worker", "good"}));
    EXPECT_TRUE(eventually([&] { return device.statistics().in.messages_sent == 1; }));
    EXPECT_TRUE(eventually([&] { return device.statistics().out.messages_sent == 1; }));
    EXPECT_EQ(device.statistics().in.unroutable, 3u);
    EXPECT_EQ(device.statistics().out.unroutable, 1u);
}

class RouterToDealer : public OnTransport {};
ZDEV_ON_BOTH_TRANSPORTS(RouterToDealer);

TEST_P(RouterToDealer, AReplyToADisconnectedClientIsDroppedAndCounted) {
    auto in = bound(ZMQ_ROUTER, mandatory), out = bound(ZMQ_DEALER);
    auto client = peer(ZMQ_DEALER, in, named("client")), worker = peer(ZMQ_DEALER, out);
    zdev::device device(in, out);
    background run(device);
    send(client, {"question"});
    EXPECT_EQ(recv(worker), (message{"client", "question"}));
    client.close();
    // Until the ROUTER has noticed the disconnection, it still accepts messages to the client.
    EXPECT_TRUE(eventually([&] { return send(worker, {"client", "answer"}), device.statistics().out.unroutable > 0; }));
    auto next = peer(ZMQ_DEALER, in, named("next"));
    send(next, {"question"});
    EXPECT_EQ(recv(worker), (message{"next", "question"}));
    send(worker, {"next", "answer"});
    EXPECT_EQ(recv(next), (message{"answer"}));
}

TEST_P(RouterToDealer, AReplyWithoutAnEnvelopeIsDroppedAndCounted) {
    auto in = bound(ZMQ_ROUTER, mandatory), out = bound(ZMQ_DEALER);
    auto client = peer(ZMQ_DEALER, in, named("client")), worker = peer(ZMQ_DEALER, out);
    introduce(client, in);
    zdev::device device(in, out);
    background run(device);
    send(worker, {"client"});  // libzmq would accept it silently
    send(worker, {"client", "good"});
    EXPECT_EQ(recv(client), (message{"good"}));
    EXPECT_TRUE(eventually([&] { return device.statistics().out.messages_sent == 1; }));
    EXPECT_EQ(device.statistics().out.malformed, 1u);
}

TEST_P(RouterToDealer, WithoutMandatoryLibzmqDropsOnlyUnroutableMessages) {
    auto in = bound(ZMQ_ROUTER), out = bound(ZMQ_DEALER);
    auto client = peer(ZMQ_DEALER, in, named("client")), worker = peer(ZMQ_DEALER, out);
    introduce(client, in);
    zdev::device device(in, out);
    background run(device);
    send(worker, {"nobody", "lost"});
    send(worker, {"client", "good"});
    EXPECT_EQ(recv(client), (message{"good"}));
    EXPECT_EQ(device.statistics().out.unroutable, 0u);
}

// A feeder that addresses two workers at a ROUTER; `full` does not read, so its queue is soon full.
class OneFullPeer : public OnTransport {
public:
    zmq::socket_t in = bound(ZMQ_DEALER, tiny), out = bound(ZMQ_ROUTER, [](auto& s) { tiny(s), mandatory(s); });
    zmq::socket_t feeder = peer(ZMQ_DEALER, in, tiny), full = peer(ZMQ_DEALER, out, [](auto& s) { tiny(s), named("full")(s); }),
                  free = peer(ZMQ_DEALER, out, named("free"));

    void SetUp() override {
        introduce(full, out);
        introduce(free, out);
    }
};
ZDEV_ON_BOTH_TRANSPORTS(OneFullPeer);

TEST_P(OneFullPeer, BlocksItsDirectionAndLosesNothingByDefault) {
    zdev::device device(in, out);
    background run(device);
    const int sent = fill(feeder, {"full"});
    ASSERT_GT(sent, 1);
    send(free, {"the other way"});
    EXPECT_EQ(recv(feeder), (message{"free", "the other way"}));
    for (int i = 0; i < sent; ++i) ASSERT_EQ(recv(full), numbered(i));
    EXPECT_EQ(device.statistics().in.overflowed, 0u);
    EXPECT_EQ(device.statistics().in.unroutable, 0u);
}

TEST_P(OneFullPeer, LosesWholeMessagesAndCountsThemIfOnFullIsDrop) {
    zdev::options options;
    options.on_full = zdev::on_full::drop;
    zdev::device device(in, out, options);
    background run(device);
    int sent = 0;
    while (device.statistics().in.overflowed == 0 && sent < 10000) send(feeder, numbered(sent++, {"full"}));
    send(feeder, {"free", "not held back"});
    EXPECT_EQ(recv(free), (message{"not held back"}));
    const auto gone = [&](const auto& s) { return s.messages_sent + s.overflowed; };
    EXPECT_TRUE(eventually([&] { return gone(device.statistics().in) == sent + 1u; }));
    const auto s = device.statistics().in;
    int last = -1;
    for (std::uint64_t n = 1; n < s.messages_sent; ++n) {
        const auto got = recv(full);
        ASSERT_EQ(got, numbered(std::stoi(got[0])));
        ASSERT_GT(std::stoi(got[0]), last);
        last = std::stoi(got[0]);
    }
    EXPECT_TRUE(silent(full));
}

TEST_P(OneFullPeer, NoLongerBlocksItsDirectionAfterItDisconnects) {
    zdev::device device(in, out);
    background run(device);
    fill(feeder, {"full"});
    full.close();
    send(feeder, {"free", "good"});
    EXPECT_EQ(recv(free), (message{"good"}));
}
