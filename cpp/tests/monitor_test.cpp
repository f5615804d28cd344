// Rows 6 and 7 of the relay contract: the copies that a monitor receives, and its effect on the data path.

#include "support.hpp"

using namespace zdev::test;

namespace {

zdev::options watched(zmq::socket_ref mon, zdev::on_full on_full = zdev::on_full::block) {
    zdev::options options;
    options.monitor.socket = mon;
    options.monitor.on_full = on_full;
    return options;
}

void mandatory_and_tiny(zmq::socket_t& router) {
    mandatory(router);
    tiny(router);
}

void tiny_worker(zmq::socket_t& dealer) {
    named("worker")(dealer);
    tiny(dealer);
}

}  // namespace

class Monitor : public OnTransport {};
ZDEV_ON_BOTH_TRANSPORTS(Monitor);

TEST_P(Monitor, ReceivesEveryMessageAfterThePrefixOfItsDirection) {
    auto in = bound(ZMQ_ROUTER), out = bound(ZMQ_DEALER), mon = bound(ZMQ_PUSH);
    auto client = peer(ZMQ_REQ, in, named("client")), worker = peer(ZMQ_REP, out), watcher = peer(ZMQ_PULL, mon);
    zdev::device device(in, out, watched(mon));
    background run(device);
    send(client, {"a", "", "question"});
    recv(worker);
    EXPECT_EQ(recv(watcher), (message{"in", "client", "", "a", "", "question"}));
    send(worker, {"answer"});
    recv(client);
    EXPECT_EQ(recv(watcher), (message{"out", "client", "", "answer"}));
}

TEST_P(Monitor, ReceivesSwappedFramesAsForwarded) {
    auto in = bound(ZMQ_ROUTER), out = bound(ZMQ_ROUTER), mon = bound(ZMQ_PUSH);
    auto client = peer(ZMQ_DEALER, in, named("client")), worker = peer(ZMQ_DEALER, out, named("worker")),
         watcher = peer(ZMQ_PULL, mon);
    introduce(worker, out);
    zdev::device device(in, out, watched(mon));
    background run(device);
    send(client, {"worker", "content"});
    EXPECT_EQ(recv(watcher), (message{"in", "worker", "client", "content"}));
}

TEST_P(Monitor, ReceivesNoFrameOfADroppedMessage) {
    auto in = bound(ZMQ_ROUTER), out = bound(ZMQ_ROUTER, mandatory), mon = bound(ZMQ_PUSH);
    auto client = peer(ZMQ_DEALER, in, named("client")), worker = peer(ZMQ_DEALER, out, named("worker")),
         watcher = peer(ZMQ_PULL, mon);
    introduce(worker, out);
    zdev::device device(in, out, watched(mon));
    background run(device);
    send(client, {"malformed"});
    send(client, {"nobody", "unroutable"});
    send(client, {"worker", "good"});
    EXPECT_EQ(recv(watcher), (message{"in", "worker", "client", "good"}));
    EXPECT_TRUE(silent(watcher));
    EXPECT_TRUE(eventually([&] { return device.statistics().in.monitor_sent == 1; }));
}

TEST_P(Monitor, ReceivesDroppedMessagesAfterTheirPrefixOnRequest) {
    auto in = bound(ZMQ_ROUTER), out = bound(ZMQ_ROUTER, mandatory), mon = bound(ZMQ_PUSH);
    auto client = peer(ZMQ_DEALER, in, named("client")), worker = peer(ZMQ_DEALER, out, named("worker")),
         watcher = peer(ZMQ_PULL, mon);
    introduce(worker, out);
    auto options = watched(mon);
    options.monitor.dropped_prefix = "dropped";
    zdev::device device(in, out, options);
    background run(device);
    send(client, {"malformed"});
    send(client, {"nobody", "first", "", "last"});
    send(client, {"worker", "good"});
    EXPECT_EQ(recv(watcher), (message{"dropped", "nobody", "client", "first", "", "last"}));
    EXPECT_EQ(recv(watcher), (message{"in", "worker", "client", "good"}));
    EXPECT_TRUE(silent(watcher));
    EXPECT_TRUE(eventually([&] { return device.statistics().in.monitor_sent == 2; }));
    EXPECT_EQ(device.statistics().in.unroutable, 1u);
    EXPECT_EQ(device.statistics().in.malformed, 1u);
}

