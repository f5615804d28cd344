// A faulty or hostile peer of the wire engine affects no other peer.

#include <fcntl.h>
#include <sys/resource.h>

#include "cpu_time.hpp"
#include "wire_support.hpp"

namespace zdev::test {
namespace {

std::string greeting() { return zmtp::encode({}); }

// Expects that other peers are served as before.
void expect_service(OnWire& net, running& device) {
    auto source = net.dial(ZMQ_PUSH, device.at("in"));
    auto sink = net.dial(ZMQ_PULL, device.at("out"));
    send(source, {"still", "here"});
    EXPECT_EQ(recv(sink), (message{"still", "here"}));
}

TEST_F(OnWire, BytesThatAreNotZmtpEndOnlyTheirConnection) {
    running device(pair(ZMQ_PULL, ZMQ_PUSH));
    for (const std::string& bytes : {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(100, '\0'), std::string(100, '\xff'),
                                     greeting() + std::string("\x00\x05hello", 7), greeting() + std::string("\xff\xff")}) {
        raw_peer peer(device.at("in"));
        peer.send(bytes);
        EXPECT_TRUE(peer.ended());
    }
    EXPECT_TRUE(eventually([&] {
        const auto s = device.device.connections("in");
        return s.protocol_errors() + s.refused() == 5;
    }));
    expect_service(*this, device);
}

TEST_F(OnWire, AMessageBeyondALimitEndsItsConnectionBeforeItIsComplete) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.in.options.maxmsgsize = 1000;
    spec.in.options.max_message_bytes = 2000;
    spec.in.options.max_message_frames = 10;
    running device(spec);
    auto reader = dial(ZMQ_PULL, device.at("out"));
    ASSERT_TRUE(device.connected("out", 1));
    std::string endless;
    for (int i = 0; i < 11; ++i) zmtp::append_frame(endless, zmtp::more_flag, "");
    std::string large, many;
    char header[9];
    large.assign(header, zmtp::write_header(header, 0, std::uint64_t{1} << 40));
    for (int i = 0; i < 3; ++i) zmtp::append_frame(many, zmtp::more_flag, std::string(900, 'x'));
    for (const auto& bytes : {endless, large, many}) {
        raw_peer peer(device.at("in"));
        peer.shake_hands(ZMQ_PUSH);
        peer.send(bytes);
        EXPECT_TRUE(peer.ended());
    }
    EXPECT_TRUE(eventually([&] { return device.device.connections("in").protocol_errors() == 3; }));
    reader.close();
    ASSERT_TRUE(device.connected("out", 0));
    expect_service(*this, device);
}

TEST_F(OnWire, ASenderThatDiesMidwayHarmsNobody) {
    running device(pair(ZMQ_PULL, ZMQ_PUSH));
    auto sink = dial(ZMQ_PULL, device.at("out"));
    const std::string whole = framed({"first", std::string(100000, 'x'), "last"});
    for (const std::size_t cut : {std::size_t{1}, std::size_t{7}, std::size_t{5000}, whole.size() - 1}) {
        raw_peer peer(device.at("in"));
        peer.shake_hands(ZMQ_PUSH);
        peer.send(framed({"before"}) + whole.substr(0, cut));
        EXPECT_EQ(recv(sink), message{"before"});
        cut % 2 ? peer.reset() : peer.close();
    }
    EXPECT_TRUE(device.connected("in", 0));
    sink.close();
    EXPECT_TRUE(device.connected("out", 0));
    expect_service(*this, device);
}

TEST_F(OnWire, BytesInAnyPiecesMakeTheSameMessages) {
    running device(pair(ZMQ_PULL, ZMQ_PUSH));
    auto sink = dial(ZMQ_PULL, device.at("out"));
    ASSERT_TRUE(device.connected("out", 1));
    raw_peer peer(device.at("in"));
    peer.shake_hands(ZMQ_PUSH);
    const message sent{"a", "", std::string(300, 'b')};
    for (const char c : framed(sent)) peer.send(std::string(1, c));
    EXPECT_EQ(recv(sink), sent);
}

TEST_F(OnWire, CommandsInsideAMessageLeaveItWhole) {
    running device(pair(ZMQ_PULL, ZMQ_PUSH));
    auto sink = dial(ZMQ_PULL, device.at("out"));
    raw_peer peer(device.at("in"));
    peer.shake_hands(ZMQ_PUSH);
    std::string ping, pong;
    zmtp::append_ping(ping, {0ms, "context"});
    zmtp::append_pong(pong, "context");
    std::string three_pongs = pong;
    three_pongs.append(pong).append(pong);
    for (const std::size_t size : {10, 5000, 200000, 2000000}) {
        const message sent{std::string(size, 'a'), std::string(size, 'b'), "c"};
        std::string bytes;
        zmtp::append_frame(bytes, 1, sent[0]);
        bytes += ping;
        zmtp::append_frame(bytes, 1, sent[1]);
        bytes += ping;
        zmtp::append_frame(bytes, 0, sent[2]);
        ASSERT_TRUE(peer.send(bytes + ping));
        EXPECT_EQ(recv(sink), sent) << size;
        EXPECT_EQ(peer.receive(three_pongs.size()), three_pongs);
    }
}

TEST_F(OnWire, ASilentPeerIsDisconnectedAfterTheHandshakeInterval) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.in.options.handshake_ivl = 50ms;
    running device(spec);
    raw_peer peer(device.at("in"));
    EXPECT_TRUE(peer.ended());
    EXPECT_TRUE(eventually([&] { return device.device.connections("in").timeouts() == 1; }));
}

