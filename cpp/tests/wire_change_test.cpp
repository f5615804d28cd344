// A running device takes over another description.

#include "wire_support.hpp"

namespace zdev::test {
namespace {

using changes = std::vector<std::string>;

class WireChange : public OnWire {
protected:
    // What keeps the device from the change; empty: nothing.
    static std::string refusal(running& device, const wire::spec& wanted, int number) {
        try {
            device.device.change(wanted);
        } catch (const error& fault) {
            EXPECT_EQ(fault.num(), number);
            return fault.what();
        }
        return {};
    }
    static bool begun(running& device) {
        return eventually([&] { return device.device.statistics().state == state::active; });
    }
};

TEST_F(WireChange, NothingThatDiffersIsNoChange) {
    const auto spec = monitored(ZMQ_PULL, ZMQ_PUSH);
    running device(spec);
    ASSERT_TRUE(begun(device));
    EXPECT_EQ(device.device.change(spec), changes{});
}

TEST_F(WireChange, ALimitAppliesToTheNextConnectionAndLeavesTheOthers) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    running device(spec);
    raw_peer first(device.at("in")), second(device.at("in"));
    first.shake_hands(ZMQ_PUSH);
    second.shake_hands(ZMQ_PUSH);
    spec.in.options.max_connections = 1;
    spec.in.options.max_connections_per_address = 3;
    EXPECT_EQ(device.device.change(spec), (changes{"in: max_connections 0 -> 1", "in: max_connections_per_address 0 -> 3"}));
    raw_peer third(device.at("in"));
    EXPECT_TRUE(third.ended());
    EXPECT_TRUE(first.open() && second.open());

    spec.in.options.max_connections = 0;
    spec.in.options.max_connections_per_address = 2;
    device.device.change(spec);
    raw_peer fourth(device.at("in"));
    EXPECT_TRUE(fourth.ended());  // those before the limit count
    EXPECT_EQ(device.device.connections("in").refused_max_connections_per_address, 1);
}

TEST_F(WireChange, AnIdleTimeoutBeginsWithTheChangeAndEndsWithAnother) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    running device(spec);
    auto sink = dial(ZMQ_PULL, device.at("out"));
    ASSERT_TRUE(device.connected("out", 1));
    raw_peer idle(device.at("in"));
    idle.shake_hands(ZMQ_PUSH);
    spec.in.options.idle_timeout = 100ms;
    EXPECT_EQ(device.device.change(spec), changes{"in: idle_timeout 0 -> 100 ms"});
    EXPECT_TRUE(idle.ended());
    raw_peer next(device.at("in"));
    next.shake_hands(ZMQ_PUSH);
    spec.in.options.idle_timeout = 0ms;
    device.device.change(spec);
    const auto before = device.device.statistics().loop_iterations;
    EXPECT_TRUE(eventually([&] { return device.device.statistics().loop_iterations > before + 4; }));  // 250 ms each
    EXPECT_TRUE(next.open());
}

// A peer that does not read: how many messages wait for it then.
TEST_F(WireChange, TheHighWaterMarkOfPresentConnectionsRisesAndFalls) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.out->options.sndhwm = 10;
    spec.out->options.sndbuf = 4096;
    running device(spec);
    raw_peer slow(device.at("out"));
    slow.shrink();
    slow.shake_hands(ZMQ_PULL);
    ASSERT_TRUE(device.connected("out", 1));
    auto source = dial(ZMQ_PUSH, device.at("in"));
    const std::string large(20000, 'x');
    repeatedly sending([&] { zmq_send(source.handle(), large.data(), large.size(), ZMQ_DONTWAIT); });
    const auto waiting = [&] {
        for (const auto& each : device.device.peers()) {
            if (each.role == "out") return each.waiting;
        }
        return std::uint64_t{0};
    };
    EXPECT_TRUE(eventually([&] { return waiting() == 10; }));
    spec.out->options.sndhwm = 30;
    EXPECT_EQ(device.device.change(spec), changes{"out: sndhwm 10 -> 30"});
    EXPECT_TRUE(eventually([&] { return waiting() == 30; }));
    spec.out->options.sndhwm = 5;
    device.device.change(spec);
    EXPECT_EQ(waiting(), 30);  // what waits is not dropped
    repeatedly reading([&] { slow.receive(1, 1ms); });
    const auto sent = [&] { return device.device.statistics().in.messages_sent; };
    const auto before = sent();
    EXPECT_TRUE(eventually([&] { return sent() > before + 40; }));
}

