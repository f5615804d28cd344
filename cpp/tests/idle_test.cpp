// Row 5 of the relay contract: a device that has nothing to do uses almost no CPU time, whatever the reason.

#include "cpu_time.hpp"
#include "support.hpp"

using namespace zdev::test;

class UsesNoCpu : public OnTransport {};
ZDEV_ON_BOTH_TRANSPORTS(UsesNoCpu);

TEST_P(UsesNoCpu, WhenIdle) {
    auto in = bound(ZMQ_ROUTER), out = bound(ZMQ_DEALER), control = bound(ZMQ_REP), mon = bound(ZMQ_PUB);
    auto client = peer(ZMQ_REQ, in), worker = peer(ZMQ_REP, out), ctrl = peer(ZMQ_REQ, control);
    zdev::options options;
    options.control = control;
    options.monitor.socket = mon;
    zdev::device device(in, out, options);
    background run(device);
    send(client, {"question"});
    send(worker, recv(worker));
    recv(client);
    EXPECT_EQ(ask(ctrl, {"STATISTICS"}).size(), 8u);
    expect_idle();
}

TEST_P(UsesNoCpu, WhenPausedWithMessagesWaiting) {
    auto in = bound(ZMQ_PAIR), out = bound(ZMQ_PAIR), control = bound(ZMQ_REP);
    auto left = peer(ZMQ_PAIR, in), right = peer(ZMQ_PAIR, out), ctrl = peer(ZMQ_REQ, control);
    zdev::options options;
    options.control = control;
    zdev::device device(in, out, options);
    background run(device);
    EXPECT_EQ(ask(ctrl, {"PAUSE"}), message{""});
    send(left, {"held"});
    send(right, {"held"});
    EXPECT_TRUE(silent(left));
    expect_idle();
}

TEST_P(UsesNoCpu, WithoutABackend) {
    auto in = bound(ZMQ_ROUTER), out = bound(ZMQ_DEALER);
    auto client = peer(ZMQ_DEALER, in);
    zdev::device device(in, out);
    background run(device);
    fill(client);
    expect_idle();
}

TEST_P(UsesNoCpu, WhenTheBackendIsFull) {
    auto in = bound(ZMQ_PULL, tiny), out = bound(ZMQ_PUSH, tiny);
    auto source = peer(ZMQ_PUSH, in, tiny), sink = peer(ZMQ_PULL, out, tiny);
    zdev::device device(in, out);
    background run(device);
    fill(source);
    expect_idle();
}

TEST_P(UsesNoCpu, WhenBothDirectionsAreFull) {
    auto in = bound(ZMQ_DEALER, tiny), out = bound(ZMQ_DEALER, tiny);
    auto left = peer(ZMQ_DEALER, in, tiny), right = peer(ZMQ_DEALER, out, tiny);
    zdev::device device(in, out);
    background run(device);
    fill(left);
    fill(right);
    expect_idle();
}

TEST_P(UsesNoCpu, WhenTheOnlyPeerOfARouterIsFull) {  // a ROUTER always reports POLLOUT
    auto in = bound(ZMQ_DEALER, tiny), out = bound(ZMQ_ROUTER, [](auto& s) { tiny(s), mandatory(s); });
    auto feeder = peer(ZMQ_DEALER, in, tiny), full = peer(ZMQ_DEALER, out, [](auto& s) { tiny(s), named("full")(s); });
    introduce(full, out);
    zdev::device device(in, out);
    background run(device);
    fill(feeder, {"full"});
    send(full, {"the other way"});
    EXPECT_EQ(recv(feeder), (message{"full", "the other way"}));
    expect_idle();
}

TEST_P(UsesNoCpu, WhenTheMonitorIsFull) {
    auto in = bound(ZMQ_PULL, tiny), out = bound(ZMQ_PUSH), mon = bound(ZMQ_PUSH, tiny);
    auto source = peer(ZMQ_PUSH, in, tiny), sink = peer(ZMQ_PULL, out), watcher = peer(ZMQ_PULL, mon, tiny);
    zdev::options options;
    options.monitor.socket = mon;
    zdev::device device(in, out, options);
    background run(device);
    fill(source);
    expect_idle();
}

TEST_P(UsesNoCpu, WhileUnneededSubscriptionsAreWaiting) {
    auto in = bound(ZMQ_SUB), out = bound(ZMQ_XPUB), mon = bound(ZMQ_XPUB);
    auto subscriber = peer(ZMQ_SUB, out), watcher = peer(ZMQ_SUB, mon);
    zdev::options options;
    options.monitor.socket = mon;
    zdev::device device(in, out, options);
    background run(device);
    for (auto* socket : {&subscriber, &watcher}) socket->set(zmq::sockopt::subscribe, "a");
    expect_idle();
}

TEST_P(UsesNoCpu, WhileOneSocketAsBothEndsIsFull) {
    auto both = bound(ZMQ_DEALER, tiny);
    auto client = peer(ZMQ_DEALER, both, tiny);
    zdev::device device(both, both);
    background run(device);
    fill(client);
    expect_idle();
}

TEST_P(UsesNoCpu, WhileRepWaitsForItsReply) {
    auto in = bound(ZMQ_REP), out = bound(ZMQ_REQ);
    auto client = peer(ZMQ_REQ, in), second = peer(ZMQ_REQ, in), worker = peer(ZMQ_REP, out);
    zdev::device device(in, out);
    background run(device);
    send(client, {"question"});
    recv(worker);
    send(second, {"waits for its turn"});
    expect_idle();
}

TEST_P(UsesNoCpu, WhileADrainWaitsForReplies) {
    auto in = bound(ZMQ_ROUTER), out = bound(ZMQ_DEALER);
    auto client = peer(ZMQ_DEALER, in), worker = peer(ZMQ_DEALER, out);
    zdev::device device(in, out);
    background run(device);
    send(client, {"question"});
    recv(worker);
    device.drain(-1ms);
    EXPECT_TRUE(eventually([&] { return device.statistics().state == zdev::state::draining; }));
    send(client, {"too late"});
    expect_idle();
}

TEST_P(UsesNoCpu, WhenTheOperatorDoesNotReadItsReplies) {
    auto in = bound(ZMQ_PULL), out = bound(ZMQ_PUSH), control = bound(ZMQ_PAIR, tiny);
    auto ctrl = peer(ZMQ_PAIR, control, tiny);
    zdev::options options;
    options.control = control;
    zdev::device device(in, out, options);
    background run(device);
    for (int i = 0; i < 1000 && writable(ctrl, a_moment); ++i) send(ctrl, {"STATISTICS"});
    expect_idle();
}
