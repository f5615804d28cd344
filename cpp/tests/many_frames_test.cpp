// Messages of very many frames: they are dropped whole, and delay nothing else.

#include "support.hpp"
#include "zmtp_peer.hpp"

using namespace zdev::test;

namespace {

constexpr std::size_t most_frames = 65536;

class ManyFrames : public testing::Test, public sockets {
public:
    ManyFrames() : sockets("tcp") {}

    // A message of empty frames, as bytes on the wire.
    static std::string empty_frames(std::size_t count) {
        std::string bytes;
        bytes.reserve(2 * count);
        for (std::size_t i = 1; i < count; ++i) bytes += frame("", more);
        return bytes + frame("");
    }
};

}  // namespace

TEST_F(ManyFrames, UpToTheLimitPassWhole) {
    auto in = bound(ZMQ_PULL), out = bound(ZMQ_PUSH);
    auto receiver = peer(ZMQ_PULL, out);
    zdev::device device(in, out);
    background run(device);
    zmtp_peer sender(context, in, "PUSH");
    sender.say(empty_frames(most_frames));
    EXPECT_EQ(recv(receiver).size(), most_frames);
    EXPECT_EQ(device.statistics().in.malformed, 0u);
}

TEST_F(ManyFrames, BeyondTheLimitDropTheirMessageAndNoOther) {
    auto in = bound(ZMQ_ROUTER), out = bound(ZMQ_DEALER);
    auto worker = peer(ZMQ_DEALER, out), client = peer(ZMQ_DEALER, in, named("client"));
    zdev::device device(in, out);
    background run(device);
    zmtp_peer eve(context, in, "DEALER", "eve");
    for (const std::size_t count : {most_frames, most_frames + 1, 3 * most_frames}) {  // and the routing id
        eve.say(empty_frames(count) + frame("next"));
        EXPECT_EQ(recv(worker), (message{"eve", "next"}));
        send(client, {"whole"});
        EXPECT_EQ(recv(worker), (message{"client", "whole"}));
    }
    const auto in_ = device.statistics().in;
    EXPECT_EQ(in_.malformed, 3u);
    EXPECT_EQ(in_.messages_received, 9u);
    EXPECT_EQ(in_.frames_received, 5 * most_frames + 1 + 3 + 12);
}

TEST_F(ManyFrames, OfARequestLeaveARepReadyForTheNext) {
    auto in = bound(ZMQ_REP), out = bound(ZMQ_REQ);
    auto worker = peer(ZMQ_REP, out), client = peer(ZMQ_REQ, in);
    zdev::device device(in, out);
    background run(device);
    zmtp_peer eve(context, in, "REQ");
    eve.say(empty_frames(2 * most_frames));
    ASSERT_TRUE(eventually([&] { return device.statistics().in.malformed == 1; }));
    send(client, {"question"});
    EXPECT_EQ(recv(worker), message{"question"});
    send(worker, {"answer"});
    EXPECT_EQ(recv(client), message{"answer"});
}

TEST_F(ManyFrames, OfASubscriberDropTheirMessageAndNoOther) {
    auto in = bound(ZMQ_XSUB), out = bound(ZMQ_XPUB);
    auto publisher = peer(ZMQ_XPUB, in), subscriber = peer(ZMQ_XSUB, out);
    zdev::device device(in, out);
    background run(device);
    send(subscriber, {"\1news"});
    EXPECT_EQ(recv(publisher), message{"\1news"});
    zmtp_peer eve(context, out, "XSUB");
    eve.say(empty_frames(2 * most_frames));
    ASSERT_TRUE(eventually([&] { return device.statistics().out.malformed == 1; }));
    send(subscriber, {"mine", "alone"});
    EXPECT_EQ(recv(publisher), (message{"mine", "alone"}));
}

// A run that its interrupt check ends is one iteration of the loop.
TEST_F(ManyFrames, DelayNeitherTheOtherDirectionNorAStop) {
    constexpr std::size_t count = 4 * most_frames;
    auto in = bound(ZMQ_DEALER), out = bound(ZMQ_DEALER);
    auto worker = peer(ZMQ_DEALER, out), client = peer(ZMQ_DEALER, in);
    zdev::device device(in, out);
    const auto turn = [&] { device.run([&] { device.stop(); }); };
    const auto frames = [&] { return device.statistics().in.frames_received; };
    send(worker, {"for the first peer of in"});
    ASSERT_TRUE(eventually([&] { return turn(), try_recv(client, a_moment).has_value(); }));
    zmtp_peer eve(context, in, "DEALER");
    eve.say(empty_frames(count));
    ASSERT_TRUE(eventually([&] { return turn(), frames() > most_frames; }));
    EXPECT_LT(frames(), 2 * most_frames);

    send(worker, {"the other direction"});
    ASSERT_TRUE(eventually([&] { return (out.get(zmq::sockopt::events) & ZMQ_POLLIN) != 0; }));
    turn();
    EXPECT_EQ(recv(client), message{"the other direction"});
    EXPECT_LT(frames(), 2 * most_frames);

    background run(device);
    send(client, {"whole"});
    EXPECT_EQ(recv(worker), message{"whole"});
    EXPECT_EQ(frames(), count + 1);
    EXPECT_EQ(device.statistics().in.malformed, 1u);
}

TEST_F(ManyFrames, ThatADeviceLeftUnreadBeginNoMessageOfTheNextDevice) {
    auto in = bound(ZMQ_PULL), out = bound(ZMQ_PUSH);
    auto sender = peer(ZMQ_PUSH, in), receiver = peer(ZMQ_PULL, out);
    send(sender, {"one", "two", "three"});
    zmq::message_t first;
    ASSERT_TRUE(in.recv(first));
    zdev::device device(in, out);
    background run(device);
    send(sender, {"whole"});
    EXPECT_EQ(recv(receiver), message{"whole"});
}

TEST_F(ManyFrames, AtTheControlSocketAreNotExecuted) {
    auto in = bound(ZMQ_PULL), out = bound(ZMQ_PUSH), ctrl = bound(ZMQ_DEALER);
    auto operator_socket = peer(ZMQ_DEALER, ctrl);
    zdev::options options;
    options.control = ctrl;
    zdev::device device(in, out, options);
    background run(device);
    EXPECT_EQ(ask(operator_socket, {"STATISTICS"}).size(), 8u);  // the first peer gets the next reply too
    zmtp_peer eve(context, ctrl, "DEALER");
    eve.say(empty_frames(2 * most_frames));
    EXPECT_EQ(ask(operator_socket, {"STATISTICS"}).size(), 8u);
    send(operator_socket, {"TERMINATE"});
    EXPECT_EQ(run.result(), zdev::outcome::stopped);
}