TEST_F(WireChange, AFurtherBindAcceptsAndOneLessKeepsItsConnections) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    running device(spec);
    const std::string first = device.at("in");
    auto source = dial(ZMQ_PUSH, first);
    auto sink = dial(ZMQ_PULL, device.at("out"));
    ASSERT_TRUE(device.connected("in", 1) && device.connected("out", 1));

    spec.in.binds = {"tcp://127.0.0.2:*"};
    EXPECT_EQ(device.device.change(spec),
              (changes{"in: no longer bound to tcp://127.0.0.1:*", "in: bound to tcp://127.0.0.2:*"}));
    ASSERT_EQ(device.device.endpoints("in").size(), 1);
    EXPECT_THROW(raw_peer{first}, std::runtime_error);
    auto other = dial(ZMQ_PUSH, device.at("in"));
    ASSERT_TRUE(device.connected("in", 2));
    send(source, {"old"});
    EXPECT_EQ(recv(sink), message{"old"});
    send(other, {"new"});
    EXPECT_EQ(recv(sink), message{"new"});
    for (const auto& each : device.device.peers()) EXPECT_FALSE(each.endpoint.empty());
}

TEST_F(WireChange, EndpointsKeepTheOrderOfTheDescription) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.in.binds = {"tcp://127.0.0.1:*", "tcp://127.0.0.2:*"};
    running device(spec);
    ASSERT_TRUE(begun(device));
    const auto before = device.device.endpoints("in");
    spec.in.binds = {"tcp://127.0.0.3:*", "tcp://127.0.0.2:*", "tcp://127.0.0.1:*"};
    EXPECT_EQ(device.device.change(spec), changes{"in: bound to tcp://127.0.0.3:*"});
    const auto now = device.device.endpoints("in");
    ASSERT_EQ(now.size(), 3);
    EXPECT_EQ(now[0].substr(0, 16), "tcp://127.0.0.3:");
    EXPECT_EQ(now[1], before[1]);
    EXPECT_EQ(now[2], before[0]);
}

TEST_F(WireChange, AFailingBindChangesNothing) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    running device(spec);
    ASSERT_TRUE(begun(device));
    const auto before = device.device.endpoints("in");
    const reserved taken;
    auto wanted = spec;
    wanted.in.options.max_connections = 1;
    wanted.in.binds.emplace_back("tcp://127.0.0.2:*");
    wanted.out->binds = {taken.endpoint()};
    EXPECT_EQ(refusal(device, wanted, EADDRINUSE).find("device: cannot bind out (PUSH) to " + taken.endpoint()), 0);
    EXPECT_EQ(device.device.endpoints("in"), before);
    EXPECT_EQ(device.device.change(spec), changes{});
    auto source = dial(ZMQ_PUSH, device.at("in")), other = dial(ZMQ_PUSH, device.at("in"));
    EXPECT_TRUE(device.connected("in", 2));
}

TEST_F(WireChange, WhatARunningDeviceCannotChangeIsNamedAndNothingIsChanged) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    running device(spec);
    ASSERT_TRUE(begun(device));
    auto wanted = monitored(ZMQ_PULL, ZMQ_DEALER);
    wanted.in.options.ipv6 = true;
    wanted.in.options.sndhwm = 5;
    wanted.in.security = wire::plain_server{};
    EXPECT_EQ(refusal(device, wanted, ENOTSUP),
              "device: cannot be changed while it runs: in: ipv6 0 -> 1; in: its security or keys changed; out: type changed; "
              "mon: the socket is new");
    EXPECT_EQ(device.device.change(spec), changes{});
}

TEST_F(WireChange, ADeviceThatDoesNotRunIsNotChanged) {
    const auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    running device(spec);
    device.stop();
    EXPECT_EQ(refusal(device, spec, EAGAIN), "device: it is not running");
}

TEST_F(WireChange, AFurtherConnectIsUsedAtOnce) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    running device(spec);
    ASSERT_TRUE(begun(device));
    auto sink = unbound(ZMQ_PULL);
    sink.bind("tcp://127.0.0.1:*");
    const auto at = sink.get(zmq::sockopt::last_endpoint);
    spec.out->connects = {at};
    EXPECT_EQ(device.device.change(spec), changes{"out: connected to " + at});
    EXPECT_TRUE(device.connected("out", 1));
    auto source = dial(ZMQ_PUSH, device.at("in"));
    send(source, {"x"});
    EXPECT_EQ(recv(sink), message{"x"});
    EXPECT_EQ(device.device.connects("out").size(), 1);
}

