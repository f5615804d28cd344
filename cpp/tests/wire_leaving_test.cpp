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

// A peer of `at` that is served.
void join(fuzz::wire_stage& stage, wire_peer& peer, role_name at, unsigned char minor = 1) {
    peer.say(say_hello(peer_type(stage.type(at)), {}, minor));
    peer.write();
    for (int i = 0; i < 20 && !peer.ready(); ++i) stage.turn(), peer.read();
    ASSERT_TRUE(peer.ready());
    stage.turn();
}

TEST(WireLeaving, AMessageForAReceiverThatHasJustLeftGoesToAnother) {
    for (const auto& [in, out] : {std::pair{ZMQ_PULL, ZMQ_PUSH}, std::pair{ZMQ_ROUTER, ZMQ_DEALER}}) {
        fuzz::wire_stage stage(full_after_one(in, out));
        stage.begin();
        wire_peer first(stage.endpoint(test::out)), second(stage.endpoint(test::out));
        join(stage, first, test::out);
        join(stage, second, test::out);
        for (int i = 0; i < 3; ++i) stage.good(test::in).say(numbered(i));
        stage.good(test::in).write();
        first.close();
        second.close();
        for (int i = 0; i < 20; ++i) stage.turn();
        EXPECT_EQ(stage.good(test::out).heard().size(), 3U);
        EXPECT_EQ(stage.counts(test::out).messages_lost, 0U);
        stage.check_rest();
    }
}

TEST(WireLeaving, AMessageThatGoesUpstreamReachesThePublishersThatStayOnce) {
    fuzz::wire_stage stage(full_after_one(ZMQ_XSUB, ZMQ_XPUB));
    stage.begin();
    wire_peer first(stage.endpoint(test::in)), second(stage.endpoint(test::in)), third(stage.endpoint(test::in));
    join(stage, first, test::in);
    join(stage, second, test::in);
    join(stage, third, test::in);
    stage.good(test::out).say(numbered(1));
    stage.good(test::out).write();
    first.close();
    second.close();
    for (int i = 0; i < 20; ++i) stage.turn();
    third.read();
    EXPECT_EQ(stage.good(test::in).heard(), std::vector<std::string>{numbered(1)});
    EXPECT_EQ(third.heard(), std::vector<std::string>{numbered(1)});
    third.close();
    stage.check_rest();
}

TEST(WireLeaving, ASubscriptionOfASubscriberThatHasLeftIsIgnored) {
    fuzz::wire_stage stage(full_after_one(ZMQ_XSUB, ZMQ_XPUB));
    stage.begin();
    wire_peer subscriber(stage.endpoint(test::out));
    join(stage, subscriber, test::out);
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
    stage.good(test::in).say(numbered(1));
    for (int i = 0; i < 20; ++i) stage.turn();
    EXPECT_EQ(stage.good(test::out).heard(), std::vector<std::string>{numbered(1)});
    stage.check_rest();
}

TEST(WireLeaving, ASubscriptionForAPublisherThatHasLeftIsNotALostMessage) {
    for (const unsigned char minor : {'\0', '\1'}) {
        fuzz::wire_stage stage(full_after_one(ZMQ_XSUB, ZMQ_XPUB));
        stage.begin();
        wire_peer publisher(stage.endpoint(test::in)), subscriber(stage.endpoint(test::out));
        join(stage, publisher, test::in, minor);
        join(stage, subscriber, test::out);
        std::string wish;
        zmtp::append_subscription(wish, minor, {true, "topic"});
        subscriber.say(wish);
        subscriber.write();
        publisher.close();
        for (int i = 0; i < 20; ++i) stage.turn();
        EXPECT_EQ(stage.counts(test::in).messages_lost, 0U);
        subscriber.close();
        for (int i = 0; i < 20; ++i) stage.turn();
        stage.check_rest();
    }
}

// It would be given back, and overtaken by others.
TEST(WireLeaving, AMessageIsNotSentAfterTheEndOfAConnection) {
    fuzz::wire_stage stage(full_after_one(ZMQ_DEALER, ZMQ_DEALER));
    stage.begin();
    stage.finish_sending(test::in);
    stage.turn();
    const auto before = stage.flow(test::out).messages_sent;
    stage.good(test::out).say(numbered(1));
    for (int i = 0; i < 20; ++i) stage.turn();
    EXPECT_EQ(stage.flow(test::out).messages_sent, before);
}

}  // namespace
}  // namespace zdev::test
