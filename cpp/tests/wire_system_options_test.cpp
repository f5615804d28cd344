// Options of the wire engine that the system carries out: read from the descriptors that the device opened in this process.

#include <netinet/tcp.h>

#include <algorithm>
#include <functional>

#include "wire_support.hpp"

namespace zdev::test {
namespace {

using wire::socket_options;

std::uint16_t port_of(const sockaddr_storage& address) {  // at the same place for IPv4 and IPv6
    return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

std::uint16_t port_of(const std::string& endpoint) {
    return static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1)));
}

int option(int fd, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    EXPECT_EQ(::getsockopt(fd, level, name, &value, &size), 0) << errno;
    return value;
}

// The descriptors of this process that `chosen` accepts, by their local and remote ports (0: none).
std::vector<int> descriptors(const std::function<bool(int fd, std::uint16_t here, std::uint16_t there)>& chosen) {
    std::vector<int> found;
    for (int fd = 0; fd < 1024; ++fd) {
        sockaddr_storage here{}, there{};
        socklen_t size = sizeof here;
        if (::getsockname(fd, reinterpret_cast<sockaddr*>(&here), &size) != 0 || here.ss_family == AF_UNIX) continue;
        const bool connected = ::getpeername(fd, reinterpret_cast<sockaddr*>(&there), &(size = sizeof there)) == 0;
        if (chosen(fd, port_of(here), connected ? port_of(there) : std::uint16_t{0})) found.push_back(fd);
    }
    return found;
}

// The device's ends of the connections to its role `in`, which binds, and of `out`, which connects to a PULL of the test.
class Options : public OnWire {
public:
    struct ends {
        int accepted, connected;
    };

    void start(const std::function<void(socket_options&)>& set, const std::string& host = "127.0.0.1") {
        sink_ = unbound(ZMQ_PULL, [&](zmq::socket_t& s) { s.set(zmq::sockopt::ipv6, host[0] == '['); });
        sink_.bind("tcp://" + host + ":*");
        auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
        spec.in.binds = {"tcp://" + host + ":*"};
        spec.out->binds = {};
        spec.out->connects = {sink_.get(zmq::sockopt::last_endpoint)};
        set(spec.in.options);
        set(spec.out->options);
        device_ = std::make_unique<running>(spec);
        source_ = dial(ZMQ_PUSH, device_->at("in"), [](zmq::socket_t& s) { s.set(zmq::sockopt::ipv6, true); });
        ASSERT_TRUE(device_->connected("in", 1) && device_->connected("out", 1));
        send(source_, {"hello"});
        EXPECT_EQ(recv(sink_), message{"hello"});
    }
    ends opened() {
        const auto bound = port_of(device_->at("in")), pulls = port_of(sink_.get(zmq::sockopt::last_endpoint));
        const auto accepted = descriptors([&](int, auto here, auto there) { return here == bound && there != 0; });
        const auto connected = descriptors([&](int, auto, auto there) { return there == pulls; });
        EXPECT_EQ(accepted.size(), 1);
        EXPECT_EQ(connected.size(), 1);
        return {accepted.at(0), connected.at(0)};
    }
    int listener() {
        const auto bound = port_of(device_->at("in"));
        return descriptors([&](int fd, auto here, auto) { return here == bound && option(fd, SOL_SOCKET, SO_ACCEPTCONN) == 1; })
            .at(0);
    }
    // Expects the value at both ends.
    void expect(int level, int name, int value) {
        const auto [accepted, connected] = opened();
        EXPECT_EQ(option(accepted, level, name), value);
        EXPECT_EQ(option(connected, level, name), value);
    }

    zmq::socket_t sink_, source_;
    std::unique_ptr<running> device_;
};

TEST_F(Options, KeepaliveIsSetOnEveryConnection) {
    start([](socket_options& options) {
        options.tcp_keepalive = 1;
        options.tcp_keepalive_idle = 41;
        options.tcp_keepalive_intvl = 13;
        options.tcp_keepalive_cnt = 5;
    });
    expect(SOL_SOCKET, SO_KEEPALIVE, 1);
    expect(IPPROTO_TCP, TCP_KEEPIDLE, 41);
    expect(IPPROTO_TCP, TCP_KEEPINTVL, 13);
    expect(IPPROTO_TCP, TCP_KEEPCNT, 5);
}

TEST_F(Options, WithoutKeepaliveTheSystemsSettingStays) {
    start([](socket_options&) {});
    expect(SOL_SOCKET, SO_KEEPALIVE, 0);
    expect(IPPROTO_TCP, TCP_NODELAY, 1);
}

