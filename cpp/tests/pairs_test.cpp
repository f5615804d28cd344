// The socket types that a device accepts, and the directions that it relays.

#include "support.hpp"

using namespace zdev::test;

class Pairs : public OnTransport {};
ZDEV_ON_BOTH_TRANSPORTS(Pairs);

TEST_P(Pairs, RouterDealerRelaysRequestsAndReplies) {
    auto in = bound(ZMQ_ROUTER), out = bound(ZMQ_DEALER);
    auto client = peer(ZMQ_REQ, in), worker = peer(ZMQ_REP, out);
    zdev::device device(in, out);
    background run(device);
    send(client, {"a", "question"});
    EXPECT_EQ(recv(worker), (message{"a", "question"}));
    send(worker, {"an", "answer"});
    EXPECT_EQ(recv(client), (message{"an", "answer"}));
}

TEST_P(Pairs, RouterRouterRelaysBetweenPeersThatAddressEachOther) {
    auto in = bound(ZMQ_ROUTER), out = bound(ZMQ_ROUTER);
    auto client = peer(ZMQ_DEALER, in, named("client")), worker = peer(ZMQ_DEALER, out, named("worker"));
    introduce(client, in);
    introduce(worker, out);
    zdev::device device(in, out);
    background run(device);
    send(client, {"worker", "question"});
    EXPECT_EQ(recv(worker), (message{"client", "question"}));
    send(worker, {"client", "answer"});
    EXPECT_EQ(recv(client), (message{"worker", "answer"}));
}

class BothWays : public testing::TestWithParam<std::tuple<int, const char*>>, public sockets {
public:
    BothWays() : sockets(std::get<1>(GetParam())) {}
};
INSTANTIATE_TEST_SUITE_P(DealerAndPair, BothWays,
                         testing::Combine(testing::Values(ZMQ_DEALER, ZMQ_PAIR), testing::Values("inproc", "tcp")));

TEST_P(BothWays, EitherEndMaySendAtAnyTime) {
    const int type = std::get<0>(GetParam());
    auto in = bound(type), out = bound(type);
    auto left = peer(type, in), right = peer(type, out);
    zdev::device device(in, out);
    background run(device);
    send(left, {"to the right", "1"});
    send(left, {"to the right", "2"});
    send(right, {"to the left"});
    EXPECT_EQ(recv(right), (message{"to the right", "1"}));
    EXPECT_EQ(recv(right), (message{"to the right", "2"}));
    EXPECT_EQ(recv(left), (message{"to the left"}));
}

TEST_P(Pairs, RepReqWithTheSmallestHighWaterMarksLosesNoReply) {
    auto in = bound(ZMQ_REP, tiny), out = bound(ZMQ_REQ, tiny);
    auto client = peer(ZMQ_REQ, in, tiny),
         worker = peer(ZMQ_REP, out);  // default high-water marks, since its replies need room
    zdev::device device(in, out);
    background run(device);
    for (int i = 0; i < 2000; ++i) {
        send(client, {std::to_string(i)});
        ASSERT_EQ(recv(worker), message{std::to_string(i)});
        send(worker, {"answer", std::to_string(i)});
        ASSERT_EQ(recv(client), (message{"answer", std::to_string(i)}));
    }
}

TEST_P(Pairs, PullPushRelaysOneWay) {
    auto in = bound(ZMQ_PULL), out = bound(ZMQ_PUSH);
    auto source = peer(ZMQ_PUSH, in), sink = peer(ZMQ_PULL, out);
    zdev::device device(in, out);
    background run(device);
    for (int i = 0; i < 10; ++i) send(source, numbered(i));
    for (int i = 0; i < 10; ++i) EXPECT_EQ(recv(sink), numbered(i));
}

TEST_P(Pairs, PushPullRelaysFromOutToIn) {
    auto in = bound(ZMQ_PUSH), out = bound(ZMQ_PULL), mon = bound(ZMQ_PUSH);
    auto source = peer(ZMQ_PUSH, out), sink = peer(ZMQ_PULL, in), watcher = peer(ZMQ_PULL, mon);
    zdev::options options;
    options.monitor.socket = mon;
    zdev::device device(in, out, options);
    background run(device);
    for (int i = 0; i < 10; ++i) {
        send(source, numbered(i));
        EXPECT_EQ(recv(sink), numbered(i));
        EXPECT_EQ(recv(watcher), numbered(i, {"out"}));
    }
    EXPECT_EQ(device.statistics().out.messages_sent, 10u);
    EXPECT_EQ(device.statistics().in.messages_received, 0u);
    device.drain(-1ms);
    EXPECT_EQ(run.result(), zdev::outcome::drained);
}

