// Rows 12 and 13 of the relay contract: terminated contexts, closed sockets, and sockets that cannot send or receive now.

#include "support.hpp"

using namespace zdev::test;
using zdev::state;

class Termination : public OnTransport {};
ZDEV_ON_BOTH_TRANSPORTS(Termination);

TEST_P(Termination, OfTheContextEndsAnIdleRunWithETERM) {
    auto in = bound(ZMQ_ROUTER), out = bound(ZMQ_DEALER), mon = bound(ZMQ_PUB), control = bound(ZMQ_REP);
    zdev::options options;
    options.monitor.socket = mon;
    options.control = control;
    zdev::device device(in, out, options);
    background run(device);
    EXPECT_TRUE(eventually([&] { return device.statistics().state == state::active; }));
    context.shutdown();
    EXPECT_EQ(errno_of([&] { run.result(); }), ETERM);
    EXPECT_EQ(device.statistics().state, state::idle);
}

TEST_P(Termination, OfTheContextEndsAPausedRun) {
    auto in = bound(ZMQ_PULL), out = bound(ZMQ_PUSH);
    zdev::device device(in, out);
    background run(device);
    device.pause();
    EXPECT_TRUE(eventually([&] { return device.statistics().state == state::paused; }));
    context.shutdown();
    EXPECT_EQ(errno_of([&] { run.result(); }), ETERM);
}

TEST_P(Termination, OfTheContextEndsABlockedRun) {
    auto in = bound(ZMQ_PULL, tiny), out = bound(ZMQ_PUSH, tiny);
    auto source = peer(ZMQ_PUSH, in, tiny), sink = peer(ZMQ_PULL, out, tiny);
    zdev::device device(in, out);
    background run(device);
    fill(source);
    context.shutdown();
    EXPECT_EQ(errno_of([&] { run.result(); }), ETERM);
}

TEST_P(Termination, OfTheContextEndsARunUnderLoad) {
    auto in = bound(ZMQ_DEALER), out = bound(ZMQ_DEALER);
    auto left = peer(ZMQ_DEALER, in), right = peer(ZMQ_DEALER, out);
    for (int i = 0; i < 500; ++i) send(left, {"circulates for ever"});
    zdev::device device(in, out), left_mirror(left, left), right_mirror(right, right);
    background run(device), from_left(left_mirror), from_right(right_mirror);
    EXPECT_TRUE(eventually([&] { return device.statistics().out.messages_sent > 1000; }));
    context.shutdown();
    EXPECT_EQ(errno_of([&] { run.result(); }), ETERM);
    EXPECT_EQ(errno_of([&] { from_left.result(); }), ETERM);
    EXPECT_EQ(errno_of([&] { from_right.result(); }), ETERM);
}

class ClosedSocket : public testing::TestWithParam<const char*>, public sockets {};
INSTANTIATE_TEST_SUITE_P(ByRole, ClosedSocket, testing::Values("in", "out", "mon", "ctrl"));

TEST_P(ClosedSocket, EndsTheRunWithENOTSOCK) {
    auto in = bound(ZMQ_ROUTER), out = bound(ZMQ_DEALER), mon = bound(ZMQ_PUSH), ctrl = bound(ZMQ_REP);
    auto client = peer(ZMQ_DEALER, in), worker = peer(ZMQ_DEALER, out), watcher = peer(ZMQ_PULL, mon);
    zdev::options options;
    options.monitor.socket = mon;
    options.control = ctrl;
    zdev::device device(in, out, options);
    const std::string role = GetParam();
    auto& victim = role == "in" ? in : role == "out" ? out : role == "mon" ? mon : ctrl;
    std::atomic<bool> close{false};
    background run(device, [&] {  // in the thread of run(), like a Python signal handler
        if (close) victim.close();
    });
    send(client, {"while open"});
    recv(worker);
    close = true;
    // A monitor is only written to, so its closing is noticed at the next message.
    EXPECT_TRUE(eventually([&] { return client.send(zmq::str_buffer("to copy"), zmq::send_flags::dontwait), run.over(1ms); }));
    EXPECT_EQ(errno_of([&] { run.result(); }), ENOTSOCK);
    EXPECT_EQ(device.statistics().state, state::idle);
}

class OutOfTurn : public OnTransport {};
ZDEV_ON_BOTH_TRANSPORTS(OutOfTurn);

TEST_P(OutOfTurn, RepReqServesSeveralClientsInTurn) {
    auto in = bound(ZMQ_REP), out = bound(ZMQ_REQ);
    auto worker = peer(ZMQ_REP, out);
    std::vector<zmq::socket_t> clients;
    for (int c = 0; c < 4; ++c) clients.push_back(peer(ZMQ_REQ, in));
    zdev::device device(in, out), mirror(worker, worker);
    background run(device), answering(mirror);
    for (int round = 0; round < 20; ++round) {
        for (int c = 0; c < 4; ++c) send(clients[c], {std::to_string(c), std::to_string(round)});
        for (int c = 0; c < 4; ++c) ASSERT_EQ(recv(clients[c]), (message{std::to_string(c), std::to_string(round)}));
    }
}

TEST_P(OutOfTurn, AClientThatDisconnectsBeforeItsReplyDoesNotBlockRep) {
    auto in = bound(ZMQ_REP), out = bound(ZMQ_REQ);
    auto client = peer(ZMQ_REQ, in), hasty = peer(ZMQ_REQ, in), worker = peer(ZMQ_REP, out);
    zdev::device device(in, out);
    background run(device);
    send(hasty, {"never mind"});
    recv(worker);
    hasty.close();
    send(worker, {"to nobody"});
    send(client, {"question"});
    EXPECT_EQ(recv(worker), message{"question"});
    send(worker, {"answer"});
    EXPECT_EQ(recv(client), message{"answer"});
}