TEST_F(WireChange, ARemovedConnectGetsWhatWaitsForItAndNoMore) {
    auto first = unbound(ZMQ_PULL), second = unbound(ZMQ_PULL);
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    std::vector<std::string> at;
    for (auto* const each : {&first, &second}) {
        each->bind("tcp://127.0.0.1:*");
        at.push_back(each->get(zmq::sockopt::last_endpoint));
    }
    spec.out->connects = {at[0]};
    running device(spec);
    ASSERT_TRUE(device.connected("out", 1));
    auto source = dial(ZMQ_PUSH, device.at("in"));
    for (int i = 0; i < 500; ++i) send(source, {"first"});
    EXPECT_TRUE(eventually([&] { return device.device.statistics().in.messages_sent == 500; }));
    spec.out->connects = {at[1]};
    device.device.change(spec);
    for (int i = 0; i < 500; ++i) send(source, {"second"});
    for (int i = 0; i < 500; ++i) EXPECT_EQ(recv(first), message{"first"});
    for (int i = 0; i < 500; ++i) EXPECT_EQ(recv(second), message{"second"});
    EXPECT_EQ(device.device.connections("out").messages_lost, 0);
    ASSERT_EQ(device.device.connects("out").size(), 1);
    EXPECT_EQ(device.device.connects("out")[0].endpoint, at[1]);
}