TEST_P(Pairs, PubSubAndXpubSubRelayFromOutToIn) {
    for (const int type : {ZMQ_PUB, ZMQ_XPUB}) {
        auto in = bound(type), out = bound(ZMQ_SUB);
        out.set(zmq::sockopt::subscribe, "");
        auto publisher = peer(ZMQ_PUB, out), subscriber = peer(ZMQ_SUB, in);
        subscriber.set(zmq::sockopt::subscribe, "");
        zdev::device device(in, out);
        background run(device);
        synchronise(publisher, subscriber);
        send(publisher, {"news", "of today"});
        EXPECT_EQ(recv(subscriber), (message{"news", "of today"}));
    }
}

TEST_P(Pairs, WhereOneOfTwoSocketsGoesBothWaysTheOtherChoosesTheDirection) {
    auto in = bound(ZMQ_PUSH), out = bound(ZMQ_DEALER);
    auto source = peer(ZMQ_DEALER, out), sink = peer(ZMQ_PULL, in);
    zdev::device device(in, out);
    background run(device);
    send(source, {"back"});
    EXPECT_EQ(recv(sink), message{"back"});
}

TEST_P(Pairs, SubPubRelaysOneWay) {
    auto in = bound(ZMQ_SUB), out = bound(ZMQ_PUB);
    in.set(zmq::sockopt::subscribe, "");
    auto publisher = peer(ZMQ_PUB, in), subscriber = peer(ZMQ_SUB, out);
    subscriber.set(zmq::sockopt::subscribe, "");
    zdev::device device(in, out);
    background run(device);
    synchronise(publisher, subscriber);
    send(publisher, {"news", "of today"});
    EXPECT_EQ(recv(subscriber), (message{"news", "of today"}));
}

TEST_P(Pairs, XsubXpubRelaysSubscriptionsUpstream) {
    auto in = bound(ZMQ_XSUB), out = bound(ZMQ_XPUB);
    auto publisher = peer(ZMQ_XPUB, in), subscriber = peer(ZMQ_SUB, out);
    zdev::device device(in, out);
    background run(device);
    subscriber.set(zmq::sockopt::subscribe, "a");
    EXPECT_EQ(recv(publisher), (message{"\1a"}));
    send(publisher, {"b", "not wanted"});
    send(publisher, {"a", "wanted"});
    EXPECT_EQ(recv(subscriber), (message{"a", "wanted"}));
    subscriber.set(zmq::sockopt::unsubscribe, "a");
    EXPECT_EQ(recv(publisher), (message{std::string("\0a", 2)}));
}

TEST_P(Pairs, RepReqRelaysOneRequestAtATime) {
    auto in = bound(ZMQ_REP), out = bound(ZMQ_REQ);
    auto client = peer(ZMQ_REQ, in), worker = peer(ZMQ_REP, out);
    zdev::device device(in, out);
    background run(device);
    for (int i = 0; i < 5; ++i) {
        send(client, numbered(i));
        EXPECT_EQ(recv(worker), numbered(i));
        send(worker, {"answer", std::to_string(i)});
        EXPECT_EQ(recv(client), (message{"answer", std::to_string(i)}));
    }
}

class OneSocketAsBothEnds : public testing::TestWithParam<std::tuple<std::pair<int, int>, const char*>>, public sockets {
public:
    OneSocketAsBothEnds() : sockets(std::get<1>(GetParam())) {}
};
INSTANTIATE_TEST_SUITE_P(TypeAndPeer, OneSocketAsBothEnds,
                         testing::Combine(testing::Values(std::pair(ZMQ_REP, ZMQ_REQ), std::pair(ZMQ_ROUTER, ZMQ_DEALER),
                                                          std::pair(ZMQ_ROUTER, ZMQ_REQ), std::pair(ZMQ_PAIR, ZMQ_PAIR),
                                                          std::pair(ZMQ_DEALER, ZMQ_DEALER)),
                                          testing::Values("inproc", "tcp")));

TEST_P(OneSocketAsBothEnds, EchoesEveryMessage) {
    const auto [type, peer_type] = std::get<0>(GetParam());
    auto both = bound(type);
    auto client = peer(peer_type, both);
    zdev::device device(both, both);
    background run(device);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(client, numbered(i)), numbered(i));
    EXPECT_TRUE(eventually([&] { return device.statistics().in.messages_sent == 3; }));
    EXPECT_EQ(device.statistics().out.messages_received, 0u);
}

struct pair_of_types {
    int in, out;
    const char *in_name, *out_name;
};

class RefusedPairs : public testing::TestWithParam<pair_of_types>, public sockets {};

