// ROUTER, DEALER and one socket as both ends, on the wire engine.

#include "wire_support.hpp"

namespace zdev::test {
namespace {

TEST_F(OnWire, RequestsFindAWorkerAndRepliesTheirClient) {
    running device(pair(ZMQ_ROUTER, ZMQ_DEALER));
    auto anna = dial(ZMQ_REQ, device.at("in")), bert = dial(ZMQ_REQ, device.at("in"));
    auto worker = dial(ZMQ_REP, device.at("out"));
    for (int i = 0; i < 100; ++i) {
        send(anna, {"from anna", std::to_string(i)});
        send(bert, {"from bert", std::to_string(i)});
        for (int j = 0; j < 2; ++j) send(worker, recv(worker));
        EXPECT_EQ(recv(anna), (message{"from anna", std::to_string(i)}));
        EXPECT_EQ(recv(bert), (message{"from bert", std::to_string(i)}));
    }
    const auto s = device.device.statistics();
    EXPECT_EQ(s.in.messages_sent, 200);
    EXPECT_EQ(s.out.messages_sent, 200);
    EXPECT_EQ(s.in.frames_received, 200 * 4);
    EXPECT_TRUE(eventually([&] { return device.device.statistics().pending_replies == 0; }));
}

TEST_F(OnWire, LargeRequestsAndRepliesArriveWhole) {
    running device(pair(ZMQ_ROUTER, ZMQ_DEALER));
    auto client = dial(ZMQ_DEALER, device.at("in"), named("anna"));
    auto worker = dial(ZMQ_DEALER, device.at("out"));
    for (const std::size_t size : {100, 70000, 1000000, 5000000}) {
        const message sent{std::string(size, 'x'), std::string(size / 3, 'y')};
        send(client, sent);
        auto got = recv(worker);
        EXPECT_EQ(got[0], "anna");
        send(worker, got);
        EXPECT_EQ(recv(client), sent) << size;
    }
}

TEST_F(OnWire, BetweenRoutersTheFirstTwoFramesAreSwapped) {
    running device(pair(ZMQ_ROUTER, ZMQ_ROUTER));
    auto anna = dial(ZMQ_DEALER, device.at("in"), named("anna")), bert = dial(ZMQ_DEALER, device.at("out"), named("bert"));
    ASSERT_TRUE(device.connected("in", 1) && device.connected("out", 1));
    send(anna, {"bert", "", "hello"});
    EXPECT_EQ(recv(bert), (message{"anna", "", "hello"}));
    send(bert, {"anna", "answer"});
    EXPECT_EQ(recv(anna), (message{"bert", "answer"}));
    for (const message& bad : {message{"bert"}, message{"", "x"}, message{std::string(256, 'x'), "x"}}) send(anna, bad);
    send(anna, {"nobody", "x"});
    send(anna, {"bert", "next"});
    EXPECT_EQ(recv(bert), (message{"anna", "next"}));
    const auto s = device.device.statistics();
    EXPECT_EQ(s.in.malformed, 3);
    EXPECT_EQ(s.in.unroutable, 1);
    EXPECT_EQ(s.in.pending(), 0);
}

TEST_F(OnWire, AReplyWithoutEnvelopeOrForAClientThatLeftIsDroppedAndTheNextArrives) {
    running device(pair(ZMQ_ROUTER, ZMQ_DEALER));
    auto client = dial(ZMQ_DEALER, device.at("in"), named("anna"));
    auto worker = dial(ZMQ_DEALER, device.at("out"));
    ASSERT_TRUE(device.connected("in", 1) && device.connected("out", 1));
    send(worker, {"alone"});
    send(worker, {"gone", "reply"});
    send(worker, {"anna", "reply"});
    EXPECT_EQ(recv(client), message{"reply"});
    EXPECT_EQ(device.device.statistics().out.malformed, 1);
    EXPECT_EQ(device.device.statistics().out.unroutable, 1);
}

TEST_F(OnWire, DealersSpreadMessagesWithoutEnvelopes) {
    running device(pair(ZMQ_DEALER, ZMQ_DEALER));
    auto left = dial(ZMQ_DEALER, device.at("in")), right = dial(ZMQ_DEALER, device.at("out"));
    ASSERT_TRUE(device.connected("in", 1) && device.connected("out", 1));
    send(left, {"a", "b"});
    EXPECT_EQ(recv(right), (message{"a", "b"}));
    send(right, {"c"});
    EXPECT_EQ(recv(left), message{"c"});
}

TEST_F(OnWire, OneSocketAsBothEndsAnswersItself) {
    for (const int type : {ZMQ_ROUTER, ZMQ_DEALER}) {
        wire::spec spec;
        spec.in = listening(type);
        running device(spec);
        auto client = dial(ZMQ_DEALER, device.at("in"));
        send(client, {"ping", "1"});
        EXPECT_EQ(recv(client), (message{"ping", "1"}));
    }
}

TEST_F(OnWire, AFullClientHoldsTheOthersBackOrLosesItsOwn) {
    for (const on_full policy : {on_full::block, on_full::drop}) {
        auto spec = pair_over_ipc(ZMQ_ROUTER, ZMQ_DEALER);
        spec.in.options.sndhwm = 5;
        spec.on_full = policy;
        running device(spec);
        auto slow = dial(ZMQ_DEALER, device.at("in"), [](zmq::socket_t& s) { tiny(s), named("slow")(s); });
        auto quick = dial(ZMQ_DEALER, device.at("in"), named("quick"));
        auto worker = dial(ZMQ_DEALER, device.at("out"));
        ASSERT_TRUE(device.connected("in", 2) && device.connected("out", 1));
        const int sent = policy == on_full::block ? fill(worker, {"slow"}) : 1000;
        for (int i = 0; policy == on_full::drop && i < sent; ++i) send(worker, numbered(i, {"slow"}));
        if (policy == on_full::drop) {
            send(worker, {"quick", "hello"});
            EXPECT_EQ(recv(quick), message{"hello"});
            EXPECT_GT(device.device.statistics().out.overflowed, 0);
            EXPECT_EQ(recv(slow), numbered(0));
        } else {
            for (int i = 0; i < sent; ++i) ASSERT_EQ(recv(slow), numbered(i));
            send(worker, {"quick", "hello"});
            EXPECT_EQ(recv(quick), message{"hello"});
            EXPECT_EQ(device.device.statistics().out.overflowed, 0);
        }
    }
}

TEST_F(OnWire, ARoutingIdInUseIsRefusedOrHandedOver) {
    for (const bool handover : {false, true}) {
        auto spec = pair(ZMQ_ROUTER, ZMQ_DEALER);
        spec.in.options.router_handover = handover;
        running device(spec);
        auto worker = dial(ZMQ_DEALER, device.at("out"));
        raw_peer first(device.at("in")), second(device.at("in"));
        first.shake_hands(ZMQ_DEALER, "anna");
        ASSERT_TRUE(device.connected("in", 1) && device.connected("out", 1));
        second.shake_hands(ZMQ_DEALER, "anna");
        EXPECT_TRUE((handover ? first : second).ended());
        send(worker, {"anna", "hello"});
        EXPECT_EQ((handover ? second : first).receive(7), framed({"hello"}));
        EXPECT_EQ(device.device.connections("in").refused(), handover ? 0 : 1);
    }
}

TEST_F(OnWire, MessagesQueuedForAWorkerThatLeftGoToAnother) {
    auto spec = pair(ZMQ_ROUTER, ZMQ_DEALER);
    running device(spec);
    auto client = dial(ZMQ_DEALER, device.at("in"));
    raw_peer stuck(device.at("out"));
    stuck.shake_hands(ZMQ_DEALER);
    ASSERT_TRUE(device.connected("in", 1) && device.connected("out", 1));
    const message large{std::string(100000, 'x')};
    for (int i = 0; i < 200; ++i) send(client, large);
    ASSERT_TRUE(eventually([&] { return device.device.statistics().in.messages_sent == 200; }));
    stuck.reset();
    auto other = dial(ZMQ_DEALER, device.at("out"));
    int got = 0;
    while (try_recv(other, 500ms)) ++got;
    EXPECT_GT(got, 0);
    EXPECT_LE(device.device.connections("out").messages_lost, 1);  // the one that was written in part
}

}  // namespace
}  // namespace zdev::test
