// How a run of the wire engine ends: stop, drain, pause, exceptions; nothing that the network has delivered is lost.

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
    EXPECT_EQ(source.receive(1), "");  // FIN: stop sending
    source.close();
    EXPECT_EQ(device.result(), outcome::stopped);
    for (int i = 0; i < 5000; ++i) ASSERT_EQ(recv(sink), message{std::to_string(i)});
    EXPECT_EQ(device.device.connections("out").messages_lost, 0);
    EXPECT_EQ(device.device.connections("in").messages_lost, 0);
}

TEST_F(OnWire, ASenderOfLibzmqSendsWhatItHadNotSentToTheNextDevice) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.in.binds = {"ipc://@zdev-wire-next-" + std::to_string(::getpid())};  // nothing else takes it in between
    over_ipc(*spec.out);
    spec.in.options.linger = spec.out->options.linger = patience;
    spec.out->options.sndhwm = 1;
    const std::string padding(10000, 'x');  // more than libzmq writes at once
    constexpr int sent = 1000;
    int next = 0;
    auto source = unbound(ZMQ_PUSH, [](zmq::socket_t& s) { s.set(zmq::sockopt::sndhwm, 0); });
    {
        running device(spec);
        auto sink = dial(ZMQ_PULL, device.at("out"), tiny);
        source.connect(device.at("in"));
        ASSERT_TRUE(device.connected("in", 1) && device.connected("out", 1));
        for (int i = 0; i < sent; ++i) send(source, {std::to_string(i), padding});
        ASSERT_EQ(recv(sink)[0], std::to_string(next++));
        device.device.stop();
        while (!device.over(0ms)) {
            const auto got = try_recv(sink, 1ms);
            if (!got) continue;
            ASSERT_EQ(got->front(), std::to_string(next++));
        }
        EXPECT_EQ(device.result(), outcome::stopped);
        const int passed = static_cast<int>(device.device.statistics().in.messages_sent);
        while (next < passed) ASSERT_EQ(recv(sink)[0], std::to_string(next++));
        EXPECT_TRUE(silent(sink));
        EXPECT_EQ(device.device.connections("in").messages_lost + device.device.connections("out").messages_lost, 0);
    }
    ASSERT_LT(next, sent - 2);
    running device(spec);
    auto sink = dial(ZMQ_PULL, device.at("out"));
    const int first = std::stoi(recv(sink)[0]);
    EXPECT_GE(first, next);
    EXPECT_LE(first,
              next + 2);  // libzmq drops the messages that it has begun to write: the end of one, the beginning of another
    for (next = first + 1; next < sent; ++next) ASSERT_EQ(recv(sink), (message{std::to_string(next), padding}));
}

TEST_F(OnWire, MessagesThatCannotBeDeliveredWithinLingerAreCountedAsLost) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.in.options.linger = spec.out->options.linger = 100ms;
    running device(spec);
    raw_peer source(device.at("in"));
    source.shake_hands(ZMQ_PUSH);
    ASSERT_TRUE(device.connected("in", 1));
    std::string bytes;
    for (int i = 0; i < 100; ++i) bytes += framed({std::to_string(i)});
    ASSERT_TRUE(source.send(bytes));
    EXPECT_EQ(device.stop(), outcome::stopped);  // `out` has no receiver
    EXPECT_EQ(device.device.connections("in").messages_lost, 100);
}

TEST_F(OnWire, AReceiverThatStopsReadingCostsLingerAndEachMessageThatItDoesNotGetIsCounted) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.in.options.linger = spec.out->options.linger = 200ms;
    running device(spec);
    raw_peer stuck(device.at("out")), source(device.at("in"));
    stuck.shake_hands(ZMQ_PULL);
    source.shake_hands(ZMQ_PUSH);
    ASSERT_TRUE(device.connected("in", 1) && device.connected("out", 1));
    const std::string one = framed({std::string(100000, 'x')});
    constexpr std::size_t taken = 300;
    std::thread sender([&] {
        for (std::size_t i = 0; i < taken; ++i) source.send(one);
    });
    EXPECT_TRUE(eventually([&] { return device.device.statistics().in.messages_sent == taken; }));
    sender.join();
    EXPECT_EQ(device.stop(), outcome::stopped);
    const std::string arrived = stuck.take_extra() + stuck.receive(taken * one.size());  // until the end of the connection
    const std::size_t whole = arrived.size() / one.size();
    for (std::size_t i = 0; i < whole; ++i) ASSERT_EQ(arrived.compare(i * one.size(), one.size(), one), 0);
    EXPECT_LT(whole, taken);
    EXPECT_EQ(device.device.connections("out").messages_lost, taken - whole);
    EXPECT_EQ(device.device.connections("in").messages_lost, 0);
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

TEST_F(OnWire, ADrainEndsAtItsTimeout) {
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

TEST_F(OnWire, AnExceptionOfTheCheckEndsTheRun) {
    std::atomic<bool> angry{false};
    running device(pair(ZMQ_PULL, ZMQ_PUSH), [&] {
        if (angry) throw std::runtime_error("interrupted");
    });
    auto source = dial(ZMQ_PUSH, device.at("in"));
    angry = true;
    EXPECT_THROW(device.result(), std::runtime_error);
    EXPECT_EQ(errno_of([&] { device.device.run(); }), EINVAL);
}

TEST_F(OnWire, ADeviceRunsOnlyOnce) {
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