TEST_F(OnWire, APeerThatDoesNotAnswerPingsIsDisconnectedAndOneThatDoesIsNot) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.in.options.heartbeat_ivl = 20ms;
    spec.in.options.heartbeat_timeout = 200ms;
    running device(spec);
    auto source = dial(ZMQ_PUSH, device.at("in"));
    auto sink = dial(ZMQ_PULL, device.at("out"));
    ASSERT_TRUE(device.connected("in", 1));
    raw_peer peer(device.at("in"));
    peer.shake_hands(ZMQ_PUSH);
    EXPECT_TRUE(peer.ended());
    EXPECT_EQ(device.device.connections("in").timeouts(), 1);
    EXPECT_EQ(device.device.connections("in").accepted, 2);
    send(source, {"hello"});
    EXPECT_EQ(recv(sink), message{"hello"});
}

TEST_F(OnWire, APingAnnouncesTheTimeToLive) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.in.options.heartbeat_ivl = 20ms;
    spec.in.options.heartbeat_ttl = 1200ms;
    running device(spec);
    raw_peer peer(device.at("in"));
    peer.shake_hands(ZMQ_PUSH);
    std::string ping;
    zmtp::append_ping(ping, {1200ms, {}});
    std::string got = peer.take_extra();
    if (got.size() < ping.size()) got += peer.receive(ping.size() - got.size());
    EXPECT_EQ(got.substr(0, ping.size()), ping);
}

TEST_F(OnWire, ThePeersTimeToLiveIsKept) {
    running device(pair(ZMQ_PULL, ZMQ_PUSH));
    raw_peer peer(device.at("in"));
    peer.shake_hands(ZMQ_PUSH);
    std::string ping;
    zmtp::append_ping(ping, {100ms, ""});
    peer.send(ping);
    EXPECT_TRUE(peer.ended());
    EXPECT_TRUE(eventually([&] { return device.device.connections("in").timeouts() == 1; }));
}

TEST_F(OnWire, WithoutDescriptorsOnlyAcceptingPauses) {
    running device(pair(ZMQ_PULL, ZMQ_PUSH));
    auto source = dial(ZMQ_PUSH, device.at("in"));
    auto sink = dial(ZMQ_PULL, device.at("out"));
    ASSERT_TRUE(device.connected("in", 1) && device.connected("out", 1));
    const int next = ::open("/dev/null", O_RDONLY);
    ::close(next);
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    {
        std::vector<std::unique_ptr<raw_peer>> peers;
        const rlimit few{static_cast<rlim_t>(next + 1), before.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &few);
        peers.push_back(std::make_unique<raw_peer>(device.at("in")));  // takes the last descriptor
        EXPECT_TRUE(eventually([&] { return device.device.connections("in").accept_pauses > 0; }));
        send(source, {"during the pause"});
        EXPECT_EQ(recv(sink), message{"during the pause"});
        ::setrlimit(RLIMIT_NOFILE, &before);
        EXPECT_TRUE(eventually([&] { return device.device.connections("in").accepted == 2; }));
    }
    EXPECT_LT(device.device.connections("in").accept_pauses, 100);
}

TEST_F(OnWire, ADeviceWithNothingToDoUsesNoProcessorTime) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.in.options.linger = 0ms;
    for (const bool paused : {false, true}) {
        running device(spec);
        raw_peer left(device.at("in")), held(device.at("in"));
        left.shake_hands(ZMQ_PUSH);
        held.shake_hands(ZMQ_PUSH);
        if (paused) device.device.pause();
        const auto iterations = [&] { return device.device.statistics().loop_iterations; };
        held.send(framed({"no receiver"}));
        const auto before = iterations();
        ASSERT_TRUE(eventually([&] { return iterations() > before + 1; }));  // the device has read it
        held.reset();  // a hang-up of a connection that is held must not wake the loop again and again
        ASSERT_TRUE(device.connected("in", 1));
        expect_idle();
    }
}

}  // namespace
}  // namespace zdev::test
