// The counters: row 9 of the relay contract, and the invariant of zdev/statistics.hpp.

#include "support.hpp"

using namespace zdev::test;

namespace {

std::uint64_t accounted(const zdev::flow_statistics& s) { return s.messages_sent + s.malformed + s.unroutable + s.overflowed; }

}  // namespace

class Statistics : public OnTransport {};
ZDEV_ON_BOTH_TRANSPORTS(Statistics);

TEST_P(Statistics, AreZeroBeforeTheFirstRun) {
    auto in = bound(ZMQ_PULL), out = bound(ZMQ_PUSH);
    const zdev::device device(in, out);
    const auto s = device.statistics();
    EXPECT_EQ(s.state, zdev::state::idle);
    EXPECT_EQ(zdev::statistics_reply(s), (std::array<std::uint64_t, 8>{}));
}

TEST_P(Statistics, CountMessagesFramesAndBytesOfEachDirection) {
    auto in = bound(ZMQ_ROUTER), out = bound(ZMQ_DEALER), mon = bound(ZMQ_PUSH);
    auto client = peer(ZMQ_DEALER, in, named("client")), worker = peer(ZMQ_DEALER, out), watcher = peer(ZMQ_PULL, mon);
    zdev::options options;
    options.monitor.socket = mon;
    zdev::device device(in, out, options);
    background run(device);
    send(client, {"abc", "", "defg"});
    send(client, {"h"});
    recv(worker), recv(worker);
    send(worker, {"client", "xy"});
    recv(client);
    for (int i = 0; i < 3; ++i) recv(watcher);
    EXPECT_TRUE(eventually([&] { return device.statistics().out.monitor_sent == 1; }));
    const auto s = device.statistics();
    EXPECT_EQ(s.in.messages_received, 2u);
    EXPECT_EQ(s.in.frames_received, 6u);
    EXPECT_EQ(s.in.bytes_received, 2 * 6 + 8u) << "the routing id is a frame of six bytes";
    EXPECT_EQ(s.in.messages_sent, 2u);
    EXPECT_EQ(s.in.frames_sent, 6u);
    EXPECT_EQ(s.in.bytes_sent, 2 * 6 + 8u);
    EXPECT_EQ(s.in.monitor_sent, 2u);
    EXPECT_EQ(s.out.messages_received, 1u);
    EXPECT_EQ(s.out.frames_received, 2u);
    EXPECT_EQ(s.out.bytes_received, 8u);
    EXPECT_EQ(s.out.frames_sent, 2u);
    EXPECT_EQ(s.out.bytes_sent, 8u);
}

TEST_P(Statistics, CountDroppedMessagesAsReceivedAndNotAsSent) {
    auto in = bound(ZMQ_ROUTER), out = bound(ZMQ_ROUTER, mandatory);
    auto client = peer(ZMQ_DEALER, in, named("client")), worker = peer(ZMQ_DEALER, out, named("worker"));
    introduce(worker, out);
    zdev::device device(in, out);
    background run(device);
    send(client, {"short"});
    send(client, {"nobody", "x"});
    send(client, {"worker", "x"});
    recv(worker);
    EXPECT_TRUE(eventually([&] { return accounted(device.statistics().in) == 3; }));
    const auto s = device.statistics().in;
    EXPECT_EQ(s.messages_received, 3u);
    EXPECT_EQ(s.frames_received, 8u);
    EXPECT_EQ(s.bytes_received, 3 * 6 + 5 + 7 + 7u);
    EXPECT_EQ(s.frames_sent, 3u);
    EXPECT_EQ(s.bytes_sent, 6 + 6 + 1u);
}

TEST_P(Statistics, CountAPendingMessageAsReceivedAndNotAsSent) {
    auto in = bound(ZMQ_PULL, tiny), out = bound(ZMQ_PUSH, tiny);
    auto source = peer(ZMQ_PUSH, in, tiny), sink = peer(ZMQ_PULL, out, tiny);
    zdev::device device(in, out);
    int sent = 0;
    {
        background run(device);
        sent = fill(source);
    }
    const auto stopped = device.statistics().in;
    EXPECT_GE(stopped.messages_received, accounted(stopped));
    EXPECT_LE(stopped.messages_received, accounted(stopped) + 1);
    EXPECT_LT(stopped.messages_sent, static_cast<unsigned>(sent));
    background again(device);
    for (int i = 0; i < sent; ++i) ASSERT_EQ(recv(sink), numbered(i));
    EXPECT_TRUE(eventually([&] { return device.statistics().in.messages_sent == static_cast<unsigned>(sent); }));
    EXPECT_EQ(device.statistics().in.messages_received, static_cast<unsigned>(sent));
    EXPECT_EQ(device.statistics().in.bytes_received, device.statistics().in.bytes_sent);
}

