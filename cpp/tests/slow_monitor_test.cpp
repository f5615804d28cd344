// Row 6 of the relay contract: subscribers of a PUB or XPUB monitor that have no room for copies.

#include "support.hpp"

using namespace zdev::test;

// PULL to PUSH with a monitor, whose subscribers come and go.
class SlowMonitor : public testing::TestWithParam<std::tuple<int, const char*>>, public sockets {
public:
    SlowMonitor() : sockets(std::get<1>(GetParam())) { options.monitor.socket = mon; }

    zmq::socket_t in = bound(ZMQ_PULL), out = bound(ZMQ_PUSH), mon = bound(std::get<0>(GetParam()), tiny);
    zmq::socket_t source = peer(ZMQ_PUSH, in), sink = peer(ZMQ_PULL, out);
    zdev::options options;

    zmq::socket_t subscriber(const std::string& prefix, const setup& set = {}) {
        auto socket = peer(ZMQ_SUB, mon, set);
        socket.set(zmq::sockopt::subscribe, prefix);
        return socket;
    }

    void pass(int number) {
        send(source, numbered(number));
        ASSERT_EQ(recv(sink), numbered(number));
    }

    // Relays until the condition holds; returns false if it does not in time.
    bool pass_until(const std::function<bool()>& condition) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        for (int i = 0; std::chrono::steady_clock::now() < deadline; ++i) {
            pass(i);
            if (condition()) return true;
        }
        return false;
    }

    // Relays messages, and returns how many were copied.
    std::uint64_t copied(zdev::device& device, int messages) {
        const auto before = device.statistics().in.monitor_sent;
        for (int i = 0; i < messages; ++i) pass(i);
        return device.statistics().in.monitor_sent - before;
    }
};
INSTANTIATE_TEST_SUITE_P(PubAndXpub, SlowMonitor,
                         testing::Combine(testing::Values(ZMQ_PUB, ZMQ_XPUB), testing::Values("inproc", "tcp")));

TEST_P(SlowMonitor, IsSentAlmostNothingWhileItsOnlySubscriberIsFull) {
    auto asleep = subscriber("", tiny);
    zdev::device device(in, out, options);
    background run(device);
    ASSERT_TRUE(pass_until([&] { return device.statistics().in.monitor_sent > 0; }));
    // At most one prefix per millisecond is sent, to probe for room.
    EXPECT_TRUE(pass_until([&] { return copied(device, 100) < 100; }));
}

TEST_P(SlowMonitor, SendsAgainToASubscriberThatReadsAgain) {
    auto asleep = subscriber("", tiny);
    zdev::device device(in, out, options);
    background run(device);
    ASSERT_TRUE(pass_until([&] { return device.statistics().in.monitor_sent > 0; }));
    ASSERT_TRUE(pass_until([&] { return copied(device, 100) < 100; }));
    while (try_recv(asleep, a_moment)) {
    }
    EXPECT_TRUE(pass_until([&] { return try_recv(asleep, 0ms).has_value(); }));
}

TEST_P(SlowMonitor, SendsToASubscriberWithRoomWhileAnotherIsFull) {
    auto asleep = subscriber("", tiny), awake = subscriber("");
    zdev::device device(in, out, options);
    background run(device);
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(pass_until([&] { return try_recv(awake, 0ms).has_value(); }));
}

TEST_P(SlowMonitor, SendsToASubscriberThatConnectsWhileAnotherIsFull) {
    auto asleep = subscriber("", tiny);
    zdev::device device(in, out, options);
    background run(device);
    ASSERT_TRUE(pass_until([&] { return device.statistics().in.monitor_sent > 0; }));
    auto awake = subscriber("in");
    EXPECT_TRUE(pass_until([&] { return try_recv(awake, 0ms).has_value(); }));
}

TEST_P(SlowMonitor, CopiesInFlightMayOutliveTheDevice) {
    auto watcher = subscriber("in");
    {
        zdev::device device(in, out, options);
        background run(device);
        ASSERT_TRUE(pass_until([&] { return device.statistics().in.monitor_sent > 0; }));
    }
    EXPECT_EQ(recv(watcher).at(0), "in");
}
