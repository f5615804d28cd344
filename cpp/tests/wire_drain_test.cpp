// A drain of the wire engine waits for the replies to the requests that it has forwarded, and for nothing else.

#include "wire_support.hpp"

namespace zdev::test {
namespace {

class WireDrain : public OnWire {
protected:
    running device{pair(ZMQ_ROUTER, ZMQ_DEALER)};
    zmq::socket_t anna = dial(ZMQ_DEALER, device.at("in"), named("anna"));
    zmq::socket_t bert = dial(ZMQ_DEALER, device.at("in"), named("bert"));
    zmq::socket_t worker = dial(ZMQ_DEALER, device.at("out"));

    std::uint64_t pending() const { return device.device.statistics().pending_replies; }
    bool answered(std::uint64_t replies) {
        return eventually([&] { return device.device.statistics().out.messages_received == replies; });
    }
};

TEST_F(WireDrain, RepliesAreCountedByThePeerThatAsked) {
    send(anna, {"request"});
    send(bert, {"request"});
    recv(worker), recv(worker);
    EXPECT_EQ(pending(), 2);
    for (int i = 0; i < 3; ++i) send(worker, {"anna", "reply"});
    ASSERT_TRUE(answered(3));
    EXPECT_EQ(pending(), 1);  // further replies to anna do not count for bert
    send(worker, {"nobody", "heartbeat"});
    send(worker, {"malformed"});
    ASSERT_TRUE(answered(5));
    EXPECT_EQ(pending(), 1);
    device.device.drain(10s);
    EXPECT_FALSE(device.over(50ms));
    send(worker, {"bert", "reply"});
    EXPECT_EQ(recv(bert), message{"reply"});
    EXPECT_EQ(device.result(), outcome::drained);
}

TEST_F(WireDrain, ARequestThatArrivesDuringADrainIsNotForwardedAndIsCounted) {
    send(anna, {"request"});
    recv(worker);
    device.device.drain(10s);
    ASSERT_TRUE(eventually([&] { return device.device.statistics().state == state::draining; }));
    send(bert, {"too late"});
    EXPECT_TRUE(silent(worker));
    send(worker, {"anna", "reply"});
    EXPECT_EQ(recv(anna), message{"reply"});
    EXPECT_EQ(device.result(), outcome::drained);
    EXPECT_EQ(device.device.connections("in").drain_discards, 1);
    EXPECT_EQ(device.device.connections("in").messages_lost, 0);
    EXPECT_TRUE(silent(worker));
}

TEST_F(WireDrain, AReplyToAClientThatLeftIsAReply) {
    send(anna, {"request"});
    recv(worker);
    anna.close();
    ASSERT_TRUE(device.connected("in", 1));
    EXPECT_EQ(pending(), 1);
    send(worker, {"anna", "reply"});
    EXPECT_TRUE(eventually([&] { return pending() == 0; }));
    EXPECT_EQ(device.device.statistics().out.unroutable, 1);
}

TEST_F(WireDrain, WhileDrainingPauseAndResumeHaveNoEffect) {
    send(anna, {"request"});
    recv(worker);
    device.device.drain(10s);
    device.device.pause();
    ASSERT_TRUE(eventually([&] { return device.device.statistics().state == state::draining; }));
    device.device.resume();
    send(worker, {"anna", "reply"});
    EXPECT_EQ(recv(anna), message{"reply"});
    EXPECT_EQ(device.result(), outcome::drained);
}

TEST_F(OnWire, ADeviceWithoutRepliesDrainsAtOnce) {
    for (const auto& [in, out] : {std::pair{ZMQ_PULL, ZMQ_PUSH}, {ZMQ_XSUB, ZMQ_XPUB}}) {
        running device(pair(in, out));
        device.device.drain(-1ms);
        EXPECT_EQ(device.result(), outcome::drained);
    }
}

TEST_F(OnWire, BetweenDealersThereIsOneCountForAll) {
    running device(pair(ZMQ_DEALER, ZMQ_DEALER));
    auto client = dial(ZMQ_DEALER, device.at("in")), worker = dial(ZMQ_DEALER, device.at("out"));
    for (int i = 0; i < 10; ++i) send(client, {std::to_string(i)});
    for (int i = 0; i < 10; ++i) recv(worker);
    EXPECT_EQ(device.device.statistics().pending_replies, 10);
    for (int i = 0; i < 10; ++i) send(worker, {std::to_string(i)});
    for (int i = 0; i < 10; ++i) recv(client);
    EXPECT_EQ(device.device.statistics().pending_replies, 0);
}

}  // namespace
}  // namespace zdev::test
