// Row 10 of the relay contract: a drain reads no more requests, delivers the pending replies, and ends the run.

#include "support.hpp"

using namespace zdev::test;
using zdev::outcome;
using zdev::state;

// A client at a ROUTER, a worker at a DEALER, and a REP control socket.
class Drain : public OnTransport {
public:
    zmq::socket_t in = bound(ZMQ_ROUTER), out = bound(ZMQ_DEALER), control = bound(ZMQ_REP);
    zmq::socket_t client = peer(ZMQ_DEALER, in, named("client")), worker = peer(ZMQ_DEALER, out), ctrl = peer(ZMQ_REQ, control);

    zdev::options options() {
        zdev::options result;
        result.control = control;
        return result;
    }
    void forward(const std::string& request) {
        send(client, {request});
        EXPECT_EQ(recv(worker), (message{"client", request}));
    }
};
ZDEV_ON_BOTH_TRANSPORTS(Drain);

TEST_P(Drain, EndsAtOnceIfNoReplyIsPending) {
    zdev::device device(in, out);
    background run(device);
    forward("request");
    send(worker, {"client", "reply"});
    EXPECT_EQ(recv(client), message{"reply"});
    device.drain(-1ms);
    EXPECT_EQ(run.result(), outcome::drained);
    EXPECT_EQ(device.statistics().state, state::idle);
}

TEST_P(Drain, UnrequestedMessagesOfWorkersDoNotCountAsRepliesToLaterRequests) {
    zdev::device device(in, out);
    background run(device);
    for (int i = 0; i < 3; ++i) {
        send(worker, {"client", "heartbeat"});
        EXPECT_EQ(recv(client), message{"heartbeat"});
    }
    for (const auto* request : {"1", "2"}) forward(request);
    begin_drain(device, -1ms);
    EXPECT_FALSE(run.over(a_moment)) << "two replies are pending";
    for (const auto* reply : {"one", "two"}) {
        send(worker, {"client", reply});
        EXPECT_EQ(recv(client), message{reply});
    }
    EXPECT_EQ(run.result(), outcome::drained);
}

TEST_P(Drain, DeliversEveryPendingReplyAndReadsNoNewRequest) {
    zdev::device device(in, out);
    background run(device);
    for (const auto* request : {"1", "2", "3"}) forward(request);
    begin_drain(device, -1ms);
    send(client, {"too late"});
    EXPECT_TRUE(silent(worker));
    for (const auto* reply : {"one", "two"}) {
        send(worker, {"client", reply});
        EXPECT_EQ(recv(client), message{reply});
    }
    EXPECT_FALSE(run.over(a_moment)) << "one reply is pending";
    send(worker, {"client", "three"});
    EXPECT_EQ(recv(client), message{"three"});
    EXPECT_EQ(run.result(), outcome::drained);
    EXPECT_EQ(recv(in), (message{"client", "too late"})) << "an unread request stays in the socket";
}

TEST_P(Drain, EndsAtItsTimeoutAndTheNextRunDeliversTheReply) {
    zdev::device device(in, out);
    {
        background run(device);
        forward("request");
        device.drain(50ms);
        EXPECT_EQ(run.result(), outcome::drain_timed_out);
    }
    background again(device);
    send(worker, {"client", "late reply"});
    EXPECT_EQ(recv(client), message{"late reply"});
}

TEST_P(Drain, OfZeroMillisecondsEndsAtOnce) {
    zdev::device device(in, out);
    background run(device);
    forward("request");
    device.drain(0ms);
    EXPECT_EQ(run.result(), outcome::drain_timed_out);
}

TEST_P(Drain, WithTheLongestPossibleTimeoutWaits) {
    zdev::device device(in, out);
    background run(device);
    forward("request");
    begin_drain(device, milliseconds::max());
    EXPECT_FALSE(run.over(a_moment));
    send(worker, {"client", "reply"});
    EXPECT_EQ(run.result(), outcome::drained);
}

TEST_P(Drain, WithMoreRepliesThanRequestsEndsAtOnce) {
    introduce(client, in);
    zdev::device device(in, out);
    background run(device);
    send(worker, {"client", "nobody asked"});
    EXPECT_EQ(recv(client), message{"nobody asked"});
    device.drain(-1ms);
    EXPECT_EQ(run.result(), outcome::drained);
}