TEST_P(Monitor, ReceivesMessagesThatOverflowAfterThePrefixOfDroppedOnes) {
    auto in = bound(ZMQ_DEALER), out = bound(ZMQ_ROUTER, mandatory_and_tiny), mon = bound(ZMQ_PUSH);
    auto client = peer(ZMQ_DEALER, in), worker = peer(ZMQ_DEALER, out, tiny_worker), watcher = peer(ZMQ_PULL, mon);
    introduce(worker, out);
    auto options = watched(mon);
    options.on_full = zdev::on_full::drop;
    options.monitor.dropped_prefix = "dropped";
    zdev::device device(in, out, options);
    background run(device);
    const std::string content(10000, 'x');
    std::uint64_t sent = 0;
    for (message copy{"in"}; copy[0] == "in" && sent < 100000; ++sent) {
        send(client, {"worker", content});
        copy = recv(watcher);
        ASSERT_EQ(copy, (message{copy[0], "worker", content}));
    }
    EXPECT_TRUE(eventually([&] { return device.statistics().in.monitor_sent == sent; }));
    EXPECT_EQ(device.statistics().in.overflowed, 1u);
}

TEST_P(Monitor, SubscribersToDroppedMessagesAloneReceiveThem) {
    auto in = bound(ZMQ_DEALER), out = bound(ZMQ_ROUTER, mandatory), mon = bound(ZMQ_XPUB);
    auto client = peer(ZMQ_DEALER, in), worker = peer(ZMQ_DEALER, out, named("worker")), watcher = peer(ZMQ_SUB, mon);
    introduce(worker, out);
    watcher.set(zmq::sockopt::subscribe, "dropped");
    recv(mon);  // the subscription has arrived before the device starts
    auto options = watched(mon);
    options.monitor.dropped_prefix = "dropped";
    zdev::device device(in, out, options);
    background run(device);
    for (int i = 0; i < 3; ++i) {  // the copies of the first that was sent on are refused, the next dropped one is not
        send(client, {"worker", "sent on"});
        EXPECT_EQ(recv(worker), message{"sent on"});
        send(client, {"nobody", std::to_string(i)});
        EXPECT_EQ(recv(watcher), (message{"dropped", "nobody", std::to_string(i)}));
    }
    EXPECT_TRUE(eventually([&] { return device.statistics().in.monitor_sent == 3; }));
}

TEST_P(Monitor, ReceivesSubscriptionsSentUpstream) {
    auto in = bound(ZMQ_XSUB), out = bound(ZMQ_XPUB), mon = bound(ZMQ_PUSH);
    auto publisher = peer(ZMQ_XPUB, in), subscriber = peer(ZMQ_SUB, out), watcher = peer(ZMQ_PULL, mon);
    zdev::device device(in, out, watched(mon));
    background run(device);
    subscriber.set(zmq::sockopt::subscribe, "topic");
    EXPECT_EQ(recv(watcher), (message{"out", "\1topic"}));
}

TEST_P(Monitor, SubscribersChooseADirectionByItsPrefix) {
    auto in = bound(ZMQ_PAIR), out = bound(ZMQ_PAIR), mon = bound(ZMQ_XPUB);
    auto left = peer(ZMQ_PAIR, in), right = peer(ZMQ_PAIR, out), watcher = peer(ZMQ_SUB, mon);
    watcher.set(zmq::sockopt::subscribe, "out");
    recv(mon);  // the subscription has arrived before the device starts
    zdev::device device(in, out, watched(mon));
    background run(device);
    send(left, {"not watched"});
    recv(right);
    send(right, {"watched"});
    EXPECT_EQ(recv(watcher), (message{"out", "watched"}));
}

class Prefixes : public OnInproc {
public:
    // What a monitor gets of "question" and "answer" that pass a device with these prefixes.
    std::pair<message, message> seen(std::optional<std::string> in_prefix, std::optional<std::string> out_prefix) {
        auto in = bound(ZMQ_PAIR), out = bound(ZMQ_PAIR), mon = bound(ZMQ_PAIR);
        auto left = peer(ZMQ_PAIR, in), right = peer(ZMQ_PAIR, out), watcher = peer(ZMQ_PAIR, mon);
        auto options = watched(mon);
        options.monitor.in_prefix = std::move(in_prefix);
        options.monitor.out_prefix = std::move(out_prefix);
        zdev::device device(in, out, options);
        background run(device);
        send(left, {"question"});
        auto first = recv(watcher);
        send(right, {"answer"});
        return {first, recv(watcher)};
    }
};

