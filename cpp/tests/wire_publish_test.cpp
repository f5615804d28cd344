// Publish and subscribe, on the wire engine.

#include <algorithm>

#include "wire_support.hpp"

namespace zdev::test {
namespace {

TEST_F(OnWire, SubscriptionsTravelUpstreamMergedAndAreCancelled) {
    running device(pair(ZMQ_XSUB, ZMQ_XPUB));
    auto source = dial(ZMQ_XPUB, device.at("in"), [](zmq::socket_t& s) { s.set(zmq::sockopt::xpub_verboser, true); });
    ASSERT_TRUE(device.connected("in", 1));
    {
        auto first = dial(ZMQ_SUB, device.at("out"), subscribed_to("a"));
        EXPECT_EQ(recv(source), message{std::string("\1a")});
        auto second = dial(ZMQ_SUB, device.at("out"), subscribed_to("a"));
        ASSERT_TRUE(device.connected("out", 2));
        EXPECT_TRUE(silent(source));
        send(source, {"abc", "x"});
        send(source, {"b", "x"});
        EXPECT_EQ(recv(first), (message{"abc", "x"}));
        EXPECT_EQ(recv(second), (message{"abc", "x"}));
        EXPECT_TRUE(silent(first));
        second.set(zmq::sockopt::unsubscribe, "a");
        EXPECT_TRUE(silent(source));
    }
    EXPECT_EQ(recv(source), message{std::string("\0a", 2)});  // the last of them has left
    const auto s = device.device.statistics();
    EXPECT_EQ(s.out.messages_received, 2);
    EXPECT_EQ(s.out.messages_sent, 2);
}

TEST_F(OnWire, APublisherThatConnectsLaterGetsAllSubscriptions) {
    running device(pair(ZMQ_XSUB, ZMQ_XPUB));
    auto sub = dial(ZMQ_SUB, device.at("out"), [](zmq::socket_t& s) { subscribed_to("a")(s), subscribed_to("b")(s); });
    ASSERT_TRUE(eventually([&] { return device.device.statistics().out.messages_received == 2; }));
    auto source = dial(ZMQ_XPUB, device.at("in"));
    std::vector<message> heard{recv(source), recv(source)};
    std::sort(heard.begin(), heard.end());
    EXPECT_EQ(heard, (std::vector<message>{{"\1a"}, {"\1b"}}));
}

TEST_F(OnWire, PeersOfZmtp30SubscribeByMessagesAndThoseOf31ByCommands) {
    for (const unsigned char minor : {std::uint8_t{0}, std::uint8_t{1}}) {
        running device(pair(ZMQ_XSUB, ZMQ_XPUB));
        raw_peer publisher(device.at("in")), subscriber(device.at("out"));
        publisher.shake_hands(ZMQ_PUB, {}, minor);
        ASSERT_TRUE(device.connected("in", 1));
        subscriber.shake_hands(ZMQ_SUB, {}, minor);
        std::string wish, withdrawal;
        zmtp::append_subscription(wish, minor, {true, "topic"});
        zmtp::append_subscription(withdrawal, minor, {false, "topic"});
        subscriber.send(wish);
        EXPECT_EQ(publisher.receive(wish.size()), wish);
        publisher.send(framed({"topic one", "x"}) + framed({"other"}) + framed({"topic"}));
        const std::string expected = framed({"topic one", "x"}) + framed({"topic"});
        EXPECT_EQ(subscriber.receive(expected.size()), expected);
        subscriber.send(withdrawal);
        EXPECT_EQ(publisher.receive(withdrawal.size()), withdrawal);
    }
}

TEST_F(OnWire, ASubHasItsOwnSubscriptions) {
    auto spec = pair(ZMQ_SUB, ZMQ_PUB);
    spec.in.options.subscribe = {"a"};
    running device(spec);
    auto source = dial(ZMQ_XPUB, device.at("in"));
    auto sink = dial(ZMQ_SUB, device.at("out"), subscribed_to(""));
    EXPECT_EQ(recv(source), message{"\1a"});
    const auto arrived = [&] { return send(source, {"abc"}), try_recv(sink, 10ms).has_value(); };
    EXPECT_TRUE(eventually(arrived));
}

TEST_F(OnWire, ASubTakesNothingThatItHasNotSubscribedTo) {
    auto spec = pair(ZMQ_SUB, ZMQ_PUB);
    spec.in.options.subscribe = {"a"};
    running device(spec);
    auto sink = dial(ZMQ_SUB, device.at("out"), subscribed_to(""));
    raw_peer publisher(device.at("in"));
    publisher.shake_hands(ZMQ_PUB);
    ASSERT_TRUE(device.connected("in", 1) && device.connected("out", 1));
    const auto arrived = [&] { return publisher.send(framed({"b"}) + framed({"a", "x"})), try_recv(sink, 10ms); };
    std::optional<message> got;
    ASSERT_TRUE(eventually([&] { return (got = arrived()).has_value(); }));
    EXPECT_EQ(*got, (message{"a", "x"}));
}

TEST_F(OnWire, ASubscriberThatIsTooSlowMissesWholeMessagesAndDelaysNoOther) {
    auto spec = pair(ZMQ_XSUB, ZMQ_XPUB);
    spec.out->options.sndhwm = 10;
    spec.out->options.sndbuf = 16384;
    running device(spec);
    raw_peer slow(device.at("out"));
    slow.shake_hands(ZMQ_SUB);
    std::string wish;
    zmtp::append_subscription(wish, 1, {true, ""});
    slow.send(wish);
    auto quick = dial(ZMQ_SUB, device.at("out"), subscribed_to(""));
    auto source = dial(ZMQ_XPUB, device.at("in"));
    ASSERT_TRUE(device.connected("out", 2));
    recv(source);
    int sent = 0;
    for (; sent < 20000 && device.device.connections("out").subscriber_drops == 0; ++sent) {
        send(source, numbered(sent));
        ASSERT_EQ(recv(quick), numbered(sent));
    }
    EXPECT_GT(device.device.connections("out").subscriber_drops, 0);
    EXPECT_TRUE(eventually([&] { return device.device.statistics().in.messages_sent == static_cast<std::uint64_t>(sent); }));
}

TEST_F(OnWire, SubscriptionsBeyondALimitEndTheirConnectionOnly) {
    auto spec = pair(ZMQ_XSUB, ZMQ_XPUB);
    spec.out->options.max_subscriptions = 3;
    running device(spec);
    auto source = dial(ZMQ_XPUB, device.at("in"));
    raw_peer many(device.at("out")), lengthy(device.at("out"));
    for (raw_peer* const each : {&many, &lengthy}) each->shake_hands(ZMQ_SUB);
    for (int i = 0; i < 4; ++i) {
        std::string wish;
        zmtp::append_subscription(wish, 1, {true, std::to_string(i)});
        many.send(wish);
    }
    std::string wish;
    zmtp::append_subscription(wish, 0, {true, std::string(200000, 'x')});
    lengthy.send(wish);
    EXPECT_TRUE(many.ended());
    EXPECT_TRUE(lengthy.ended());
    ASSERT_TRUE(eventually([&] { return device.device.connections("out").protocol_errors() == 2; }));
    auto sub = dial(ZMQ_SUB, device.at("out"), subscribed_to(""));
    synchronise(source, sub);
}

TEST_F(OnWire, AMessageOfASubscriberGoesToEveryPublisher) {
    running device(pair(ZMQ_XSUB, ZMQ_XPUB));
    auto first = dial(ZMQ_XPUB, device.at("in")), second = dial(ZMQ_XPUB, device.at("in"));
    auto sub = dial(ZMQ_XSUB, device.at("out"));
    ASSERT_TRUE(device.connected("in", 2) && device.connected("out", 1));
    send(sub, {"hello", "publishers"});
    EXPECT_EQ(recv(first), (message{"hello", "publishers"}));
    EXPECT_EQ(recv(second), (message{"hello", "publishers"}));
}

TEST_F(OnWire, NoMessageOfASubscriberCanEndASubscriptionOfAnother) {
    for (const bool verboser : {false, true}) {
        auto spec = pair(ZMQ_XSUB, ZMQ_XPUB);
        spec.out->options.xpub_verboser = verboser;
        running device(spec);
        auto source = dial(ZMQ_XPUB, device.at("in"));
        auto sub = dial(ZMQ_SUB, device.at("out"), subscribed_to("a"));
        EXPECT_EQ(recv(source), message{"\1a"});
        raw_peer hostile(device.at("out"));
        hostile.shake_hands(ZMQ_SUB);
        const std::string end("\0a", 2);
        std::string command;
        zmtp::append_subscription(command, 1, {false, "a"});
        for (const auto& bytes : {framed({end}), framed({end, "x"}), framed({"x", end}), framed({"x", end, "y"}), command}) {
            hostile.send(bytes);
        }
        hostile.send(framed({"end"}));
        EXPECT_EQ(recv(source), message{"end"});
        send(source, {"abc"});
        EXPECT_EQ(recv(sub), message{"abc"});
        EXPECT_EQ(device.device.statistics().out.malformed, 3);
    }
}

TEST_F(OnWire, WithXpubVerboserATopicEndsWithItsLastSubscriber) {
    auto spec = pair(ZMQ_XSUB, ZMQ_XPUB);
    spec.out->options.xpub_verboser = true;
    running device(spec);
    auto source = dial(ZMQ_XPUB, device.at("in"));
    auto first = dial(ZMQ_SUB, device.at("out"), subscribed_to("a"));
    EXPECT_EQ(recv(source), message{"\1a"});
    {
        auto second = dial(ZMQ_SUB, device.at("out"), subscribed_to("a"));
        ASSERT_TRUE(device.connected("out", 2));
        ASSERT_TRUE(eventually([&] { return device.device.statistics().out.messages_sent == 2; }));
        second.set(zmq::sockopt::unsubscribe, "a");
    }
    ASSERT_TRUE(device.connected("out", 1));
    send(source, {"abc"});
    EXPECT_EQ(recv(first), message{"abc"});
}

TEST_F(OnWire, PublishersAndSubscribersMayBeOnEitherSide) {
    running device(pair(ZMQ_XPUB, ZMQ_XSUB));
    auto source = dial(ZMQ_XPUB, device.at("out"));
    auto sub = dial(ZMQ_SUB, device.at("in"), subscribed_to("a"));
    EXPECT_EQ(recv(source), message{"\1a"});
    send(source, {"abc"});
    EXPECT_EQ(recv(sub), message{"abc"});
    EXPECT_EQ(device.device.statistics().in.messages_sent, 1);
    sub.close();
    EXPECT_EQ(recv(source), message{std::string("\0a", 2)});
}

}  // namespace
}  // namespace zdev::test
