// The limits of a role on its incoming connections.

#include "wire_support.hpp"

namespace zdev::test {
namespace {

TEST_F(OnWire, AConnectionBeyondTheLimitIsRefusedAndCountedUntilAnotherLeaves) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.in.options.max_connections = 2;
    running device(spec);
    raw_peer silent(device.at("in")), first(device.at("in"));
    first.shake_hands(ZMQ_PUSH);
    raw_peer refused(device.at("in"));
    EXPECT_TRUE(refused.ended());
    const auto now = [&] { return device.device.connections("in"); };
    EXPECT_EQ(now().refused_max_connections, 1);
    EXPECT_EQ(now().refused(), 1);
    silent.close();
    const auto admitted = [&] {
        raw_peer next(device.at("in"));
        return !next.receive(1, 100ms).empty();  // a greeting
    };
    EXPECT_TRUE(eventually(admitted));
    EXPECT_TRUE(first.open());
}

TEST_F(OnWire, TheLimitForEachAddressDoesNotCountOthers) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.in.options.max_connections_per_address = 1;
    running device(spec);
    const std::string port = device.at("in").substr(device.at("in").rfind(':'));
    auto first = dial(ZMQ_PUSH, "tcp://127.0.0.1:0;127.0.0.1" + port);
    ASSERT_TRUE(device.connected("in", 1));
    raw_peer second(device.at("in"));
    EXPECT_TRUE(second.ended());
    auto other = dial(ZMQ_PUSH, "tcp://127.0.0.2:0;127.0.0.1" + port);
    EXPECT_TRUE(device.connected("in", 2));
    EXPECT_EQ(device.device.connections("in").refused_max_connections_per_address, 1);
    first.close();
    ASSERT_TRUE(device.connected("in", 1));
    auto next = dial(ZMQ_PUSH, "tcp://127.0.0.1:0;127.0.0.1" + port);
    EXPECT_TRUE(device.connected("in", 2));
}

TEST_F(OnWire, ALimitDoesNotCountConnects) {
    auto first = unbound(ZMQ_PULL), second = unbound(ZMQ_PULL);
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    for (auto* const each : {&first, &second}) {
        each->bind("tcp://127.0.0.1:*");
        spec.out->connects.push_back(each->get(zmq::sockopt::last_endpoint));
    }
    spec.out->options.max_connections = 1;
    running device(spec);
    auto third = dial(ZMQ_PULL, device.at("out"));
    EXPECT_TRUE(device.connected("out", 3));
}

class WireIdle : public OnWire {
protected:
    static wire::spec limited(int in, int out) {
        auto spec = pair(in, out);
        spec.in.options.idle_timeout = 200ms;
        return spec;
    }
    // Whether the peer stays while another one, which does nothing, is ended.
    bool outlasts_an_idle_one(running& device, int type) {
        raw_peer idle(device.at("in"));
        idle.shake_hands(type);
        const auto before = device.device.connections("in").idle_timeouts;
        return idle.ended() && device.device.connections("in").idle_timeouts == before + 1;
    }
};

TEST_F(WireIdle, AConnectionWithoutMessagesIsEndedAndCounted) {
    running device(limited(ZMQ_PULL, ZMQ_PUSH));
    auto sink = dial(ZMQ_PULL, device.at("out"));
    ASSERT_TRUE(device.connected("out", 1));
    auto source = dial(ZMQ_PUSH, device.at("in"));
    repeatedly sending([&] {
        send(source, {"x"});
        recv(sink);
    });
    EXPECT_TRUE(outlasts_an_idle_one(device, ZMQ_PUSH));
    EXPECT_TRUE(outlasts_an_idle_one(device, ZMQ_PUSH));
    EXPECT_EQ(device.device.connections("in").connections, 1);
    EXPECT_EQ(device.device.connections("out").connections, 1);  // which has no limit
    EXPECT_EQ(device.device.connections("in").timeouts(), 2);
}

TEST_F(WireIdle, AClientThatWaitsForItsReplyIsNotIdle) {
    running device(limited(ZMQ_ROUTER, ZMQ_DEALER));
    auto client = dial(ZMQ_DEALER, device.at("in"));
    auto worker = dial(ZMQ_DEALER, device.at("out"));
    send(client, {"question"});
    auto question = recv(worker);
    EXPECT_TRUE(outlasts_an_idle_one(device, ZMQ_DEALER));
    EXPECT_TRUE(outlasts_an_idle_one(device, ZMQ_DEALER));
    send(worker, question);
    EXPECT_EQ(recv(client), message{"question"});
    EXPECT_TRUE(eventually([&] { return device.device.connections("in").idle_timeouts == 3; }));
}

TEST_F(WireIdle, NoConnectionIsIdleWhileTheDeviceReadsNothing) {
    running device(limited(ZMQ_PULL, ZMQ_PUSH));
    raw_peer source(device.at("in"));
    source.shake_hands(ZMQ_PUSH);
    ASSERT_TRUE(device.connected("in", 1));
    const auto before = device.device.statistics().loop_iterations;
    // There is no receiver. The loop looks at the connections four times in the time that one may be idle.
    ASSERT_TRUE(eventually([&] { return device.device.statistics().loop_iterations > before + 12; }));
    EXPECT_EQ(device.device.connections("in").idle_timeouts, 0);
    auto sink = dial(ZMQ_PULL, device.at("out"));
    EXPECT_TRUE(source.ended());
}

}  // namespace
}  // namespace zdev::test