TEST_F(Prefixes, CanBeAnyBytes) {
    EXPECT_EQ(seen("->", std::string("\0<", 2)),
              std::pair(message{"->", "question"}, message{std::string("\0<", 2), "answer"}));
}
TEST_F(Prefixes, MayBeLeftOutForPlainCapture) {
    EXPECT_EQ(seen({}, {}), std::pair(message{"question"}, message{"answer"}));
    EXPECT_EQ(seen({}, "out"), std::pair(message{"question"}, message{"out", "answer"}));
}
TEST_F(Prefixes, ThatAreEmptyAreSentAsEmptyFrames) {
    EXPECT_EQ(seen("", ""), std::pair(message{"", "question"}, message{"", "answer"}));
}

class PubMonitor : public testing::TestWithParam<std::tuple<int, const char*>>, public sockets {
public:
    PubMonitor() : sockets(std::get<1>(GetParam())) {}
};
INSTANTIATE_TEST_SUITE_P(PubAndXpub, PubMonitor,
                         testing::Combine(testing::Values(ZMQ_PUB, ZMQ_XPUB), testing::Values("inproc", "tcp")));

TEST_P(PubMonitor, NeverSlowsTheDataPath) {
    auto in = bound(ZMQ_PULL), out = bound(ZMQ_PUSH), mon = bound(std::get<0>(GetParam()), tiny);
    auto source = peer(ZMQ_PUSH, in), sink = peer(ZMQ_PULL, out), asleep = peer(ZMQ_SUB, mon, tiny);
    asleep.set(zmq::sockopt::subscribe, "");
    zdev::device device(in, out, watched(mon));
    background run(device);
    for (int i = 0; i < 300; ++i) {
        send(source, numbered(i));
        ASSERT_EQ(recv(sink), numbered(i));
    }
}

TEST_P(PubMonitor, ReachesItsSubscribers) {
    auto in = bound(ZMQ_PULL), out = bound(ZMQ_PUSH), mon = bound(std::get<0>(GetParam()));
    auto source = peer(ZMQ_PUSH, in), sink = peer(ZMQ_PULL, out), watcher = peer(ZMQ_SUB, mon);
    watcher.set(zmq::sockopt::subscribe, "in");
    zdev::device device(in, out, watched(mon));
    background run(device);
    synchronise(source, watcher);
    send(source, {"a", "b"});
    EXPECT_EQ(recv(watcher), (message{"in", "a", "b"}));
}

TEST_P(PubMonitor, ReachesASubscriberThatConnectsLateOrAfterAnotherHasLeft) {
    auto in = bound(ZMQ_PULL), out = bound(ZMQ_PUSH), mon = bound(std::get<0>(GetParam()));
    auto source = peer(ZMQ_PUSH, in), sink = peer(ZMQ_PULL, out);
    zdev::device device(in, out, watched(mon));
    background run(device);
    send(source, {"nobody watches"});
    recv(sink);
    for (int i = 0; i < 2; ++i) {
        auto watcher = peer(ZMQ_SUB, mon);
        watcher.set(zmq::sockopt::subscribe, "");
        synchronise(source, watcher);
        send(source, {"watched"});
        EXPECT_EQ(recv(watcher), (message{"in", "watched"}));
    }
}

// Monitor socket types that block instead of dropping, with the type of their readers.
class BlockingMonitor : public testing::TestWithParam<std::tuple<std::pair<int, int>, const char*>>, public sockets {
public:
    BlockingMonitor() : sockets(std::get<1>(GetParam())) {}
    zmq::socket_t in = bound(ZMQ_PULL, tiny), out = bound(ZMQ_PUSH), mon = bound(std::get<0>(GetParam()).first, tiny);
    zmq::socket_t source = peer(ZMQ_PUSH, in, tiny), sink = peer(ZMQ_PULL, out);
    zmq::socket_t reader() { return peer(std::get<0>(GetParam()).second, mon, tiny); }
};
INSTANTIATE_TEST_SUITE_P(PushPairDealer, BlockingMonitor,
                         testing::Combine(testing::Values(std::pair(ZMQ_PUSH, ZMQ_PULL), std::pair(ZMQ_PAIR, ZMQ_PAIR),
                                                          std::pair(ZMQ_DEALER, ZMQ_DEALER)),
                                          testing::Values("inproc", "tcp")));

