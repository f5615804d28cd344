// What connections cost the wire engine: descriptors and memory, of peers that come and go, stop reading or reset.

#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>

#include "wire_support.hpp"

namespace zdev::test {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool counts_memory = false;  // the allocator of a sanitizer has no figures
#else
constexpr bool counts_memory = true;
#endif

std::size_t allocated() {
    const auto info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
}

// Memory that only this process uses.
std::size_t private_bytes() {
    std::ifstream rollup("/proc/self/smaps_rollup");
    std::size_t total = 0, kilobytes = 0;
    for (std::string word; rollup >> word;) {
        if (word.rfind("Private_", 0) == 0 && rollup >> kilobytes) total += kilobytes * 1024;
    }
    return total;
}

// Whether the process may have that many descriptors.
bool raise_descriptors(rlim_t wanted) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = std::max(limit.rlim_cur, std::min(wanted, limit.rlim_max));
    return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= wanted;
}

std::ptrdiff_t descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return std::distance(begin(all), end(all));
}

TEST_F(OnWire, AResetAtAnyByteEndsOnlyItsConnection) {
    running device(pair(ZMQ_PULL, ZMQ_PUSH));
    auto sink = dial(ZMQ_PULL, device.at("out"));
    ASSERT_TRUE(device.connected("out", 1));
    zmtp::handshake ours({ZMQ_PUSH, "", {}});
    std::string all = ours.take_output();
    ours.feed(zmtp::encode({}));
    all += ours.take_output() + framed({"a", std::string(300, 'b'), "c"});
    for (std::size_t cut = 0; cut <= all.size(); ++cut) {
        raw_peer reset(device.at("in")), closed(device.at("in"));
        for (raw_peer* const each : {&reset, &closed}) each->send(all.substr(0, cut));
        reset.reset();
    }
    ASSERT_TRUE(eventually([&] { return device.device.connections("in").accepted == 2 * (all.size() + 1); }));
    ASSERT_TRUE(device.connected("in", 0));
    int whole = 0;
    for (; const auto got = try_recv(sink, 100ms); ++whole) EXPECT_EQ(*got, (message{"a", std::string(300, 'b'), "c"}));
    EXPECT_TRUE(whole == 1 || whole == 2) << whole;  // a reset may overtake the last bytes
    auto source = dial(ZMQ_PUSH, device.at("in"));
    send(source, {"still", "here"});
    EXPECT_EQ(recv(sink), (message{"still", "here"}));
}

TEST_F(OnWire, AThousandIdleConnectionsTakeUnderFourKilobytesEach) {
    if (!counts_memory) GTEST_SKIP() << "a sanitizer allocates additional memory";
    if (!raise_descriptors(2500)) GTEST_SKIP() << "too few descriptors";
    auto spec = pair(ZMQ_ROUTER, ZMQ_DEALER);
    spec.in.options.heartbeat_ivl = 60s;  // a timer for each connection
    running device(spec);
    std::vector<std::unique_ptr<raw_peer>> peers;
    const auto add = [&](std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            peers.push_back(std::make_unique<raw_peer>(device.at("in")));
            peers.back()->shake_hands(ZMQ_DEALER);
        }
        return device.connected("in", peers.size());
    };
    ASSERT_TRUE(add(50));  // what is allocated once
    const std::size_t before = private_bytes();
    ASSERT_TRUE(add(1000));
    const auto taken = static_cast<std::ptrdiff_t>(private_bytes() - before);  // negative if the system took pages back
    RecordProperty("bytes_each", std::to_string(taken / 1000));
    EXPECT_LT(taken, 1000 * 4096);
}

TEST_F(OnWire, ConnectionsThatComeAndGoLeaveNoDescriptorByteOrTimer) {
    auto spec = pair(ZMQ_ROUTER, ZMQ_DEALER);
    spec.in.options.heartbeat_ivl = 60s;  // a timer for each connection
    running device(spec);
    zmtp::handshake ours({ZMQ_DEALER, "", {}});
    std::string said = ours.take_output();
    ours.feed(zmtp::encode({}));
    said += ours.take_output() + framed({"a", std::string(300, 'b'), "c"});
    std::minstd_rand random;
    const auto accepted = [&] { return device.device.connections("in").accepted; };
    const auto come_and_go = [&](std::uint64_t count) {
        const std::uint64_t before = accepted();
        for (std::uint64_t i = 0; i < count; ++i) {
            raw_peer peer(device.at("in"));
            if (i % 4 > 0) peer.send(said.substr(0, random() % said.size()));
            if (i % 4 == 0) peer.shake_hands(ZMQ_DEALER);
            if (i % 2 == 0) peer.reset();
        }
        return eventually([&] { return accepted() == before + count; }) && device.connected("in", 0) &&
               eventually([&] { return device.device.statistics().loop_iterations > 0; });
    };
    ASSERT_TRUE(come_and_go(200));  // what is allocated once
    const auto open_before = descriptors();
    const std::size_t before = allocated();
    ASSERT_TRUE(come_and_go(5000));  // thousands a second
    EXPECT_TRUE(eventually([&] { return descriptors() <= open_before; }));
    if (!counts_memory) return;
    EXPECT_TRUE(eventually([&] { return allocated() < before + 8192; }, 1s)) << allocated() - before;
}

