// Connecting on the wire engine: names, source addresses, errors, back-off.

#include <net/if.h>

#include <cerrno>

#include "../src/wire/address.hpp"
#include "../src/wire/sockets.hpp"
#include "wire_support.hpp"

namespace zdev::test {
namespace {

wire::spec connecting(const std::string& to) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.out->binds = {};
    spec.out->connects = {to};
    spec.out->options.reconnect_ivl = 10ms;
    return spec;
}

// A port whose backlog is full: the system does not answer further connects.
class unanswering {
public:
    explicit unanswering(const std::string& host) {
        auto at = wire::resolve({host, "0", false}, false, true).front();
        if (!open(listener_, at) || ::bind(listener_.get(), at.get(), at.size) != 0 || ::listen(listener_.get(), 0) != 0)
            throw std::runtime_error("cannot listen at " + host);
        at = wire::local_address(listener_.get());
        endpoint_ = wire::to_text(at);
        for (auto& each : waiting_) {
            if (!open(each, at) || (::connect(each.get(), at.get(), at.size) != 0 && errno != EINPROGRESS))
                throw std::runtime_error("cannot connect to " + host);
        }
    }
    std::string port() const { return endpoint_.substr(endpoint_.rfind(':')); }
    const std::string& endpoint() const { return endpoint_; }

private:
    static bool open(wire::descriptor& made, const wire::address& at) {
        made = wire::descriptor(::socket(at.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        return static_cast<bool>(made);
    }
    wire::descriptor listener_, waiting_[3];
    std::string endpoint_;
};

TEST_F(OnWire, AConnectThatIsNotAnsweredIsGivenUpAfterConnectTimeout) {
    const unanswering silent("127.0.0.1");
    auto spec = connecting(silent.endpoint());
    spec.out->options.connect_timeout = 50ms;
    running device(spec);
    EXPECT_TRUE(eventually([&] { return device.device.connections("out").connect_failures >= 3; }));
    EXPECT_EQ(device.device.connects("out")[0].failure, "connecting took too long");
}

TEST_F(OnWire, AfterConnectTimeoutTheNextAddressOfTheHostNameIsTried) {
    if (wire::resolve({"localhost", "1", false}, false, true).size() < 2) GTEST_SKIP() << "localhost has only one address here";
    for (const auto& [silent_host, host] : {std::pair{"127.0.0.1", "[::1]"}, {"::1", "127.0.0.1"}}) {
        const unanswering silent(silent_host);
        auto sink = unbound(ZMQ_PULL, [](zmq::socket_t& s) { s.set(zmq::sockopt::ipv6, true); });
        sink.bind(std::string("tcp://") + host + silent.port());
        auto spec = connecting("tcp://localhost" + silent.port());
        spec.out->options.ipv6 = true;
        spec.out->options.connect_timeout = 50ms;
        running device(spec);
        EXPECT_TRUE(device.connected("out", 1)) << silent_host;
    }
}

// The longest time until the next attempt that was seen during some failures.
milliseconds longest_retry(running& device, std::uint64_t failures) {
    milliseconds longest{0};
    EXPECT_TRUE(eventually([&] {
        longest = std::max(longest, device.device.connects("out")[0].retry_in.value_or(0ms));
        return device.device.connections("out").connect_failures >= failures;
    }));
    return longest;
}

TEST_F(OnWire, ReconnectIvlIsTheLongestTimeBetweenAttempts) {
    const reserved refusing(false);
    auto spec = connecting(refusing.endpoint());
    spec.out->options.reconnect_ivl = 40ms;
    running device(spec);
    EXPECT_LE(longest_retry(device, 10), 40ms);
}

TEST_F(OnWire, ReconnectIvlMaxLetsTheTimeBetweenAttemptsGrowUpToIt) {
    const reserved refusing(false);
    auto spec = connecting(refusing.endpoint());
    spec.out->options.reconnect_ivl = 2ms;
    spec.out->options.reconnect_ivl_max = 100ms;
    running device(spec);
    const auto longest = longest_retry(device, 12);
    EXPECT_LE(longest, 100ms);
    EXPECT_GT(longest, 30ms);  // the last delays are 50 to 100 ms
}

TEST_F(OnWire, ANegativeReconnectIvlMeansOneAttempt) {
    const reserved refusing(false);
    auto spec = connecting(refusing.endpoint());
    spec.out->options.reconnect_ivl = -1ms;
    running device(spec);
    EXPECT_EQ(longest_retry(device, 1), 0ms);
    std::this_thread::sleep_for(a_moment);
    EXPECT_EQ(device.device.connections("out").connect_failures, 1);
}

TEST_F(OnWire, AnEndpointThatCannotBeConnectedToIsAnErrorThatNamesIt) {
    for (const char* const endpoint :
         {"tcp://*:1", "tcp://127.0.0.1:0", "tcp://127.0.0.1:*", "ipc://*", "ipc://", "tcp://127.0.0.1", "tcp://a;b:1",
          "tcp://nosuchinterface0:0;127.0.0.1:1", "tcp://[fe80::1%nosuchinterface0]:1"}) {
        auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
        spec.out->connects = {endpoint};
        try {
            wire::device device(spec);
            ADD_FAILURE() << endpoint;
        } catch (const error& e) {
            const std::string begin = std::string("device: cannot connect out (PUSH) to ") + endpoint + ": ";
            EXPECT_EQ(std::string(e.what()).rfind(begin, 0), 0) << e.what();
        }
    }
}

TEST_F(OnWire, AConnectMayNameTheAddressThatItComesFrom) {
    for (const char* const source : {"127.0.0.2:0", "127.0.0.2:*", "lo:*"}) {
        auto sink = unbound(ZMQ_PULL);
        sink.bind("tcp://127.0.0.1:*");
        const std::string where = sink.get(zmq::sockopt::last_endpoint);
        auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
        spec.out->binds = {};
        spec.out->connects = {std::string("tcp://") + source + ";" + where.substr(6)};
        running device(spec);
        auto feed = dial(ZMQ_PUSH, device.at("in"));
        send(feed, {"hello"});
        zmq::message_t got;
        ASSERT_TRUE(sink.recv(got));
        EXPECT_EQ(std::string(got.gets("Peer-Address")), source[0] == 'l' ? "127.0.0.1" : "127.0.0.2");
    }
}

TEST_F(OnWire, ASourceOfAnotherFamilyThanTheAddressIsAFailureThatIsShown) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.out->connects = {"tcp://[::1]:0;127.0.0.1:1"};
    running device(spec);
    const auto failure = [&] { return device.device.connects("out")[0].failure; };
    ASSERT_TRUE(eventually([&] { return !failure().empty(); }));
    EXPECT_EQ(failure(), "address family not supported by protocol");
}

TEST_F(OnWire, EveryAddressOfAHostNameIsTried) {
    const auto addresses = wire::resolve({"localhost", "1", false}, false, true);
    if (addresses.size() < 2) GTEST_SKIP() << "localhost has only one address here";
    for (const char* const only : {"tcp://127.0.0.1:*", "tcp://[::1]:*"}) {
        auto sink = unbound(ZMQ_PULL, [](zmq::socket_t& s) { s.set(zmq::sockopt::ipv6, true); });
        sink.bind(only);
        const std::string where = sink.get(zmq::sockopt::last_endpoint);
        auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
        spec.out->options.ipv6 = true;
        spec.out->connects = {"tcp://localhost" + where.substr(where.rfind(':'))};
        running device(spec);
        EXPECT_TRUE(device.connected("out", 1));
    }
}

TEST_F(OnWire, AZoneIdNamesTheInterfaceOfALinkLocalAddress) {
    const auto found = wire::resolve(wire::parse_endpoint("tcp://[fe80::1%lo]:5555", false).tcp, false, false);
    ASSERT_EQ(found.size(), 1);
    EXPECT_EQ(reinterpret_cast<const sockaddr_in6&>(found[0].storage).sin6_scope_id, ::if_nametoindex("lo"));
    EXPECT_EQ(wire::to_text(found[0]), "tcp://[fe80::1%lo]:5555");
}

TEST_F(OnWire, AConnectIsRetriedAndNothingIsSentBeforeItIsEstablished) {
    auto late = unbound(ZMQ_PULL);
    late.bind("tcp://127.0.0.1:*");
    const std::string where = late.get(zmq::sockopt::last_endpoint);
    late.close();
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.out->binds = {};
    spec.out->connects = {where};
    spec.out->options.reconnect_ivl = 10ms;
    spec.out->options.immediate = false;  // has no effect
    running device(spec);
    const auto failures = [&] { return device.device.connections("out").connect_failures; };
    ASSERT_TRUE(eventually([&] { return failures() > 2; }));
    auto source = dial(ZMQ_PUSH, device.at("in"));
    send(source, {"early"});
    const auto before = device.device.connections("out");
    ASSERT_TRUE(eventually([&] { return failures() > before.connect_failures + 2; }));
    EXPECT_EQ(device.device.statistics().in.messages_received, 0);
    for (int i = 0; i < 2; ++i) {  // the receiver arrives, leaves and returns
        auto sink = unbound(ZMQ_PULL);
        ASSERT_TRUE(eventually([&] { return zmq_bind(sink.handle(), where.c_str()) == 0; }));
        if (i > 0) send(source, {"again"});
        EXPECT_EQ(recv(sink), message{i == 0 ? "early" : "again"});
        sink.close();
        ASSERT_TRUE(device.connected("out", 0));
    }
    EXPECT_EQ(device.device.connections("out").connected, before.connected + 2);
}

TEST_F(OnWire, AHostNameIsLookedUpAndConnectedTo) {
    auto sink = unbound(ZMQ_PULL);
    sink.bind("tcp://127.0.0.1:*");
    std::string where = sink.get(zmq::sockopt::last_endpoint);
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.out->binds = {};
    spec.out->connects = {where.replace(where.find("127.0.0.1"), 9, "localhost")};
    running device(spec);
    auto source = dial(ZMQ_PUSH, device.at("in"));
    send(source, {"hello"});
    EXPECT_EQ(recv(sink), message{"hello"});
}

}  // namespace
}  // namespace zdev::test
