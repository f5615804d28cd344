// PULL to PUSH on the wire engine: framing, spreading, back-pressure.

#include "wire_support.hpp"

namespace zdev::test {
namespace {

TEST_F(OnWire, AMessageArrivesFrameForFrame) {
    running device(pair(ZMQ_PULL, ZMQ_PUSH));
    auto source = dial(ZMQ_PUSH, device.at("in"));
    auto sink = dial(ZMQ_PULL, device.at("out"));
    for (const std::size_t size : {0, 1, 255, 256, 70000, 300000, 3000000}) {
        const message sent{std::string(size, 'a'), "", std::string(size / 2, 'b'), "end"};
        send(source, sent);
        EXPECT_EQ(recv(sink), sent) << size;
    }
    const message many(5000, "frame");
    send(source, many);
    EXPECT_EQ(recv(sink), many);
    EXPECT_EQ(device.stop(), outcome::stopped);
    const auto s = device.device.statistics();
    EXPECT_EQ(s.in.messages_received, 8);
    EXPECT_EQ(s.in.messages_sent, 8);
    EXPECT_EQ(s.in.frames_sent, 7 * 4 + 5000);
    EXPECT_EQ(s.in.bytes_sent, s.in.bytes_received);
    EXPECT_EQ(s.state, state::idle);
}

TEST_F(OnWire, AStreamKeepsItsOrderAndAllOfIt) {
    running device(pair(ZMQ_PULL, ZMQ_PUSH));
    auto source = dial(ZMQ_PUSH, device.at("in"));
    auto sink = dial(ZMQ_PULL, device.at("out"));
    constexpr int count = 200000;
    std::thread sender([&] {
        for (int i = 0; i < count; ++i) send(source, {std::to_string(i)});
    });
    for (int i = 0; i < count; ++i) {
        const auto got = recv(sink);
        if (got != message{std::to_string(i)}) ADD_FAILURE() << got[0] << " instead of " << i;
        if (HasFailure()) break;
    }
    sender.join();
}

TEST_F(OnWire, MessagesAreSpreadInTurn) {
    running device(pair(ZMQ_PULL, ZMQ_PUSH));
    auto first = dial(ZMQ_PULL, device.at("out")), second = dial(ZMQ_PULL, device.at("out"));
    ASSERT_TRUE(device.connected("out", 2));
    auto source = dial(ZMQ_PUSH, device.at("in"));
    for (int i = 0; i < 10; ++i) send(source, {std::to_string(i)});
    for (int i = 0; i < 5; ++i) {
        const int a = std::stoi(recv(first)[0]), b = std::stoi(recv(second)[0]);
        EXPECT_EQ(std::min(a, b), 2 * i);
        EXPECT_EQ(std::max(a, b), 2 * i + 1);
    }
}

TEST_F(OnWire, WithoutAReceiverMessagesWaitAtTheSender) {
    running device(pair(ZMQ_PULL, ZMQ_PUSH));
    auto source = dial(ZMQ_PUSH, device.at("in"));
    const int sent = fill(source);
    EXPECT_EQ(device.device.statistics().in.messages_received, 0);
    auto sink = dial(ZMQ_PULL, device.at("out"));
    for (int i = 0; i < sent; ++i) ASSERT_EQ(recv(sink), numbered(i));
    EXPECT_TRUE(silent(sink));
}

TEST_F(OnWire, ASlowReceiverHoldsItsSenderBackAndGetsEverythingInOrder) {
    auto spec = pair_over_ipc(ZMQ_PULL, ZMQ_PUSH);
    spec.out->options.sndhwm = 3;
    running device(spec);
    auto sink = dial(ZMQ_PULL, device.at("out"), tiny);
    ASSERT_TRUE(device.connected("out", 1));
    auto source = dial(ZMQ_PUSH, device.at("in"), tiny);
    const int sent = fill(source);
    EXPECT_TRUE(eventually([&] { return device.device.statistics().in.blocked_nanoseconds > 0; }));
    for (int i = 0; i < sent; ++i) ASSERT_EQ(recv(sink), numbered(i));
    EXPECT_EQ(device.device.statistics().in.messages_sent, sent);
    EXPECT_TRUE(silent(sink));
}

TEST_F(OnWire, AFullReceiverIsPassedOverForOneWithRoom) {
    auto spec = pair_over_ipc(ZMQ_PULL, ZMQ_PUSH);
    spec.out->options.sndhwm = 1;
    running device(spec);
    auto full = dial(ZMQ_PULL, device.at("out"), tiny);
    ASSERT_TRUE(device.connected("out", 1));
    auto source = dial(ZMQ_PUSH, device.at("in"));
    const int before = fill(source);
    auto quick = dial(ZMQ_PULL, device.at("out"));
    int got = 0;
    while (try_recv(quick, 200ms)) ++got;
    EXPECT_GT(got, 0);
    int rest = 0;
    while (try_recv(full, 200ms)) ++rest;
    while (try_recv(quick, 200ms)) ++got;
    EXPECT_EQ(got + rest, before);
}

TEST_F(OnWire, APairOfOneDirectionMayBeReversed) {
    running device(monitored(ZMQ_PUSH, ZMQ_PULL, ZMQ_PUSH));
    auto source = dial(ZMQ_PUSH, device.at("out"));
    auto sink = dial(ZMQ_PULL, device.at("in")), watcher = dial(ZMQ_PULL, device.at("mon"));
    send(source, {"a", "b"});
    EXPECT_EQ(recv(sink), (message{"a", "b"}));
    EXPECT_EQ(recv(watcher), (message{"out", "a", "b"}));
    EXPECT_EQ(device.device.statistics().out.messages_sent, 1);
    EXPECT_EQ(device.device.statistics().in.messages_received, 0);
    device.device.pause();
    ASSERT_TRUE(eventually([&] { return device.device.statistics().state == state::paused; }));
    device.device.resume();
    raw_peer last(device.at("out"));
    last.shake_hands(ZMQ_PUSH);
    ASSERT_TRUE(device.connected("out", 2));
    last.send(framed({"last"}));
    device.device.stop();
    last.close();
    EXPECT_EQ(device.result(), outcome::stopped);
    EXPECT_EQ(recv(sink), message{"last"});
}

// A lost wake-up would leave messages waiting that have a receiver.
TEST_F(OnWire, AStreamGoesOnAfterEachOfManyPausesOfItsReceivers) {
    for (const auto& [in, out] : {std::pair{ZMQ_PULL, ZMQ_PUSH}, {ZMQ_ROUTER, ZMQ_DEALER}}) {
        for (const std::size_t hwm : {1, 2, 5, 100}) {
            auto spec = pair_over_ipc(in, out);
            spec.in.options.linger = spec.out->options.linger = 0ms;
            spec.out->options.sndhwm = hwm;
            running device(spec);
            zmq::socket_t sinks[2], sources[2];
            for (auto& each : sinks) each = dial(out == ZMQ_PUSH ? ZMQ_PULL : ZMQ_DEALER, device.at("out"), tiny);
            for (auto& each : sources) each = dial(in == ZMQ_PULL ? ZMQ_PUSH : ZMQ_DEALER, device.at("in"), tiny);
            ASSERT_TRUE(device.connected("in", 2) && device.connected("out", 2));
            int number = 0;
            const repeatedly feed([&] {
                for (auto& each : sources) {
                    if (writable(each, 1ms))
                        send(each, {std::to_string(++number), std::string(number % 3 == 0 ? 6000 : 10, 'x')});
                }
            });
            for (int i = 0; i < 400; ++i) {
                recv(sinks[i % 2]);
                if (i % 20 == 0) std::this_thread::sleep_for(2ms);  // the pause, in which everything fills
            }
        }
    }
}

}  // namespace
}  // namespace zdev::test
