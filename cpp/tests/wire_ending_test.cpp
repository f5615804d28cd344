// How a run of the wire engine ends: stop, drain, pause, exceptions; nothing that the network delivered is lost.

#include "wire_support.hpp"

namespace zdev::test {
namespace {

TEST_F(OnWire, AStopDeliversAllThatSendersHadSent) {
    running device(pair(ZMQ_PULL, ZMQ_PUSH));
    auto sink = dial(ZMQ_PULL, device.at("out"));
    raw_peer source(device.at("in"));
    source.shake_hands(ZMQ_PUSH);
    ASSERT_TRUE(device.connected("in", 1) && device.connected("out", 1));
    std::string bytes;
    for (int i = 0; i < 5000; ++i) bytes += framed({std::to_string(i)});
    ASSERT_TRUE(source.send(bytes));
    device.device.stop();
    EXPECT_EQ(source.receive(1), "");  // FIN: cease
    source.close();
    EXPECT_EQ(device.result(), outcome::stopped);
    for (int i = 0; i < 5000; ++i) ASSERT_EQ(recv(sink), message{std::to_string(i)});
    EXPECT_EQ(device.device.connections("out").messages_lost, 0);
    EXPECT_EQ(device.device.connections("in").messages_lost, 0);
}

TEST_F(OnWire, ASenderOfLibzmqKeepsForItsNextConnectionWhatItHadNotSent) {
    auto sink_of_next = unbound(ZMQ_PULL);
    std::string endpoint;
    int got = 0;
    constexpr int sent = 20000;
    auto source = unbound(ZMQ_PUSH, [](zmq::socket_t& s) { s.set(zmq::sockopt::sndhwm, 0); });
    {
        running device(pair(ZMQ_PULL, ZMQ_PUSH));
        auto sink = dial(ZMQ_PULL, device.at("out"), [](zmq::socket_t& s) { s.set(zmq::sockopt::rcvhwm, 0); });
        endpoint = device.at("in");
        source.connect(endpoint);
        ASSERT_TRUE(device.connected("in", 1) && device.connected("out", 1));
        for (int i = 0; i < sent; ++i) send(source, {std::to_string(i)});
        EXPECT_EQ(device.stop(), outcome::stopped);
        EXPECT_EQ(device.device.connections("in").messages_lost + device.device.connections("out").messages_lost, 0);
        const auto passed = static_cast<int>(device.device.statistics().in.messages_sent);
        for (; got < passed; ++got) ASSERT_EQ(recv(sink), message{std::to_string(got)});
        EXPECT_TRUE(silent(sink));
    }
}

TEST_F(OnWire, WhatCannotBeDeliveredWithinLingerIsCountedAsLost) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.in.options.linger = spec.out->options.linger = 100ms;
    running device(spec);
    raw_peer source(device.at("in"));
    source.shake_hands(ZMQ_PUSH);
    ASSERT_TRUE(device.connected("in", 1));
    std::string bytes;
    for (int i = 0; i < 100; ++i) bytes += framed({std::to_string(i)});
    ASSERT_TRUE(source.send(bytes));
    EXPECT_EQ(device.stop(), outcome::stopped);  // nobody is at `out`
    EXPECT_EQ(device.device.connections("in").messages_lost, 100);
}

TEST_F(OnWire, AReceiverThatStopsReadingCostsLingerAndItsMessagesAreCounted) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.in.options.linger = spec.out->options.linger = 200ms;
    running device(spec);
    raw_peer stuck(device.at("out")), source(device.at("in"));
    stuck.shake_hands(ZMQ_PULL);
    source.shake_hands(ZMQ_PUSH);
    ASSERT_TRUE(device.connected("in", 1) && device.connected("out", 1));
    const std::string one = framed({std::string(100000, 'x')});
    std::thread sender([&] {
        for (int i = 0; i < 300; ++i) source.send(one);
    });
    ASSERT_TRUE(eventually([&] { return device.device.statistics().in.messages_sent == 300; }));
    sender.join();
    EXPECT_EQ(device.stop(), outcome::stopped);
    const auto lost = device.device.connections("out").messages_lost;
    EXPECT_GT(lost, 0);
    std::size_t arrived = 0;
    for (std::string got = stuck.receive(one.size()); got.size() == one.size(); got = stuck.receive(one.size(), 200ms)) {
        arrived += got.size();
        if (got.size() < one.size()) break;
    }
    EXPECT_LE(lost, 300);
}