TEST_F(WireChange, ARemovedConnectThatDoesNotReadLeavesItsMessagesToOthersAfterTheLinger) {
    const reserved listener;
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.out->connects = {listener.endpoint()};
    spec.out->options.linger = 100ms;
    spec.out->options.sndbuf = 4096;
    running device(spec);
    auto source = dial(ZMQ_PUSH, device.at("in"));
    const std::string large(100000, 'x');
    zmtp::handshake ours({ZMQ_PULL, {}, {}});
    const int peer = ::accept(listener.fd(), nullptr, nullptr);
    const int size = 4096;
    ::setsockopt(peer, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    while (!ours.done()) {
        const std::string output = ours.take_output();
        ASSERT_EQ(::send(peer, output.data(), output.size(), MSG_NOSIGNAL), static_cast<ssize_t>(output.size()));
        char bytes[256];
        const ssize_t got = ::recv(peer, bytes, sizeof bytes, 0);
        ASSERT_GT(got, 0);
        ours.feed({bytes, static_cast<std::size_t>(got)});
    }
    const std::string last = ours.take_output();
    ::send(peer, last.data(), last.size(), MSG_NOSIGNAL);
    ASSERT_TRUE(device.connected("out", 1));
    for (int i = 0; i < 50; ++i) send(source, {large});
    EXPECT_TRUE(eventually([&] { return device.device.statistics().in.messages_sent == 50; }));
    spec.out->connects.clear();
    device.device.change(spec);
    auto sink = dial(ZMQ_PULL, device.at("out"));
    EXPECT_TRUE(eventually([&] { return device.connected("out", 1) && device.device.peers().size() == 2; }));
    std::uint64_t received = 0, bytes = 0;
    while (received + device.device.connections("out").messages_lost < 50 && try_recv(sink, 200ms)) ++received;
    std::vector<char> rest(large.size());
    for (ssize_t got; (got = ::recv(peer, rest.data(), rest.size(), 0)) > 0;) bytes += static_cast<std::uint64_t>(got);
    EXPECT_GT(received, 0);
    EXPECT_EQ(device.device.connections("out").messages_lost, 1);  // the one that was written in part
    EXPECT_EQ(received + 1 + bytes / framed({large}).size(), 50);
    ::close(peer);
}

TEST_F(WireChange, ARemovedConnectBringsTheRepliesThatItOwes) {
    auto worker = unbound(ZMQ_DEALER);
    worker.bind("tcp://127.0.0.1:*");
    auto spec = pair(ZMQ_ROUTER, ZMQ_DEALER);
    spec.out->connects = {worker.get(zmq::sockopt::last_endpoint)};
    running device(spec);
    auto client = dial(ZMQ_DEALER, device.at("in"));
    ASSERT_TRUE(device.connected("out", 1));
    send(client, {"question"});
    const auto question = recv(worker);
    spec.out->connects.clear();
    device.device.change(spec);
    send(client, {"next"});
    send(worker, question);
    EXPECT_EQ(recv(client), message{"question"});
    EXPECT_TRUE(eventually([&] { return device.device.peers().size() == 1; }));  // the client
    auto other = dial(ZMQ_DEALER, device.at("out"));
    EXPECT_EQ(recv(other).back(), "next");
}

TEST_F(WireChange, ARemovedConnectOfARouterGetsItsPendingReplies) {
    auto client = unbound(ZMQ_DEALER);
    client.bind("tcp://127.0.0.1:*");
    auto spec = pair(ZMQ_ROUTER, ZMQ_DEALER);
    spec.in.connects = {client.get(zmq::sockopt::last_endpoint)};
    running device(spec);
    auto worker = dial(ZMQ_DEALER, device.at("out"));
    ASSERT_TRUE(device.connected("in", 1) && device.connected("out", 1));
    send(client, {"question"});
    const auto question = recv(worker);
    spec.in.connects.clear();
    device.device.change(spec);
    send(worker, question);
    EXPECT_EQ(recv(client), message{"question"});
    EXPECT_TRUE(eventually([&] { return device.device.peers().size() == 1; }));  // the worker
    EXPECT_EQ(device.device.statistics().out.unroutable, 0);
}

TEST_F(WireChange, SubscriptionsOfASubAreAddedAndWithdrawn) {
    auto spec = pair(ZMQ_SUB, ZMQ_PUSH);
    spec.in.options.subscribe = {"a"};
    running device(spec);
    auto sink = dial(ZMQ_PULL, device.at("out"));
    auto source = dial(ZMQ_XPUB, device.at("in"));
    EXPECT_EQ(recv(source), message{"\1a"});
    spec.in.options.subscribe = {"b"};
    EXPECT_EQ(device.device.change(spec), changes{"in: subscribe changed"});
    EXPECT_EQ(recv(source), message{"\1b"});
    EXPECT_EQ(recv(source), message(1, std::string("\0a", 2)));
    send(source, {"b1"});
    EXPECT_EQ(recv(sink), message{"b1"});
}

TEST_F(WireChange, PrefixesAndPoliciesApplyToTheNextMessage) {
    auto spec = monitored(ZMQ_ROUTER, ZMQ_DEALER);
    running device(spec);
    auto watching = dial(ZMQ_SUB, device.at("mon"), subscribed_to(""));
    auto worker = dial(ZMQ_DEALER, device.at("out"));
    auto client = dial(ZMQ_DEALER, device.at("in"));
    ASSERT_TRUE(device.connected("mon", 1) && device.connected("out", 1) && device.connected("in", 1));
    send(client, {"x"});
    recv(worker);
    EXPECT_EQ(recv(watching).front(), "in");
    spec.mon->in_prefix = "other";
    spec.mon->on_full = zdev::on_full::drop;
    spec.on_full = zdev::on_full::drop;
    EXPECT_EQ(device.device.change(spec),
              (changes{"mon: in_prefix changed", "mon_on_full block -> drop", "on_full block -> drop"}));
    send(client, {"x"});
    recv(worker);
    EXPECT_EQ(recv(watching).front(), "other");
}

TEST_F(WireChange, ADescriptionMayChangeUnderLoadManyTimes) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.in.binds.emplace_back("tcp://127.0.0.1:*");
    running device(spec);
    ASSERT_TRUE(begun(device));
    auto source = dial(ZMQ_PUSH, device.at("in"));
    auto sink = dial(ZMQ_PULL, device.at("out"));
    std::uint64_t sent = 0, got = 0;
    for (int i = 0; i < 200; ++i) {
        spec.in.binds.resize(i % 2 + 1, "tcp://127.0.0.1:*");
        spec.out->options.sndhwm = static_cast<std::size_t>(i % 7 + 1);
        device.device.change(spec);
        for (int k = 0; k < 20; ++k) sent += zmq_send(source.handle(), "x", 1, ZMQ_DONTWAIT) == 1 ? 1 : 0;
        while (try_recv(sink, 0ms)) ++got;
    }
    while (got < sent && try_recv(sink, 2000ms)) ++got;
    EXPECT_EQ(got, sent);
}

}  // namespace
}  // namespace zdev::test
