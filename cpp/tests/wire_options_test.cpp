// Options of the wire engine that peers can see.

#include "wire_support.hpp"

namespace zdev::test {
namespace {

TEST_F(OnWire, ARoutingIdNamesTheDeviceToItsPeers) {
    auto spec = pair(ZMQ_ROUTER, ZMQ_DEALER);
    spec.out->options.routing_id = "the device";
    running device(spec);
    auto client = dial(ZMQ_DEALER, device.at("in"));
    auto worker = dial(ZMQ_ROUTER, device.at("out"));
    send(client, {"hello"});
    EXPECT_EQ(recv(worker)[0], "the device");
}

TEST_F(OnWire, AProbeIntroducesTheDeviceToARouter) {
    auto spec = pair(ZMQ_ROUTER, ZMQ_DEALER);
    spec.out->options.probe_router = true;
    spec.out->options.routing_id = "device";
    running device(spec);
    auto worker = dial(ZMQ_ROUTER, device.at("out"));
    EXPECT_EQ(recv(worker), (message{"device", ""}));
}

TEST_F(OnWire, MetadataReachesThePeer) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.out->options.metadata = {{"X-Where", "here"}};
    running device(spec);
    auto source = dial(ZMQ_PUSH, device.at("in"));
    auto sink = dial(ZMQ_PULL, device.at("out"));
    send(source, {"hello"});
    zmq::message_t frame;
    ASSERT_TRUE(sink.recv(frame));
    EXPECT_STREQ(frame.gets("X-Where"), "here");
}

TEST_F(OnWire, AWelcomeMessageIsTheFirstThatASubscriberGets) {
    auto spec = pair(ZMQ_XSUB, ZMQ_XPUB);
    spec.out->options.xpub_welcome_msg = "welcome";
    running device(spec);
    auto sub = dial(ZMQ_SUB, device.at("out"), subscribed_to("wel"));
    EXPECT_EQ(recv(sub), message{"welcome"});
}

TEST_F(OnWire, MatchingCanBeInverted) {
    auto spec = monitored(ZMQ_PULL, ZMQ_PUSH);
    spec.mon->in_prefix = std::nullopt;
    spec.mon->socket.options.invert_matching = true;
    running device(spec);
    auto source = dial(ZMQ_PUSH, device.at("in"));
    auto sink = dial(ZMQ_PULL, device.at("out"));
    auto watcher = dial(ZMQ_SUB, device.at("mon"),
                        [](zmq::socket_t& s) { s.set(zmq::sockopt::invert_matching, true), subscribed_to("a")(s); });
    ASSERT_TRUE(device.connected("mon", 1));
    const auto seen = [&] { return send(source, {"b"}), recv(sink), try_recv(watcher, 10ms).has_value(); };
    ASSERT_TRUE(eventually(seen));
    send(source, {"abc"});
    recv(sink);
    send(source, {"end"});
    recv(sink);
    message got;
    while ((got = recv(watcher)).back() != "end") EXPECT_EQ(got.back(), "b");
}

TEST_F(OnWire, WithXpubVerboserEverySubscriptionGoesUpstream) {
    auto spec = pair(ZMQ_XSUB, ZMQ_XPUB);
    spec.out->options.xpub_verboser = true;
    running device(spec);
    auto source = dial(ZMQ_XPUB, device.at("in"), [](zmq::socket_t& s) { s.set(zmq::sockopt::xpub_verboser, true); });
    ASSERT_TRUE(device.connected("in", 1));
    auto first = dial(ZMQ_SUB, device.at("out"), subscribed_to("a")),
         second = dial(ZMQ_SUB, device.at("out"), subscribed_to("a"));
    EXPECT_EQ(recv(source), message{"\1a"});
    EXPECT_EQ(recv(source), message{"\1a"});
}

TEST_F(OnWire, WithXpubNodropASlowSubscriberDelaysTheOthers) {
    auto spec = pair_over_ipc(ZMQ_XSUB, ZMQ_XPUB);
    spec.out->options.xpub_nodrop = true;
    spec.out->options.sndhwm = 2;
    running device(spec);
    auto slow = dial(ZMQ_SUB, device.at("out"), [](zmq::socket_t& s) { tiny(s), subscribed_to("")(s); });
    auto source = dial(ZMQ_XPUB, device.at("in"), [](zmq::socket_t& s) { s.set(zmq::sockopt::xpub_nodrop, true); });
    recv(source);
    constexpr int count = 500;
    std::thread sender([&] {
        for (int i = 0; i < count; ++i) send(source, numbered(i));
    });
    int i = 0;
    for (; i < count; ++i) {
        const auto got = try_recv(slow, patience);
        if (!got || *got != numbered(i)) break;
    }
    sender.join();
    EXPECT_EQ(i, count);
    EXPECT_EQ(device.device.connections("out").subscriber_drops, 0);
}

TEST_F(OnWire, InvalidOptionsAreRefusedByName) {
    const auto why = [](const std::function<void(wire::spec&)>& change) {
        auto spec = pair(ZMQ_ROUTER, ZMQ_DEALER);
        change(spec);
        try {
            wire::device device(spec);
        } catch (const error& fault) {
            EXPECT_EQ(fault.num(), EINVAL);
            return std::string(fault.what());
        }
        return std::string();
    };
    EXPECT_NE(why([](auto& s) { s.in.options.routing_id = std::string(256, 'x'); }).find("routing_id"), std::string::npos);
    EXPECT_NE(why([](auto& s) { s.in.options.routing_id = std::string(1, '\0'); }).find("routing_id"), std::string::npos);
    EXPECT_NE(why([](auto& s) { s.out->options.metadata = {{"Name", "x"}}; }).find("metadata"), std::string::npos);
    EXPECT_NE(why([](auto& s) { s.out->options.subscribe = {""}; }).find("subscribe"), std::string::npos);
    EXPECT_NE(why([](auto& s) { s.out->binds = {}; }).find("endpoint"), std::string::npos);
}

}  // namespace
}  // namespace zdev::test
