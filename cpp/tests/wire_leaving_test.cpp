// Receivers that leave while a message is being delivered, with the loop turned by hand: the device notices in the middle of
// the delivery.

#include <gtest/gtest.h>

#include "fuzz/wire_stage.hpp"

namespace zdev::test {
namespace {

wire::spec full_after_one(int in, int out) {
    wire::spec spec;
    spec.in.options.sndhwm = 1;
    spec.out = spec.in;
    spec.in.type = in;
    spec.out->type = out;
    return spec;
}

std::string numbered(int number) {
    std::string bytes;
    zmtp::append_frame(bytes, 0, "message " + std::to_string(number));
    return bytes;
}

// A peer of `at` that is served, and has gone before the device notices.
void join(fuzz::wire_stage& stage, wire_peer& peer, fuzz::role_name at) {
    peer.say(say_hello(fuzz::peer_type(stage.type(at)), {}, 1));
    peer.write();
    for (int i = 0; i < 20 && !peer.ready(); ++i) stage.turn(), peer.read();
    ASSERT_TRUE(peer.ready());
    stage.turn();
}

TEST(WireLeaving, AMessageForAReceiverThatHasJustLeftGoesToAnother) {
    for (const auto& [in, out] : {std::pair{ZMQ_PULL, ZMQ_PUSH}, std::pair{ZMQ_ROUTER, ZMQ_DEALER}}) {
        fuzz::wire_stage stage(full_after_one(in, out));
        stage.begin();
        wire_peer first(stage.endpoint(fuzz::out)), second(stage.endpoint(fuzz::out));
        join(stage, first, fuzz::out);
        join(stage, second, fuzz::out);
        for (int i = 0; i < 3; ++i) stage.good(fuzz::in).say(numbered(i));
        stage.good(fuzz::in).write();
        first.close();
        second.close();
        for (int i = 0; i < 20; ++i) stage.turn();
        EXPECT_EQ(stage.good(fuzz::out).heard().size(), 3U);
        EXPECT_EQ(stage.counts(fuzz::out).messages_lost, 0U);
        stage.check_rest();
    }
}

TEST(WireLeaving, AMessageThatGoesUpstreamReachesThePublishersThatStayOnce) {
    fuzz::wire_stage stage(full_after_one(ZMQ_XSUB, ZMQ_XPUB));
    stage.begin();
    wire_peer first(stage.endpoint(fuzz::in)), second(stage.endpoint(fuzz::in)), third(stage.endpoint(fuzz::in));
    join(stage, first, fuzz::in);
    join(stage, second, fuzz::in);
    join(stage, third, fuzz::in);
    stage.good(fuzz::out).say(numbered(1));
    stage.good(fuzz::out).write();
    first.close();
    second.close();
    for (int i = 0; i < 20; ++i) stage.turn();
    third.read();
    EXPECT_EQ(stage.good(fuzz::in).heard(), std::vector<std::string>{numbered(1)});
    EXPECT_EQ(third.heard(), std::vector<std::string>{numbered(1)});
    third.close();
    stage.check_rest();
}

TEST(WireLeaving, ASubscriptionOfASubscriberThatHasLeftIsIgnored) {
    fuzz::wire_stage stage(full_after_one(ZMQ_XSUB, ZMQ_XPUB));
    stage.begin();
    wire_peer subscriber(stage.endpoint(fuzz::out));
    join(stage, subscriber, fuzz::out);
    stage.set_state(state::paused);  // little is read at a time
    std::string said;
    zmtp::append_ping(said, {});  // the answer shows that it has left
    for (int i = 0; i < 1000; ++i) zmtp::append_pong(said, {});
    zmtp::append_subscription(said, 1, {true, "message"});
    subscriber.say(said);
    subscriber.write();
    subscriber.close();
    for (int i = 0; i < 20; ++i) stage.turn();
    stage.set_state(state::active);
    stage.good(fuzz::in).say(numbered(1));
    for (int i = 0; i < 20; ++i) stage.turn();
    EXPECT_EQ(stage.good(fuzz::out).heard(), std::vector<std::string>{numbered(1)});
    stage.check_rest();
}

}  // namespace
}  // namespace zdev::test
