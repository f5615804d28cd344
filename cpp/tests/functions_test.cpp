// The device functions: each runs a device until it ends with an exception.

#include "support.hpp"

using namespace zdev::test;

class Functions : public OnTransport {
public:
    // Runs a function that never returns until its context is shut down.
    background forever(const std::function<void()>& function) {
        return background([function] { return function(), zdev::outcome::stopped; }, [this] { context.shutdown(); });
    }
    int ends_with_its_context(background& run) {
        context.shutdown();
        return errno_of([&] { run.result(); });
    }
};
ZDEV_ON_BOTH_TRANSPORTS(Functions);

TEST_P(Functions, QueueRelaysBothWaysUntilItsContextEnds) {
    auto in = bound(ZMQ_ROUTER), out = bound(ZMQ_DEALER);
    auto client = peer(ZMQ_REQ, in), worker = peer(ZMQ_REP, out);
    auto run = forever([&] { zdev::queue(in, out); });
    send(client, {"question"});
    EXPECT_EQ(recv(worker), message{"question"});
    send(worker, {"answer"});
    EXPECT_EQ(recv(client), message{"answer"});
    EXPECT_EQ(ends_with_its_context(run), ETERM);
}

TEST_P(Functions, ForwarderRelaysPublishedMessages) {
    auto in = bound(ZMQ_SUB), out = bound(ZMQ_PUB);
    in.set(zmq::sockopt::subscribe, "");
    auto publisher = peer(ZMQ_PUB, in), subscriber = peer(ZMQ_SUB, out);
    subscriber.set(zmq::sockopt::subscribe, "");
    auto run = forever([&] { zdev::forwarder(in, out); });
    synchronise(publisher, subscriber);
    EXPECT_EQ(ends_with_its_context(run), ETERM);
}

TEST_P(Functions, StreamerRelaysPushedMessages) {
    auto in = bound(ZMQ_PULL), out = bound(ZMQ_PUSH);
    auto source = peer(ZMQ_PUSH, in), sink = peer(ZMQ_PULL, out);
    auto run = forever([&] { zdev::streamer(in, out); });
    send(source, {"a", "b"});
    EXPECT_EQ(recv(sink), (message{"a", "b"}));
    EXPECT_EQ(ends_with_its_context(run), ETERM);
}

TEST_P(Functions, MonitoredQueueCopiesWithThePrefixesInAndOut) {
    auto in = bound(ZMQ_PAIR), out = bound(ZMQ_PAIR), mon = bound(ZMQ_PUSH);
    auto left = peer(ZMQ_PAIR, in), right = peer(ZMQ_PAIR, out), watcher = peer(ZMQ_PULL, mon);
    auto run = forever([&] { zdev::monitored_queue(in, out, mon); });
    send(left, {"question"});
    EXPECT_EQ(recv(watcher), (message{"in", "question"}));
    send(right, {"answer"});
    EXPECT_EQ(recv(watcher), (message{"out", "answer"}));
    EXPECT_EQ(ends_with_its_context(run), ETERM);
}

TEST_P(Functions, MonitoredQueueAcceptsOtherPrefixes) {
    auto in = bound(ZMQ_PAIR), out = bound(ZMQ_PAIR), mon = bound(ZMQ_PUSH);
    auto left = peer(ZMQ_PAIR, in), right = peer(ZMQ_PAIR, out), watcher = peer(ZMQ_PULL, mon);
    auto run = forever([&] { zdev::monitored_queue(in, out, mon, "requests", ""); });
    send(left, {"question"});
    EXPECT_EQ(recv(watcher), (message{"requests", "question"}));
    send(right, {"answer"});
    EXPECT_EQ(recv(watcher), (message{"", "answer"}));
    EXPECT_EQ(ends_with_its_context(run), ETERM);
}

TEST_P(Functions, ProxyCapturesBothDirectionsWithoutAPrefix) {
    auto in = bound(ZMQ_PAIR), out = bound(ZMQ_PAIR), capture = bound(ZMQ_PUSH);
    auto left = peer(ZMQ_PAIR, in), right = peer(ZMQ_PAIR, out), watcher = peer(ZMQ_PULL, capture);
    auto run = forever([&] { zdev::proxy(in, out, capture); });
    send(left, {"a", "question"});
    EXPECT_EQ(recv(watcher), (message{"a", "question"}));
    send(right, {"an", "answer"});
    EXPECT_EQ(recv(watcher), (message{"an", "answer"}));
    EXPECT_EQ(ends_with_its_context(run), ETERM);
}

TEST_P(Functions, ProxyWorksWithoutACaptureSocket) {
    auto in = bound(ZMQ_PAIR), out = bound(ZMQ_PAIR);
    auto left = peer(ZMQ_PAIR, in), right = peer(ZMQ_PAIR, out);
    auto run = forever([&] { zdev::proxy(in, out); });
    send(left, {"question"});
    EXPECT_EQ(recv(right), message{"question"});
    EXPECT_EQ(ends_with_its_context(run), ETERM);
}

TEST_P(Functions, ProxySteerableExecutesCommandsAndReturns) {
    auto in = bound(ZMQ_PAIR), out = bound(ZMQ_PAIR), capture = bound(ZMQ_PUSH), control = bound(ZMQ_REP);
    auto left = peer(ZMQ_PAIR, in), right = peer(ZMQ_PAIR, out), watcher = peer(ZMQ_PULL, capture),
         ctrl = peer(ZMQ_REQ, control);
    const auto steerable = [&] { return zdev::proxy_steerable(in, out, capture, control); };
    const auto end = [this] { context.shutdown(); };
    {
        background run(steerable, end);
        send(left, {"question"});
        EXPECT_EQ(recv(right), message{"question"});
        EXPECT_EQ(recv(watcher), message{"question"});
        EXPECT_EQ(ask(ctrl, {"TERMINATE"}), message{""});
        EXPECT_EQ(run.result(), zdev::outcome::stopped);
    }
    background again(steerable, end);
    EXPECT_EQ(ask(ctrl, {"DRAIN"}), message{""});
    EXPECT_EQ(again.result(), zdev::outcome::drained);
}

TEST_P(Functions, RefuseAnInvalidPairAtOnce) {
    auto in = bound(ZMQ_PULL), out = bound(ZMQ_PULL);
    EXPECT_EQ(errno_of([&] { zdev::queue(in, out); }), EINVAL);
    EXPECT_EQ(errno_of([&] { zdev::streamer(in, out); }), EINVAL);
    EXPECT_EQ(errno_of([&] { zdev::proxy(in, out); }), EINVAL);
}