TEST_P(BlockingMonitor, WithoutAReaderBlocksTheDataPathAndLosesNothing) {
    auto control = bound(ZMQ_REP), ctrl = peer(ZMQ_REQ, control);
    auto options = watched(mon);
    options.control = control;
    zdev::device device(in, out, options);
    background run(device);
    const int sent = fill(source);
    EXPECT_EQ(ask(ctrl, {"STATISTICS"}).size(), 8u);
    auto watcher = reader();
    for (int i = 0; i < sent; ++i) {
        ASSERT_EQ(recv(watcher), numbered(i, {"in"}));
        ASSERT_EQ(recv(sink), numbered(i));
    }
    EXPECT_TRUE(eventually([&] { return device.statistics().in.monitor_sent == static_cast<unsigned>(sent); }));
    EXPECT_EQ(device.statistics().in.monitor_dropped, 0u);
}

TEST_P(BlockingMonitor, WithTheDropPolicyDropsWholeCopiesAndCountsThem) {
    auto watcher = reader();
    zdev::device device(in, out, watched(mon, zdev::on_full::drop));
    background run(device);
    int sent = 0;
    for (; device.statistics().in.monitor_dropped < 3 && sent < 10000; ++sent) {
        send(source, numbered(sent));
        ASSERT_EQ(recv(sink), numbered(sent));
    }
    const auto copies = [&](const auto& s) { return s.monitor_sent + s.monitor_dropped; };
    EXPECT_TRUE(eventually([&] { return copies(device.statistics().in) == static_cast<unsigned>(sent); }));
    const auto s = device.statistics().in;
    EXPECT_EQ(s.messages_sent, static_cast<unsigned>(sent));
    for (std::uint64_t n = 0; n < s.monitor_sent; ++n) {
        const auto got = recv(watcher);
        ASSERT_EQ(got, numbered(std::stoi(got.at(1)), {"in"}));
    }
    EXPECT_TRUE(silent(watcher));
}

TEST_P(BlockingMonitor, WithTheDropPolicyAndWithoutAReaderDoesNotSlowTheDataPath) {
    zdev::device device(in, out, watched(mon, zdev::on_full::drop));
    background run(device);
    for (int i = 0; i < 100; ++i) {
        send(source, numbered(i));
        ASSERT_EQ(recv(sink), numbered(i));
    }
    EXPECT_TRUE(eventually([&] { return device.statistics().in.monitor_dropped == 100; }));
    EXPECT_EQ(device.statistics().in.monitor_sent, 0u);
}

TEST(MonitorAtTheEnd, ACopyInHandIsCountedAsDroppedWhenItIsDiscarded) {
    sockets on;
    auto in = on.bound(ZMQ_PULL), out = on.bound(ZMQ_PUSH), mon = on.bound(ZMQ_PUSH);  // which nobody reads
    auto source = on.peer(ZMQ_PUSH, in), sink = on.peer(ZMQ_PULL, out);
    zdev::options options;
    options.monitor.socket = mon;
    zdev::device device(in, out, options);
    {
        background run(device);
        send(source, {"forwarded"});
        EXPECT_EQ(recv(sink), message{"forwarded"});
        EXPECT_EQ(errno_of([&] { device.discard(); }), EBUSY);
    }
    const auto before = device.statistics().in;
    EXPECT_EQ(before.monitor_sent + before.monitor_dropped + 1, before.messages_sent);  // the copy is pending
    EXPECT_EQ(device.discard(), 0);
    const auto after = device.statistics().in;
    EXPECT_EQ(after.monitor_dropped, 1u);
    EXPECT_EQ(after.pending(), 0u);
    EXPECT_EQ(device.discard(), 0);
}

TEST(MonitorAtTheEnd, AMessageInHandIsDiscardedToo) {
    sockets on;
    auto in = on.bound(ZMQ_PULL, tiny), out = on.bound(ZMQ_PUSH, tiny);
    auto source = on.peer(ZMQ_PUSH, in, tiny), sink = on.peer(ZMQ_PULL, out, tiny);
    zdev::device device(in, out);
    {
        background run(device);
        fill(source);
    }
    EXPECT_EQ(device.discard(), 1);
    EXPECT_EQ(device.discard(), 0);
    EXPECT_EQ(device.statistics().in.pending(), 1u);
}