TEST_F(OnWire, ADrainBringsRepliesBackAndRefusesFurtherRequests) {
    running device(pair(ZMQ_ROUTER, ZMQ_DEALER));
    auto client = dial(ZMQ_DEALER, device.at("in"));
    auto worker = dial(ZMQ_DEALER, device.at("out"));
    for (int i = 0; i < 10; ++i) send(client, {std::to_string(i)});
    std::vector<message> work;
    for (int i = 0; i < 10; ++i) work.push_back(recv(worker));
    device.device.drain(10s);
    ASSERT_TRUE(eventually([&] { return device.device.statistics().state == state::draining; }));
    EXPECT_EQ(device.device.statistics().pending_replies, 10);
    for (const auto& request : work) send(worker, request);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(recv(client), message{std::to_string(i)});
    EXPECT_EQ(device.result(), outcome::drained);
}

TEST_F(OnWire, ADrainEndsAtItsTimeoutAllTheSame) {
    running device(pair(ZMQ_ROUTER, ZMQ_DEALER));
    auto client = dial(ZMQ_DEALER, device.at("in"));
    auto worker = dial(ZMQ_DEALER, device.at("out"));
    send(client, {"request"});
    recv(worker);
    device.device.drain(50ms);
    client.close();
    worker.close();
    EXPECT_EQ(device.result(), outcome::drain_timed_out);
}

TEST_F(OnWire, APauseHoldsMessagesAndLosesNone) {
    running device(pair(ZMQ_PULL, ZMQ_PUSH));
    auto source = dial(ZMQ_PUSH, device.at("in"));
    auto sink = dial(ZMQ_PULL, device.at("out"));
    send(source, {"before"});
    EXPECT_EQ(recv(sink), message{"before"});
    device.device.pause();
    ASSERT_TRUE(eventually([&] { return device.device.statistics().state == state::paused; }));
    send(source, {"while paused"});
    EXPECT_TRUE(silent(sink));
    device.device.resume();
    EXPECT_EQ(recv(sink), message{"while paused"});
}

TEST_F(OnWire, WhatACheckThrowsEndsTheRun) {
    std::atomic<bool> angry{false};
    running device(pair(ZMQ_PULL, ZMQ_PUSH), [&] {
        if (angry) throw std::runtime_error("interrupted");
    });
    auto source = dial(ZMQ_PUSH, device.at("in"));
    angry = true;
    EXPECT_THROW(device.result(), std::runtime_error);
    EXPECT_EQ(errno_of([&] { device.device.run(); }), EINVAL);
}

TEST_F(OnWire, ItRunsOnceAtATimeAndOnceInAll) {
    running device(pair(ZMQ_PULL, ZMQ_PUSH));
    ASSERT_TRUE(eventually([&] { return device.device.statistics().state == state::active; }));
    EXPECT_EQ(errno_of([&] { device.device.run(); }), EBUSY);
    EXPECT_EQ(device.stop(), outcome::stopped);
    EXPECT_EQ(errno_of([&] { device.device.run(); }), EINVAL);
}

TEST_F(OnWire, AStopBeforeTheRunEndsItAtItsStart) {
    wire::device device(pair(ZMQ_PULL, ZMQ_PUSH));
    device.stop();
    EXPECT_EQ(device.run(), outcome::stopped);
}

}  // namespace
}  // namespace zdev::test
