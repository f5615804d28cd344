// Messages that arrive together, on the wire engine: they are relayed as a run where they all go the same way.

#include "wire_support.hpp"

namespace zdev::test {
namespace {

constexpr int many = 3000;  // more than the usual high-water mark, and than what is put together at a time

std::string framed_run(const std::vector<std::string>& first_frames) {
    std::string bytes;
    for (int i = 0; i < many; ++i) {
        message parts(first_frames.begin(), first_frames.end());
        parts.push_back(std::to_string(i) + std::string(60, 'x'));
        bytes += framed(parts);
    }
    return bytes;
}

void subscribe(const raw_peer& peer, const std::string& prefix) {
    std::string wish;
    zmtp::append_subscription(wish, 1, {true, prefix});
    ASSERT_TRUE(peer.send(wish));
}

TEST_F(OnWire, OfMessagesThatArriveTogetherEachGoesToItsSubscribers) {
    running device(pair(ZMQ_XSUB, ZMQ_XPUB));
    raw_peer publisher(device.at("in")), all(device.at("out")), some(device.at("out"));
    publisher.shake_hands(ZMQ_PUB);
    for (raw_peer* const each : {&all, &some}) each->shake_hands(ZMQ_SUB);
    subscribe(all, "");
    subscribe(some, "a");
    ASSERT_TRUE(eventually([&] { return device.device.statistics().out.messages_received == 2; }));
    const std::string before = framed({"b"}), wanted = framed({"a", "1"}) + framed({"ab", "2"}), after = framed({"", "a"});
    publisher.send(before + wanted + after + wanted);
    EXPECT_EQ(all.receive((before + wanted + after + wanted).size()), before + wanted + after + wanted);
    EXPECT_EQ(some.receive((wanted + wanted).size()), wanted + wanted);
    EXPECT_EQ(device.device.statistics().in.messages_sent, 6);
}

TEST_F(OnWire, MessagesWithoutASubscriberAmongThoseThatArriveTogetherAreCounted) {
    running device(pair(ZMQ_XSUB, ZMQ_XPUB));
    raw_peer publisher(device.at("in")), some(device.at("out"));
    publisher.shake_hands(ZMQ_PUB);
    some.shake_hands(ZMQ_SUB);
    subscribe(some, "a");
    ASSERT_TRUE(eventually([&] { return device.device.statistics().out.messages_received == 1; }));
    publisher.send(framed({"b"}) + framed({"c"}) + framed({"a"}) + framed({"d"}));
    EXPECT_EQ(some.receive(1), framed({"a"}));
    EXPECT_TRUE(eventually([&] { return device.device.connections("out").unmatched == 3; }));
}

TEST_F(OnWire, OfMessagesThatArriveTogetherASlowSubscriberMissesThoseThatItHasNoRoomFor) {
    auto spec = pair(ZMQ_XSUB, ZMQ_XPUB);
    spec.out->options.sndhwm = 10;
    spec.out->options.sndbuf = 16384;
    running device(spec);
    raw_peer publisher(device.at("in")), slow(device.at("out")), quick(device.at("out"));
    publisher.shake_hands(ZMQ_PUB);
    for (raw_peer* const each : {&slow, &quick}) each->shake_hands(ZMQ_SUB);
    subscribe(slow, "");
    ASSERT_TRUE(eventually([&] { return device.device.statistics().out.messages_received == 1; }));
    const std::string run = framed_run({"topic"});
    std::uint64_t sent = 0;
    while (device.device.connections("out").subscriber_drops == 0 && sent < std::uint64_t{1000} * many) {
        ASSERT_TRUE(publisher.send(run));
        sent += many;
    }
    ASSERT_TRUE(eventually([&] { return device.device.statistics().in.messages_sent == sent; }));
    const std::uint64_t dropped = device.device.connections("out").subscriber_drops;
    EXPECT_GT(dropped, 0);
    std::uint64_t at_peers = 0;
    for (const auto& each : device.device.peers()) at_peers += each.overflowed;
    EXPECT_EQ(at_peers, dropped);
    std::uint64_t arrived = 0;
    const auto count = [&] {
        const std::string got = slow.receive(std::size_t{1} << 30, 200ms);
        for (const char byte : got) arrived += byte == 't' ? 1 : 0;  // of "topic"
        return arrived == sent - dropped;
    };
    EXPECT_TRUE(eventually(count));
}

TEST_F(OnWire, MessagesThatArriveTogetherAreCopiedToTheMonitorInOrderBehindThePrefix) {
    running device(monitored(ZMQ_ROUTER, ZMQ_DEALER));
    raw_peer watcher(device.at("mon")), client(device.at("in")), worker(device.at("out"));
    watcher.shake_hands(ZMQ_SUB);
    subscribe(watcher, "in");
    client.shake_hands(ZMQ_DEALER, "anna");
    worker.shake_hands(ZMQ_DEALER);
    ASSERT_TRUE(device.connected("in", 1) && device.connected("out", 1) && device.connected("mon", 1));
    ASSERT_TRUE(client.send(framed({"first"})));
    worker.receive(1);
    ASSERT_TRUE(eventually([&] { return client.send(framed({"again"})) && !watcher.receive(1, 10ms).empty(); }));
    const auto idle = [&] { return worker.receive(1, 50ms).empty() && watcher.receive(1, 50ms).empty(); };
    ASSERT_TRUE(eventually(idle));

    const auto before = device.device.statistics().in;
    const std::string at_worker = framed_run({"anna"}), at_watcher = framed_run({"in", "anna"});
    ASSERT_TRUE(client.send(framed_run({})));
    EXPECT_TRUE(worker.receive(at_worker.size()) == at_worker);
    EXPECT_TRUE(watcher.receive(at_watcher.size()) == at_watcher);
    const auto counted = [&] { return device.device.statistics().in.messages_sent == before.messages_sent + many; };
    EXPECT_TRUE(eventually(counted));
    const auto s = device.device.statistics().in;
    EXPECT_EQ(s.frames_sent - before.frames_sent, 2 * many);
    EXPECT_TRUE(eventually([&] { return device.device.statistics().in.monitor_sent == before.monitor_sent + many; }));
    EXPECT_EQ(s.monitor_dropped, 0);
}

TEST_F(OnWire, OfRepliesThatArriveTogetherEachGoesToItsClient) {
    running device(pair(ZMQ_ROUTER, ZMQ_DEALER));
    raw_peer anna(device.at("in")), bert(device.at("in")), worker(device.at("out"));
    anna.shake_hands(ZMQ_DEALER, "anna");
    bert.shake_hands(ZMQ_DEALER, "bert");
    worker.shake_hands(ZMQ_DEALER);
    ASSERT_TRUE(device.connected("in", 2) && device.connected("out", 1));
    const std::string replies = framed_run({"anna"});
    ASSERT_TRUE(worker.send(framed({"anna", "1"}) + framed({"anna", "2", "3"}) + framed({"bert", "4"}) + framed({"gone", "5"}) +
                            framed({"anna"}) + framed({"annabel", "6"}) + framed({"anna", ""}) + replies +
                            framed({"bert", "7"})));
    const std::string to_anna = framed({"1"}) + framed({"2", "3"}) + framed({""}) + framed_run({});
    EXPECT_TRUE(anna.receive(to_anna.size()) == to_anna);
    EXPECT_EQ(bert.receive(6), framed({"4"}) + framed({"7"}));
    const auto s = device.device.statistics().out;
    EXPECT_EQ(s.unroutable, 2);
    EXPECT_EQ(s.malformed, 1);
    EXPECT_EQ(s.messages_sent, many + 5);
}

}  // namespace
}  // namespace zdev::test