TEST_P(Statistics, NeverDecreaseWhileTheDeviceRuns) {
    auto in = bound(ZMQ_PAIR), out = bound(ZMQ_PAIR);
    auto left = peer(ZMQ_PAIR, in), right = peer(ZMQ_PAIR, out);
    zdev::device device(in, out);
    background run(device);
    repeatedly from_left(chatter(left, {"a", "b"})), from_right(chatter(right, {"c"}));
    zdev::statistics last;
    EXPECT_TRUE(eventually([&] {
        const auto now = device.statistics();
        EXPECT_GE(now.in.messages_sent, last.in.messages_sent);
        EXPECT_GE(now.in.frames_received, last.in.frames_received);
        EXPECT_GE(now.out.bytes_sent, last.out.bytes_sent);
        last = now;
        return now.in.messages_sent > 1000 && now.out.messages_sent > 1000;
    }));
}

TEST_P(Statistics, CountTheTimeADirectionIsBlocked) {
    auto in = bound(ZMQ_PULL), out = bound(ZMQ_PUSH);
    auto sender = peer(ZMQ_PUSH, in);
    zdev::device device(in, out);
    background run(device);
    const auto blocked = [&] { return device.statistics().in.blocked_nanoseconds; };
    EXPECT_TRUE(eventually([&] { return device.statistics().loop_iterations > 5; }));
    EXPECT_EQ(blocked(), 0u) << "out has no peer, but no message is waiting";
    send(sender, {"x"});
    EXPECT_TRUE(eventually([&] { return blocked() > 300'000'000; })) << "out has no peer";
    EXPECT_EQ(device.statistics().out.blocked_nanoseconds, 0u);
    auto receiver = peer(ZMQ_PULL, out);
    recv(receiver);
    const auto before = blocked();
    const auto loop_iterations = device.statistics().loop_iterations;
    EXPECT_TRUE(eventually([&] { return device.statistics().loop_iterations > loop_iterations + 3; }));
    EXPECT_EQ(blocked(), before);
}

TEST_P(Statistics, DoNotCountAPauseAsBlockedTime) {
    auto in = bound(ZMQ_PULL), out = bound(ZMQ_PUSH);
    auto sender = peer(ZMQ_PUSH, in);
    zdev::device device(in, out);
    background run(device);
    send(sender, {"x"});
    EXPECT_TRUE(eventually([&] { return device.statistics().in.blocked_nanoseconds > 0; }));
    device.pause();
    EXPECT_TRUE(eventually([&] { return device.statistics().state == zdev::state::paused; }));
    const auto after_an_iteration = [&](auto value) {
        const auto loop_iterations = device.statistics().loop_iterations;
        EXPECT_TRUE(eventually([&] { return device.statistics().loop_iterations > loop_iterations + 1; }))
            << "the loop does not run while paused";
        return value();
    };
    const auto blocked = [&] { return device.statistics().in.blocked_nanoseconds; };
    const auto before = after_an_iteration(blocked);
    EXPECT_EQ(after_an_iteration(blocked), before);
}

TEST_P(Statistics, CountPendingReplies) {
    auto in = bound(ZMQ_ROUTER), out = bound(ZMQ_DEALER);
    auto client = peer(ZMQ_DEALER, in, named("client")), worker = peer(ZMQ_DEALER, out);
    zdev::device device(in, out);
    background run(device);
    const auto pending = [&] { return device.statistics().pending_replies; };
    send(client, {"a"});
    send(client, {"b"});
    recv(worker), recv(worker);
    EXPECT_TRUE(eventually([&] { return pending() == 2; }));
    send(worker, {"client", "A"});
    recv(client);
    EXPECT_TRUE(eventually([&] { return pending() == 1; }));
}

TEST_P(Statistics, CountNoPendingRepliesForPublishers) {
    auto in = bound(ZMQ_XSUB), out = bound(ZMQ_XPUB);
    auto publisher = peer(ZMQ_PUB, in), subscriber = peer(ZMQ_SUB, out);
    subscriber.set(zmq::sockopt::subscribe, "");
    zdev::device device(in, out);
    background run(device);
    EXPECT_TRUE(eventually([&] {
        send(publisher, {"news"});
        return device.statistics().in.messages_sent > 0;
    }));
    EXPECT_EQ(device.statistics().pending_replies, 0u);
}
