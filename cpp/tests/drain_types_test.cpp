// Row 10 of the relay contract: what a drain waits for depends on the socket types and on pending messages.

#include "support.hpp"

using namespace zdev::test;
using zdev::outcome;

class DrainOf : public OnInproc {};

TEST_F(DrainOf, OneWayPairsEndsAtOnce) {
    using pair = std::pair<int, int>;
    for (const auto& [in_type, out_type] : {pair(ZMQ_PULL, ZMQ_PUSH), pair(ZMQ_SUB, ZMQ_PUB), pair(ZMQ_XSUB, ZMQ_XPUB)}) {
        auto in = bound(in_type), out = bound(out_type);
        zdev::device device(in, out);
        background run(device);
        device.drain(-1ms);
        EXPECT_EQ(run.result(), outcome::drained) << in_type;
    }
}

TEST_F(DrainOf, PublishedMessagesWaitsForNoReply) {
    auto in = bound(ZMQ_XSUB), out = bound(ZMQ_XPUB);
    auto publisher = peer(ZMQ_XPUB, in), subscriber = peer(ZMQ_SUB, out);
    zdev::device device(in, out);
    background run(device);
    subscriber.set(zmq::sockopt::subscribe, "");
    recv(publisher);
    for (int i = 0; i < 3; ++i) send(publisher, numbered(i));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(recv(subscriber), numbered(i));
    device.drain(-1ms);
    EXPECT_EQ(run.result(), outcome::drained);
}

TEST_F(DrainOf, RepReqWaitsForThePendingReply) {
    auto in = bound(ZMQ_REP), out = bound(ZMQ_REQ);
    auto client = peer(ZMQ_REQ, in), worker = peer(ZMQ_REP, out);
    zdev::device device(in, out);
    background run(device);
    send(client, {"question"});
    recv(worker);
    begin_drain(device, -1ms);
    EXPECT_FALSE(run.over(a_moment));
    send(worker, {"answer"});
    EXPECT_EQ(recv(client), message{"answer"});
    EXPECT_EQ(run.result(), outcome::drained);
}

TEST_F(DrainOf, DroppedRequestsWaitsForNoReply) {
    auto in = bound(ZMQ_ROUTER), out = bound(ZMQ_ROUTER, mandatory);
    auto client = peer(ZMQ_DEALER, in);
    zdev::device device(in, out);
    background run(device);
    send(client, {"malformed"});
    send(client, {"nobody", "unroutable"});
    EXPECT_TRUE(eventually([&] { return device.statistics().in.unroutable == 1; }));
    device.drain(-1ms);
    EXPECT_EQ(run.result(), outcome::drained);
}

TEST_F(DrainOf, APendingMessageSendsItBeforeTheEnd) {
    auto in = bound(ZMQ_PULL, tiny), out = bound(ZMQ_PUSH, tiny);
    auto source = peer(ZMQ_PUSH, in, tiny), sink = peer(ZMQ_PULL, out, tiny);
    zdev::device device(in, out);
    background run(device);
    fill(source);
    const auto received = device.statistics().in.messages_received;
    ASSERT_EQ(device.statistics().in.messages_sent, received - 1);
    begin_drain(device, -1ms);
    EXPECT_FALSE(run.over(a_moment));
    for (std::uint64_t i = 0; i < received; ++i) EXPECT_EQ(recv(sink), numbered(static_cast<int>(i)));
    EXPECT_EQ(run.result(), outcome::drained);
    EXPECT_TRUE(silent(sink));
}

TEST_F(DrainOf, APendingReplyDeliversItBeforeTheEnd) {
    auto in = bound(ZMQ_DEALER, tiny), out = bound(ZMQ_DEALER, tiny);
    auto client = peer(ZMQ_DEALER, in, tiny), worker = peer(ZMQ_DEALER, out, tiny);
    zdev::device device(in, out);
    background run(device);
    fill(worker);
    begin_drain(device, -1ms);
    EXPECT_FALSE(run.over(a_moment));
    for (int next = 0; !run.over(0ms);) {
        const auto reply = try_recv(client, 10ms);
        EXPECT_TRUE(!reply || reply == numbered(next++));
    }
    EXPECT_EQ(run.result(), outcome::drained);
    EXPECT_EQ(device.statistics().out.messages_sent, device.statistics().out.messages_received);
}

TEST_F(DrainOf, APendingMessageKeepsItAfterTheTimeout) {
    auto in = bound(ZMQ_PULL, tiny), out = bound(ZMQ_PUSH, tiny);
    auto source = peer(ZMQ_PUSH, in, tiny), sink = peer(ZMQ_PULL, out, tiny);
    zdev::device device(in, out);
    int sent = 0;
    {
        background run(device);
        sent = fill(source);
        device.drain(50ms);
        run.result();
    }
    background again(device);
    for (int i = 0; i < sent; ++i) ASSERT_EQ(recv(sink), numbered(i));
}

TEST_F(DrainOf, TwoRoutersWaitsForTheReplyToEachPeerAtIn) {
    auto in = bound(ZMQ_ROUTER, mandatory), out = bound(ZMQ_ROUTER, mandatory);
    auto worker = peer(ZMQ_DEALER, out, named("worker"));
    auto anna = peer(ZMQ_DEALER, in, named("anna")), ben = peer(ZMQ_DEALER, in, named("ben"));
    introduce(worker, out);
    zdev::device device(in, out);
    background run(device);
    for (auto* client : {&anna, &ben}) {
        send(*client, {"worker", "question"});
        recv(worker);
    }
    for (int i = 0; i < 2; ++i) {
        send(worker, {"anna", "answer"});
        recv(anna);
    }
    EXPECT_EQ(device.statistics().pending_replies, 1u);
    send(worker, {"ben", "answer"});
    EXPECT_EQ(recv(ben), (message{"worker", "answer"}));
    EXPECT_TRUE(eventually([&] { return device.statistics().pending_replies == 0; }));
}