TEST_P(Drain, CanBeStopped) {
    zdev::device device(in, out);
    background run(device);
    forward("request");
    begin_drain(device, -1ms);
    device.stop();
    EXPECT_EQ(run.result(), outcome::stopped);
}

TEST_P(Drain, ByCommandUsesTheTimeoutOfTheCommand) {
    zdev::device device(in, out, options());
    background run(device);
    forward("request");
    EXPECT_EQ(ask(ctrl, {"DRAIN 50"}), message{""});
    EXPECT_EQ(run.result(), outcome::drain_timed_out);
}

TEST_P(Drain, ByCommandWithoutATimeoutUsesTheTimeoutOfTheDevice) {
    auto brief = options();
    brief.drain_timeout = 50ms;
    zdev::device device(in, out, brief);
    background run(device);
    forward("request");
    EXPECT_EQ(ask(ctrl, {"DRAIN"}), message{""});
    EXPECT_EQ(run.result(), outcome::drain_timed_out);
}

TEST_P(Drain, RefusesPauseAndResumeAndAnswersStatistics) {
    zdev::device device(in, out, options());
    background run(device);
    forward("request");
    EXPECT_EQ(ask(ctrl, {"DRAIN"}), message{""});
    for (const auto* command : {"PAUSE", "RESUME"}) {
        const auto reply = ask(ctrl, {command});
        EXPECT_EQ(reply.size(), 1u);
        EXPECT_NE(reply[0], "") << command;
        EXPECT_EQ(device.statistics().state, state::draining);
    }
    EXPECT_EQ(ask(ctrl, {"STATISTICS"}).size(), 8u);
    send(client, {"too late"});
    EXPECT_TRUE(silent(worker));
    send(worker, {"client", "reply"});
    EXPECT_EQ(recv(client), message{"reply"});
    EXPECT_EQ(run.result(), outcome::drained);
}

TEST_P(Drain, IsEndedByTerminate) {
    zdev::device device(in, out, options());
    background run(device);
    forward("request");
    EXPECT_EQ(ask(ctrl, {"DRAIN"}), message{""});
    EXPECT_EQ(ask(ctrl, {"TERMINATE"}), message{""});
    EXPECT_EQ(run.result(), outcome::stopped);
}

TEST_P(Drain, IsNotEndedByAReplyThatComesTwice) {
    auto other = peer(ZMQ_DEALER, in, named("other"));
    zdev::device device(in, out);
    background run(device);
    forward("1");
    send(other, {"2"});
    EXPECT_EQ(recv(worker), (message{"other", "2"}));
    for (int i = 0; i < 2; ++i) {
        send(worker, {"client", "one"});
        EXPECT_EQ(recv(client), message{"one"});
    }
    EXPECT_EQ(device.statistics().pending_replies, 1u);
    begin_drain(device, -1ms);
    EXPECT_FALSE(run.over(a_moment)) << "one reply is pending";
    send(worker, {"other", "two"});
    EXPECT_EQ(recv(other), message{"two"});
    EXPECT_EQ(run.result(), outcome::drained);
}

TEST_P(Drain, IsNotEndedByAMessageThatIsNoReply) {
    in.set(zmq::sockopt::router_mandatory, true);
    zdev::device device(in, out);
    background run(device);
    forward("request");
    send(worker, {"heartbeat"});
    send(worker, {"nobody", "reply"});
    ASSERT_TRUE(eventually([&] { return device.statistics().out.unroutable == 1; }));
    EXPECT_EQ(device.statistics().out.malformed, 1u);
    EXPECT_EQ(device.statistics().pending_replies, 1u);
}

TEST_P(Drain, DoesNotWaitForAReplyThatCannotBeDelivered) {
    in.set(zmq::sockopt::router_mandatory, true);
    zdev::device device(in, out);
    {
        background run(device);
        forward("request");
    }
    client.close();
    ASSERT_TRUE(eventually([&] { return errno_of([&] { send(in, {"client", "are you there"}); }) == EHOSTUNREACH; }));
    EXPECT_EQ(device.statistics().pending_replies, 1u);
    background run(device);
    send(worker, {"client", "reply"});
    ASSERT_TRUE(eventually([&] { return device.statistics().out.unroutable == 1; }));
    EXPECT_EQ(device.statistics().pending_replies, 0u);
}
