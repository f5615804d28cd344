// Binding on the wire engine: tcp and ipc, wildcards, errors.

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
          std::string("ipc://@zdev-wire-test"), std::string("ipc://*")}) {
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
            EXPECT_EQ(std::string(e.what()).rfind("device: cannot bind in (PULL) to " + endpoint + ": ", 0), 0) << e.what();
        }
    }
}

TEST_F(OnWire, AnErrorSaysWhyAndWhatToDo) {
    wire::device holder(with_in("tcp://127.0.0.1:*"));
    const std::string taken = holder.endpoints("in")[0];
    try {
        wire::device device(with_in(taken));
        ADD_FAILURE();
    } catch (const error& e) {
        EXPECT_EQ(std::string(e.what()), "device: cannot bind in (PULL) to " + taken +
                                             ": address already in use (end the program that is bound there, or bind another "
                                             "address; port * lets the system choose)");
    }
}

TEST_F(OnWire, AWildcardIpcEndpointIsForThisUserAndLeavesNothingBehind) {
    std::string path;
    {
        wire::device device(with_in("ipc://*"));
        path = device.endpoints("in")[0].substr(6);
        struct stat folder{};
        ASSERT_EQ(::stat(std::filesystem::path(path).parent_path().c_str(), &folder), 0);
        EXPECT_EQ(folder.st_mode & 0777, 0700);
    }
    EXPECT_FALSE(std::filesystem::exists(std::filesystem::path(path).parent_path()));
}

TEST_F(OnWire, AnIpcFileThatAnotherListenerReplacedIsNotRemoved) {
    const std::string path = path_for("replaced");
    auto first = std::make_unique<wire::device>(with_in("ipc://" + path));
    std::filesystem::remove(path);
    wire::device second(with_in("ipc://" + path));
    first.reset();
    EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(OnWire, TypesThatCannotWorkTogetherAreRefusedByName) {
    for (const auto& [in, out] :
         {std::pair{ZMQ_PUSH, ZMQ_PUB}, {ZMQ_PULL, ZMQ_SUB}, {ZMQ_REP, ZMQ_REQ}, {ZMQ_PAIR, ZMQ_PAIR}}) {
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