// Senders that leave while nothing takes their messages. Returns how many of `count` keep a descriptor of the device.
std::ptrdiff_t left_behind(running& device, std::size_t count, int type, const std::string& bytes) {
    const auto before = descriptors();
    const auto accepted = [&] { return device.device.connections("in").accepted; };
    const auto all = accepted() + count;
    for (std::size_t i = 0; i < count; ++i) {
        raw_peer peer(device.at("in"));
        peer.shake_hands(type);
        peer.send(bytes);
        if (i % 5 == 4 && bytes.size() < 1000) peer.reset();
    }
    EXPECT_TRUE(eventually([&] { return accepted() == all; }));
    EXPECT_TRUE(device.connected("in", 0));
    eventually([&] { return descriptors() <= before; }, 1s);
    return descriptors() - before;
}

TEST_F(OnWire, ASenderThatLeavesWhileItsMessagesWaitKeepsNoDescriptor) {
    constexpr std::size_t count = 200;
    running device(pair(ZMQ_ROUTER, ZMQ_DEALER));
    EXPECT_EQ(left_behind(device, count, ZMQ_DEALER, framed({"", "first"}) + framed({"", "second"}) + "\1"), 0);
    auto worker = dial(ZMQ_DEALER, device.at("out"));
    for (std::size_t i = 0; i < count; ++i) {
        const auto first = recv(worker), second = recv(worker);
        EXPECT_EQ(first, (message{first[0], "", "first"}));
        EXPECT_EQ(second, (message{first[0], "", "second"}));
    }
    EXPECT_TRUE(silent(worker));
    send(worker, {"", "nobody"});  // the device still runs
    EXPECT_TRUE(eventually([&] { return device.device.statistics().out.unroutable == 1; }));
    EXPECT_EQ(device.device.connections("in").messages_lost, 0);
}

TEST_F(OnWire, MessagesOfSendersThatLeftBeforeTheEndOfADeviceAreDeliveredOrCounted) {
    constexpr std::size_t count = 20;
    for (const bool with_receiver : {false, true}) {
        auto spec = pair(ZMQ_ROUTER, ZMQ_DEALER);
        spec.in.options.linger = spec.out->options.linger = with_receiver ? milliseconds(5000) : milliseconds(50);
        running device(spec);
        device.device.pause();
        left_behind(device, count, ZMQ_DEALER, framed({"hello"}));
        auto worker = unbound(ZMQ_DEALER);
        if (with_receiver) worker.connect(device.at("out"));
        ASSERT_TRUE(device.connected("out", with_receiver ? 1 : 0));
        EXPECT_EQ(device.stop(), outcome::stopped);
        for (std::size_t i = 0; i < count && with_receiver; ++i) EXPECT_EQ(recv(worker)[1], "hello");
        EXPECT_EQ(device.device.connections("in").messages_lost, with_receiver ? 0 : count);
    }
}

TEST_F(OnWire, WhatADeviceKeepsOfSendersThatLeftIsBounded) {
    constexpr std::size_t count = 800, size = 60000;  // 48 MB; beyond 32 MiB, the messages stay in the network
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.in.options.linger = spec.out->options.linger = 0ms;
    running device(spec);
    const std::size_t before = allocated();
    const auto kept = left_behind(device, count, ZMQ_PUSH, framed({std::string(size, 'x')}));
    EXPECT_GT(kept, 0);
    EXPECT_LT(kept, count / 2);
    if (counts_memory) {
        EXPECT_LT(allocated() - before, (std::size_t{32} << 20) + count * 20000);
    }
    auto sink = dial(ZMQ_PULL, device.at("out"));
    for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(recv(sink)[0].size(), size);
    sink.close();
    ASSERT_TRUE(device.connected("out", 0));
    EXPECT_EQ(left_behind(device, 1, ZMQ_PUSH, framed({"x"})), 0);
}

TEST_F(OnWire, MemoryIsBoundedByTheHighWaterMarkTheMessagesAndTheReceivers) {
    if (!counts_memory) GTEST_SKIP() << "a sanitizer has no figures of memory";
    constexpr std::size_t receivers = 5, senders = 50, hwm = 20, size = 10000;
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.in.options.linger = spec.out->options.linger = 0ms;
    spec.out->options.sndhwm = hwm;
    spec.out->options.sndbuf = spec.in.options.rcvbuf = 16384;
    running device(spec);
    std::vector<std::unique_ptr<raw_peer>> stuck, feeding;
    for (std::size_t i = 0; i < receivers; ++i) {
        stuck.push_back(std::make_unique<raw_peer>(device.at("out")));
        stuck.back()->shake_hands(ZMQ_PULL);
    }
    for (std::size_t i = 0; i < senders; ++i) {
        feeding.push_back(std::make_unique<raw_peer>(device.at("in")));
        feeding.back()->shrink();
        feeding.back()->shake_hands(ZMQ_PUSH);
    }
    ASSERT_TRUE(device.connected("in", senders) && device.connected("out", receivers));
    const std::size_t before = allocated();
    const std::string one = framed({std::string(size, 'x')});
    const auto sent = [&] { return device.device.statistics().in.messages_sent; };
    const auto fill = [&] {
        for (std::uint64_t last = ~std::uint64_t{0}; last != sent();) {  // until nobody takes any more
            last = sent();
            for (const auto& each : feeding) {
                for (int i = 0; i < 50; ++i) each->send_now(one);
            }
            std::this_thread::sleep_for(20ms);
        }
    };
    fill();
    for (int i = 0; i < 20; ++i) {  // each sender has its turn
        for (const auto& each : stuck) each->receive(20 * size);
        fill();
    }
    EXPECT_TRUE(eventually([&] { return fill(), sent() >= receivers * hwm; }));
    // Each sender that waits has what one read brought.
    EXPECT_LT(allocated() - before, receivers * hwm * size * 5 / 4 + senders * 40000);
}

}  // namespace
}  // namespace zdev::test
