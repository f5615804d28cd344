// Monitors of the wire engine: copies, prefixes, and what happens if nobody reads them.

#include "wire_support.hpp"

namespace zdev::test {
namespace {

TEST_F(OnWire, TheMonitorGetsACopyOfEachMessageAfterItsPrefix) {
    running device(monitored(ZMQ_ROUTER, ZMQ_DEALER));
    auto watcher = dial(ZMQ_SUB, device.at("mon"), subscribed_to(""));
    auto client = dial(ZMQ_DEALER, device.at("in"), named("anna"));
    auto worker = dial(ZMQ_DEALER, device.at("out"));
    ASSERT_TRUE(device.connected("mon", 1));
    auto probe = dial(ZMQ_SUB, device.at("mon"), subscribed_to("none"));
    ASSERT_TRUE(device.connected("mon", 2));
    send(client, {"", "hello"});
    EXPECT_EQ(recv(worker), (message{"anna", "", "hello"}));
    EXPECT_EQ(recv(watcher), (message{"in", "anna", "", "hello"}));
    send(worker, {"anna", "answer"});
    EXPECT_EQ(recv(client), message{"answer"});
    EXPECT_EQ(recv(watcher), (message{"out", "anna", "answer"}));
    const auto s = device.device.statistics();
    EXPECT_EQ(s.in.monitor_sent, 1);
    EXPECT_EQ(s.out.monitor_sent, 1);
    EXPECT_TRUE(silent(probe));
}

TEST_F(OnWire, NothingIsCopiedForAMonitorWithoutSubscribers) {
    running device(monitored(ZMQ_PULL, ZMQ_PUSH));
    auto source = dial(ZMQ_PUSH, device.at("in"));
    auto sink = dial(ZMQ_PULL, device.at("out"));
    auto other = dial(ZMQ_SUB, device.at("mon"), subscribed_to("out"));
    ASSERT_TRUE(device.connected("mon", 1));
    send(source, {"hello"});
    recv(sink);
    EXPECT_EQ(device.device.statistics().in.monitor_sent, 0);
    EXPECT_EQ(device.device.statistics().in.monitor_dropped, 0);
}

TEST_F(OnWire, BetweenRoutersTheMonitorSeesTheSwappedFrames) {
    auto spec = monitored(ZMQ_ROUTER, ZMQ_ROUTER);
    spec.mon->in_prefix = std::nullopt;
    running device(spec);
    auto watcher = dial(ZMQ_SUB, device.at("mon"), subscribed_to("bert"));
    auto anna = dial(ZMQ_DEALER, device.at("in"), named("anna")), bert = dial(ZMQ_DEALER, device.at("out"), named("bert"));
    ASSERT_TRUE(device.connected("in", 1) && device.connected("out", 1) && device.connected("mon", 1));
    const auto seen = [&] { return send(anna, {"bert", "hello"}), recv(bert), try_recv(watcher, 10ms).has_value(); };
    ASSERT_TRUE(eventually(seen));
    send(anna, {"bert", "last"});
    message got;
    while ((got = recv(watcher)).back() != "last") {
    }
    EXPECT_EQ(got, (message{"bert", "anna", "last"}));
}

TEST_F(OnWire, AMonitorOfTypePushHoldsTheDataBackOrLosesCopies) {
    for (const on_full policy : {on_full::block, on_full::drop}) {
        auto spec = monitored(ZMQ_PULL, ZMQ_PUSH, ZMQ_PUSH);
        spec.mon->on_full = policy;
        running device(spec);
        auto source = dial(ZMQ_PUSH, device.at("in"));
        auto sink = dial(ZMQ_PULL, device.at("out"));
        ASSERT_TRUE(device.connected("in", 1) && device.connected("out", 1));
        send(source, {"hello"});
        if (policy == on_full::drop) {
            EXPECT_EQ(recv(sink), message{"hello"});
            EXPECT_TRUE(eventually([&] { return device.device.statistics().in.monitor_dropped == 1; }));
        } else {
            EXPECT_TRUE(silent(sink));
            auto watcher = dial(ZMQ_PULL, device.at("mon"));
            EXPECT_EQ(recv(sink), message{"hello"});
            EXPECT_EQ(recv(watcher), (message{"in", "hello"}));
        }
    }
}

TEST_F(OnWire, MessagesThatCannotBeDeliveredAreCopiedAfterTheDroppedPrefix) {
    auto spec = monitored(ZMQ_ROUTER, ZMQ_DEALER, ZMQ_PUSH);
    spec.mon->dropped_prefix = "dropped";
    spec.on_full = on_full::drop;
    spec.in.options.sndhwm = 1;
    running device(spec);
    auto watcher = dial(ZMQ_PULL, device.at("mon"));
    auto worker = dial(ZMQ_DEALER, device.at("out"));
    raw_peer slow(device.at("in"));
    slow.shake_hands(ZMQ_DEALER, "slow");
    ASSERT_TRUE(device.connected("in", 1) && device.connected("out", 1) && device.connected("mon", 1));
    send(worker, {"gone", "reply"});
    EXPECT_EQ(recv(watcher), (message{"dropped", "gone", "reply"}));
    send(worker, {"malformed"});
    const message large{"slow", std::string(1000000, 'x')};
    message copy{""};
    while (copy[0] != "dropped") {
        send(worker, large);
        copy = recv(watcher);
        ASSERT_TRUE(copy == (message{"out", large[0], large[1]}) || copy == (message{"dropped", large[0], large[1]}));
    }
    const auto s = device.device.statistics().out;
    EXPECT_EQ(s.unroutable, 1);
    EXPECT_EQ(s.overflowed, 1);
    EXPECT_EQ(s.malformed, 1);
    EXPECT_EQ(s.monitor_sent, s.messages_sent + s.unroutable + s.overflowed);
}

TEST_F(OnWire, ASubscriberOfTheMonitorThatDoesNotReadDelaysNothingAndItsLossIsCounted) {
    auto spec = monitored(ZMQ_PULL, ZMQ_PUSH);
    spec.mon->socket.options.sndhwm = 10;
    running device(spec);
    raw_peer stuck(device.at("mon"));
    stuck.shake_hands(ZMQ_SUB);
    std::string wish;
    zmtp::append_subscription(wish, 1, {true, ""});
    stuck.send(wish);
    auto quick = dial(ZMQ_SUB, device.at("mon"), subscribed_to(""));
    auto source = dial(ZMQ_PUSH, device.at("in"));
    auto sink = dial(ZMQ_PULL, device.at("out"));
    ASSERT_TRUE(device.connected("mon", 2) && device.connected("out", 1));
    const std::string padding(100000, 'x');
    int sent = 0;
    for (; sent < 5000 && device.device.connections("mon").subscriber_drops == 0; ++sent) {
        send(source, {std::to_string(sent), padding});
        ASSERT_EQ(recv(sink)[0], std::to_string(sent));
        if (sent > 0 || try_recv(quick, patience)) continue;
        ADD_FAILURE() << "no copy";
    }
    EXPECT_GT(device.device.connections("mon").subscriber_drops, 0);
    EXPECT_TRUE(eventually([&] { return device.device.statistics().in.messages_sent == static_cast<std::uint64_t>(sent); }));
}

TEST_F(OnWire, EachForwardedMessageIsCopiedOnceAndCounted) {
    running device(monitored(ZMQ_PULL, ZMQ_PUSH, ZMQ_PUSH));
    auto source = dial(ZMQ_PUSH, device.at("in"));
    auto sink = dial(ZMQ_PULL, device.at("out")), watcher = dial(ZMQ_PULL, device.at("mon"));
    ASSERT_TRUE(device.connected("out", 1) && device.connected("mon", 1));
    constexpr int count = 10000;
    repeatedly reader([&] { try_recv(sink, 10ms); });
    std::thread sender([&] {
        for (int i = 0; i < count; ++i) send(source, {std::to_string(i)});
    });
    int i = 0;
    for (; i < count; ++i) {
        const auto got = try_recv(watcher, patience);
        if (!got || *got != message{"in", std::to_string(i)}) break;
    }
    sender.join();
    EXPECT_EQ(i, count);
    const auto s = device.device.statistics().in;
    EXPECT_EQ(s.messages_sent, count);
    EXPECT_EQ(s.monitor_sent, count);
}

}  // namespace
}  // namespace zdev::test
