// What the wire engine reports of its connections: how each connect is, and why a peer was refused.

#include "wire_support.hpp"

namespace zdev::test {
namespace {

wire::spec connecting(const std::vector<std::string>& to) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.out->binds = {};
    spec.out->connects = to;
    spec.out->options.reconnect_ivl = 60s;
    return spec;
}

TEST_F(OnWire, EachConnectShowsItsStateItsLastFailureAndWhenItIsTriedAgain) {
    auto sink = unbound(ZMQ_PULL);
    sink.bind("tcp://127.0.0.1:*");
    const reserved refusing(false);
    const std::string up = sink.get(zmq::sockopt::last_endpoint);
    const std::string& down = refusing.endpoint();
    running device(connecting({up, down, "tcp://no-such-host.invalid:1"}));
    ASSERT_EQ(device.device.connects("out").size(), 3);
    const auto failed = [&](std::size_t i) { return !device.device.connects("out")[i].failure.empty(); };
    ASSERT_TRUE(device.connected("out", 1));
    ASSERT_TRUE(eventually([&] { return failed(1) && failed(2); }));
    auto now = device.device.connects("out");
    EXPECT_EQ(now[0].endpoint, up);
    EXPECT_TRUE(now[0].connected);
    EXPECT_EQ(now[0].failure, "");
    EXPECT_FALSE(now[0].retry_in);
    EXPECT_FALSE(now[1].connected);
    EXPECT_EQ(now[1].failure, "connection refused");
    ASSERT_TRUE(now[1].retry_in);
    EXPECT_LE(*now[1].retry_in, 60s);
    EXPECT_EQ(now[2].failure.rfind("no such host", 0), 0) << now[2].failure;

    sink.close();
    ASSERT_TRUE(device.connected("out", 0));
    ASSERT_TRUE(eventually([&] { return failed(0) && device.device.connects("out")[0].retry_in; }));
    EXPECT_FALSE(device.device.connects("out")[0].connected);
    device.stop();
    EXPECT_FALSE(device.device.connects("out")[1].retry_in);
    EXPECT_TRUE(device.device.connects("in").empty());
}

TEST_F(OnWire, AConnectThatIsRefusedShowsWhy) {
    auto wrong = unbound(ZMQ_PUB);
    wrong.bind("tcp://127.0.0.1:*");
    running device(connecting({wrong.get(zmq::sockopt::last_endpoint)}));
    const auto failure = [&] { return device.device.connects("out")[0].failure; };
    ASSERT_TRUE(eventually([&] { return !failure().empty(); }));
    EXPECT_EQ(failure(), "a PUB cannot talk to a PUSH");
    EXPECT_EQ(device.device.connections("out").refused_socket_type, 1);
}

TEST_F(OnWire, PeersThatAreRefusedAreCountedByReason) {
    running device(pair(ZMQ_PULL, ZMQ_PUSH));
    const auto refuse = [&](const std::string& bytes) {
        raw_peer peer(device.at("in"));
        peer.send(bytes);
        EXPECT_TRUE(peer.ended());
    };
    const std::string greeting = zmtp::encode({});
    zmtp::greeting curve;
    curve.mechanism = "CURVE";
    std::string type, refusal;
    zmtp::append_property(type, "Socket-Type", "SUB");
    zmtp::append_error(refusal, "no");
    std::string ready;
    zmtp::append_command(ready, "READY", type);
    refuse(std::string("\xff\0\0\0\0\0\0\0\1\x7f\1", 11));  // ZMTP 2.0
    refuse(std::string("\1\0", 2));                         // ZMTP 1.0
    refuse(zmtp::encode(curve));
    refuse(greeting + ready);
    refuse(greeting + refusal);
    refuse("GET / HTTP/1.1\r\n\r\n");
    const auto now = [&] { return device.device.connections("in"); };
    EXPECT_TRUE(eventually([&] { return now().refused() == 6; }));
    EXPECT_EQ(now().refused_version, 2);
    EXPECT_EQ(now().refused_mechanism, 1);
    EXPECT_EQ(now().refused_socket_type, 1);
    EXPECT_EQ(now().refused_by_peer, 1);
    EXPECT_EQ(now().refused_malformed, 1);
    EXPECT_EQ(now().protocol_errors() + now().timeouts(), 0);
}

TEST_F(OnWire, AFullPeersMessageIsDroppedIfARouterIsNotMandatory) {
    auto spec = pair(ZMQ_ROUTER, ZMQ_DEALER);
    spec.in.options.sndhwm = 5;
    spec.in.options.router_mandatory = false;
    running device(spec);
    raw_peer slow(device.at("in"));
    slow.shake_hands(ZMQ_DEALER, "slow");
    auto worker = dial(ZMQ_DEALER, device.at("out"));
    ASSERT_TRUE(device.connected("in", 1) && device.connected("out", 1));
    const auto overflowed = [&] {
        send(worker, {"slow", std::string(100000, 'x')});
        return device.device.statistics().out.overflowed > 0;
    };
    EXPECT_TRUE(eventually(overflowed));
    send(worker, {"nobody", "x"});
    EXPECT_TRUE(eventually([&] { return device.device.statistics().out.unroutable == 1; }));
}

TEST_F(OnWire, AConnectRoutingIdNamesThePeerOfTheFirstConnect) {
    auto first = unbound(ZMQ_DEALER), second = unbound(ZMQ_DEALER);
    auto spec = pair(ZMQ_ROUTER, ZMQ_DEALER);
    spec.in.binds = {};
    for (auto* const each : {&first, &second}) {
        each->bind("tcp://127.0.0.1:*");
        spec.in.connects.push_back(each->get(zmq::sockopt::last_endpoint));
    }
    second.set(zmq::sockopt::routing_id, "own name");
    spec.in.options.connect_routing_id = "first";
    running device(spec);
    auto worker = dial(ZMQ_DEALER, device.at("out"));
    ASSERT_TRUE(device.connected("in", 2) && device.connected("out", 1));
    send(worker, {"first", "hello"});
    EXPECT_EQ(recv(first), message{"hello"});
    send(first, {"answer"});
    EXPECT_EQ(recv(worker), (message{"first", "answer"}));
    EXPECT_EQ(device.device.statistics().out.unroutable, 0);
}

TEST_F(OnWire, MessagesThatNobodySubscribedToAreCounted) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUB);
    running device(spec);
    auto source = dial(ZMQ_PUSH, device.at("in"));
    send(source, {"nobody"});
    EXPECT_TRUE(eventually([&] { return device.device.connections("out").unmatched == 1; }));
    EXPECT_EQ(device.device.connections("out").subscriber_drops, 0);
}

}  // namespace
}  // namespace zdev::test