TEST_P(RefusedPairs, AreRefusedAtOnceWithBothTypesInTheError) {
    const auto types = GetParam();
    auto in = bound(types.in), out = bound(types.out);
    try {
        zdev::device device(in, out);
        FAIL() << "nothing was thrown";
    } catch (const zdev::error& error) {
        EXPECT_EQ(error.num(), EINVAL);
        const std::string text = error.what();
        const auto first = text.find(types.in_name);
        ASSERT_NE(first, std::string::npos) << text;
        EXPECT_NE(text.find(types.out_name, types.in == types.out ? first + 1 : 0), std::string::npos) << text;
    }
}

INSTANTIATE_TEST_SUITE_P(NeitherCanReceive, RefusedPairs,
                         testing::Values(pair_of_types{ZMQ_PUSH, ZMQ_PUSH, "PUSH", "PUSH"},
                                         pair_of_types{ZMQ_PUSH, ZMQ_PUB, "PUSH", "PUB"},
                                         pair_of_types{ZMQ_PUB, ZMQ_PUB, "PUB", "PUB"}));
INSTANTIATE_TEST_SUITE_P(NeitherCanSend, RefusedPairs,
                         testing::Values(pair_of_types{ZMQ_PULL, ZMQ_PULL, "PULL", "PULL"},
                                         pair_of_types{ZMQ_PULL, ZMQ_SUB, "PULL", "SUB"},
                                         pair_of_types{ZMQ_SUB, ZMQ_SUB, "SUB", "SUB"}));
INSTANTIATE_TEST_SUITE_P(AnswersCannotPass, RefusedPairs,
                         testing::Values(pair_of_types{ZMQ_REP, ZMQ_PUSH, "REP", "PUSH"},
                                         pair_of_types{ZMQ_PUSH, ZMQ_REP, "PUSH", "REP"},
                                         pair_of_types{ZMQ_PUB, ZMQ_REQ, "PUB", "REQ"}));

// A ROUTER drops unroutable messages, after which a REP would wait for its reply for ever.
INSTANTIATE_TEST_SUITE_P(AnswerMayNeverCome, RefusedPairs,
                         testing::Values(pair_of_types{ZMQ_REP, ZMQ_ROUTER, "REP", "ROUTER"},
                                         pair_of_types{ZMQ_ROUTER, ZMQ_REP, "ROUTER", "REP"}));

class RefusedSockets : public OnInproc {};

TEST_F(RefusedSockets, OneSocketAsBothEndsMustSendAndReceive) {
    for (const int type : {ZMQ_PULL, ZMQ_PUSH, ZMQ_SUB, ZMQ_PUB}) {
        auto both = bound(type);
        EXPECT_EQ(errno_of([&] { zdev::device(both, both); }), EINVAL) << type;
    }
}

TEST_F(RefusedSockets, AMonitorMustBeAbleToSendAtAnyTime) {
    auto in = bound(ZMQ_ROUTER), out = bound(ZMQ_DEALER);
    for (const int type : {ZMQ_PULL, ZMQ_SUB, ZMQ_REP, ZMQ_REQ, ZMQ_ROUTER}) {
        zdev::options options;
        auto monitor = bound(type);
        options.monitor.socket = monitor;
        EXPECT_EQ(errno_of([&] { zdev::device(in, out, options); }), EINVAL) << type;
    }
}

TEST_F(RefusedSockets, AControlSocketMustBeAbleToReceiveCommands) {
    auto in = bound(ZMQ_ROUTER), out = bound(ZMQ_DEALER);
    for (const int type : {ZMQ_PUSH, ZMQ_PUB, ZMQ_XPUB, ZMQ_REQ, ZMQ_ROUTER}) {
        zdev::options options;
        auto control = bound(type);
        options.control = control;
        EXPECT_EQ(errno_of([&] { zdev::device(in, out, options); }), EINVAL) << type;
    }
}

TEST_F(RefusedSockets, AHandleThatIsNotASocketIsENOTSOCK) {
    auto open = bound(ZMQ_DEALER);
    EXPECT_EQ(errno_of([&] { zdev::device({}, open); }), ENOTSOCK);
    EXPECT_EQ(errno_of([&] { zdev::device(open, {}); }), ENOTSOCK);
    auto closed = bound(ZMQ_DEALER);
    const zmq::socket_ref late = closed;
    closed.close();
    EXPECT_EQ(errno_of([&] { zdev::device(late, open); }), ENOTSOCK);
    int no_socket[1000] = {};
    EXPECT_EQ(errno_of([&] { zdev::device(zmq::socket_ref(zmq::from_handle, no_socket), open); }), ENOTSOCK);
}

TEST_F(RefusedSockets, ARefusedSocketStaysOpenAndUsable) {
    auto in = bound(ZMQ_PUSH), out = bound(ZMQ_PUSH);
    EXPECT_EQ(errno_of([&] { zdev::device(in, out); }), EINVAL);
    auto sink = peer(ZMQ_PULL, out);
    send(out, {"still open"});
    EXPECT_EQ(recv(sink), (message{"still open"}));
}
