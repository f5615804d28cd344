// Binding and connecting on the wire engine: tcp and ipc, wildcards, errors, back-off.

#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "wire_support.hpp"

namespace zdev::test {
namespace {

wire::spec with_in(const std::string& bind) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.in.binds = {bind};
    return spec;
}

std::string path_for(const std::string& name) {
    const auto path = std::filesystem::temp_directory_path() / ("zdev-wire-" + std::to_string(::getpid()) + name);
    std::filesystem::remove(path);
    return path.string();
}

TEST_F(OnWire, EveryFormOfEndpointIsBoundAndReached) {
    for (const std::string& bind :
         {std::string("tcp://127.0.0.1:*"), std::string("tcp://127.0.0.1:0"), std::string("tcp://lo:*"),
          std::string("tcp://localhost:*"), std::string("tcp://*:*"), std::string("tcp://[::1]:*"), "ipc://" + path_for("a"),
          std::string("ipc://@zdev-wire-test")}) {
        running device(with_in(bind));
        std::string at = device.at("in");
        if (at.find("0.0.0.0") != std::string::npos) at.replace(at.find("0.0.0.0"), 7, "127.0.0.1");
        auto source = dial(ZMQ_PUSH, at, [](zmq::socket_t& s) { s.set(zmq::sockopt::ipv6, true); });
        auto sink = dial(ZMQ_PULL, device.at("out"));
        send(source, {bind});
        EXPECT_EQ(recv(sink), message{bind}) << at;
    }
}

TEST_F(OnWire, AnEndpointThatCannotBeBoundIsAnErrorThatNamesIt) {
    wire::device holder(with_in("tcp://127.0.0.1:*"));
    const std::pair<std::string, int> bad[] = {
        {holder.endpoints("in")[0], EADDRINUSE}, {"tcp://192.0.2.1:*", EADDRNOTAVAIL},
        {"tcp://nosuchinterface0:*", ENODEV},    {"tcp://127.0.0.1", EINVAL},
        {"tcp://127.0.0.1:99999", EINVAL},       {"udp://127.0.0.1:1", EPROTONOSUPPORT},
        {"inproc://x", EPROTONOSUPPORT},         {"nonsense", EINVAL},
        {"ipc:///no/such/folder/x", ENOENT},     {"ipc://" + std::string(200, 'x'), EINVAL}};
    for (const auto& [endpoint, number] : bad) {
        try {
            wire::device device(with_in(endpoint));
            ADD_FAILURE() << endpoint;
        } catch (const error& e) {
            EXPECT_EQ(e.num(), number) << e.what();
            EXPECT_NE(std::string(e.what()).find("in: "), std::string::npos) << e.what();
            EXPECT_NE(std::string(e.what()).find(endpoint), std::string::npos) << e.what();
        }
    }
}

TEST_F(OnWire, TypesThatCannotWorkTogetherAreRefusedByName) {
    for (const auto& [in, out] :
         {std::pair{ZMQ_PUSH, ZMQ_PULL}, {ZMQ_PULL, ZMQ_SUB}, {ZMQ_REP, ZMQ_REQ}, {ZMQ_PAIR, ZMQ_PAIR}}) {
        EXPECT_EQ(errno_of([in = in, out = out] { wire::device device(pair(in, out)); }), EINVAL);
    }
    auto spec = monitored(ZMQ_PULL, ZMQ_PUSH, ZMQ_SUB);
    EXPECT_EQ(errno_of([&] { wire::device device(spec); }), EINVAL);
}

TEST_F(OnWire, AStaleIpcFileIsReplacedALiveOneIsNotAndNoneIsLeftBehind) {
    const std::string path = path_for("stale");
    std::string kept = path + ".old";
    {
        wire::device device(with_in("ipc://" + path));
        EXPECT_EQ(errno_of([&] { wire::device second(with_in("ipc://" + path)); }), EADDRINUSE);
        std::filesystem::rename(path, kept);  // as after a crash: nothing listens there once this device has closed
    }
    std::filesystem::rename(kept, path);
    {
        wire::device device(with_in("ipc://" + path));
        EXPECT_TRUE(std::filesystem::exists(path));
    }
    EXPECT_FALSE(std::filesystem::exists(path));
    std::ofstream(path) << "not a socket";
    EXPECT_EQ(errno_of([&] { wire::device device(with_in("ipc://" + path)); }), EADDRINUSE);
    EXPECT_TRUE(std::filesystem::exists(path));
    std::filesystem::remove(path);
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

TEST_F(OnWire, SeveralBindsAndConnectsServeOneRole) {
    auto sink = unbound(ZMQ_PULL);
    sink.bind("tcp://127.0.0.1:*");
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.in.binds.emplace_back("ipc://@zdev-wire-second");
    spec.out->connects = {sink.get(zmq::sockopt::last_endpoint)};
    running device(spec);
    ASSERT_EQ(device.device.endpoints("in").size(), 2);
    auto first = dial(ZMQ_PUSH, device.at("in")), second = dial(ZMQ_PUSH, "ipc://@zdev-wire-second");
    send(first, {"hello"});
    send(second, {"hello"});
    EXPECT_EQ(recv(sink), message{"hello"});
    EXPECT_EQ(recv(sink), message{"hello"});
}

}  // namespace
}  // namespace zdev::test