TEST_F(Options, TosMarksThePacketsOfEveryConnection) {
    start([](socket_options& options) { options.tos = 0x28; });
    expect(IPPROTO_IP, IP_TOS, 0x28);
}

TEST_F(Options, TosMarksPacketsOverIpv6) {
    try {
        start([](socket_options& options) { options.tos = 0x28; }, "[::1]");
    } catch (const zmq::error_t&) {
        GTEST_SKIP() << "no IPv6 here";
    }
    expect(IPPROTO_IPV6, IPV6_TCLASS, 0x28);
}

TEST_F(Options, TosMarksIpv4PacketsOfASocketThatIsBoundForBoth) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.in = listening(ZMQ_PULL, "tcp://*:*");
    spec.in.options.ipv6 = true;
    spec.in.options.tos = 0x28;
    running device(spec);
    raw_peer peer("tcp://127.0.0.1:" + std::to_string(port_of(device.at("in"))));
    peer.shake_hands(ZMQ_PUSH);
    const auto bound = port_of(device.at("in"));
    const auto accepted = descriptors([&](int, auto here, auto there) { return here == bound && there != 0; });
    EXPECT_EQ(option(accepted.at(0), IPPROTO_IP, IP_TOS), 0x28);
}

TEST_F(Options, BuffersHaveTheSizesThatWereAskedFor) {
    constexpr int asked = 54321;
    start([](socket_options& options) { options.sndbuf = options.rcvbuf = asked; });
    const reserved reference;  // Linux doubles the sizes
    ::setsockopt(reference.fd(), SOL_SOCKET, SO_SNDBUF, &asked, sizeof asked);
    const int size = option(reference.fd(), SOL_SOCKET, SO_SNDBUF);
    expect(SOL_SOCKET, SO_SNDBUF, size);
    expect(SOL_SOCKET, SO_RCVBUF, size);
    EXPECT_EQ(option(listener(), SOL_SOCKET, SO_RCVBUF), size);  // or TCP would announce a window of another size
}

TEST_F(Options, BacklogIsTheNumberOfConnectionsThatMayWait) {
    start([](socket_options& options) { options.backlog = 17; });
    tcp_info info{};
    socklen_t size = sizeof info;
    ASSERT_EQ(::getsockopt(listener(), IPPROTO_TCP, TCP_INFO, &info, &size), 0);
    EXPECT_EQ(info.tcpi_sacked, 17);  // of a socket that listens, this is the backlog
}

TEST_F(Options, BindtodeviceConfinesASocketToAnInterface) {
    const reserved probe(false);
    if (::setsockopt(probe.fd(), SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) != 0) GTEST_SKIP() << "not permitted: errno " << errno;
    start([](socket_options& options) { options.bindtodevice = "lo"; });
    const auto [accepted, connected] = opened();
    for (const int fd : {accepted, connected, listener()}) {
        char name[16] = {};
        socklen_t size = sizeof name;
        ::getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &size);
        EXPECT_STREQ(name, "lo");
    }
}

TEST_F(Options, AnInterfaceThatDoesNotExistIsAnErrorThatIsShown) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.out->connects = {"tcp://127.0.0.1:1"};
    spec.out->options.bindtodevice = "nosuchinterface";
    spec.out->binds = {};
    running device(spec);
    const auto failure = [&] { return device.device.connects("out")[0].failure; };
    EXPECT_TRUE(eventually([&] { return failure() == "no such device"; })) << failure();
    spec.in.options.bindtodevice = "nosuchinterface";
    EXPECT_THROW(wire::device{spec}, error);
}

TEST_F(Options, Ipv6LetsAWildcardServeBothFamilies) {
    for (const bool ipv6 : {false, true}) {
        auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
        spec.in = listening(ZMQ_PULL, "tcp://*:*");
        spec.in.options.ipv6 = ipv6;
        running device(spec);
        const std::string port = std::to_string(port_of(device.at("in")));
        auto four = dial(ZMQ_PUSH, "tcp://127.0.0.1:" + port);
        auto six = dial(ZMQ_PUSH, "tcp://[::1]:" + port, [](zmq::socket_t& s) { s.set(zmq::sockopt::ipv6, true); });
        EXPECT_TRUE(device.connected("in", ipv6 ? 2 : 1));
    }
}

}  // namespace
}  // namespace zdev::test
