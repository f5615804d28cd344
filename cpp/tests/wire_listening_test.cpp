// Listening sockets that the caller opened and hands to a device of the wire engine.

#include <fcntl.h>
#include <sys/un.h>

#include <filesystem>

#include "wire_support.hpp"

namespace zdev::test {
namespace {

wire::spec with_listening(const reserved& socket) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.in.binds = {"tcp://127.0.0.1:*", socket.endpoint(), "tcp://127.0.0.1:*"};
    spec.in.listening = {{socket.endpoint(), socket.fd()}};
    return spec;
}

TEST_F(OnWire, AListeningSocketOfTheCallerServesItsEndpoint) {
    reserved socket;
    auto early = dial(ZMQ_PUSH, socket.endpoint());  // connects before there is a device
    send(early, {"early"});
    running device(with_listening(socket));
    socket.close();
    ASSERT_EQ(device.device.endpoints("in").size(), 3);
    EXPECT_EQ(device.device.endpoints("in")[1], socket.endpoint());
    auto sink = dial(ZMQ_PULL, device.at("out"));
    EXPECT_EQ(recv(sink), message{"early"});
    EXPECT_EQ(device.stop(), outcome::stopped);
    EXPECT_THROW(raw_peer(socket.endpoint()), std::runtime_error);  // nothing listens there any more
}

TEST_F(OnWire, TheCallerKeepsItsListeningSocket) {
    reserved socket;
    {
        wire::device device(with_listening(socket));
    }
    EXPECT_NE(::fcntl(socket.fd(), F_GETFD), -1);
    running device(with_listening(socket));
    auto source = dial(ZMQ_PUSH, socket.endpoint());
    auto sink = dial(ZMQ_PULL, device.at("out"));
    send(source, {"hello"});
    EXPECT_EQ(recv(sink), message{"hello"});
}

TEST_F(OnWire, AnIpcFileIsRemovedWithTheLastDescriptorOfItsSocket) {
    const std::string path = ::testing::TempDir() + "zdev-shared-" + std::to_string(::getpid());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    path.copy(at.sun_path, sizeof at.sun_path - 1);
    ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
    ASSERT_EQ(::listen(fd, 10), 0);
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.in.binds = {"ipc://" + path};
    spec.in.listening = {{spec.in.binds[0], fd}};
    {
        wire::device device(spec);
    }
    EXPECT_TRUE(std::filesystem::exists(path));  // the caller may serve it again
    {
        wire::device device(spec);
        ::close(fd);
    }
    EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(OnWire, ADeviceThatStopsAcceptingKeepsItsConnections) {
    reserved socket;
    running device(with_listening(socket));
    auto source = dial(ZMQ_PUSH, socket.endpoint()), sink = dial(ZMQ_PULL, device.at("out"));
    send(source, {"before"});
    EXPECT_EQ(recv(sink), message{"before"});
    device.device.stop_accepting();
    auto late = dial(ZMQ_PUSH, socket.endpoint());  // waits in the socket, which the caller has too
    send(late, {"late"});
    send(source, {"after"});
    EXPECT_EQ(recv(sink), message{"after"});
    EXPECT_EQ(device.stop(), outcome::stopped);
    running next(with_listening(socket));
    auto other = dial(ZMQ_PULL, next.at("out"));
    EXPECT_EQ(recv(other), message{"late"});
}

TEST_F(OnWire, ADescriptorThatDoesNotListenIsRefusedByName) {
    const auto why = [](const wire::spec& spec) {
        try {
            wire::device device(spec);
        } catch (const error& fault) {
            return std::string(fault.what());
        }
        return std::string();
    };
    const reserved bound(false);
    EXPECT_EQ(why(with_listening(bound)),
              "device: cannot bind in (PULL) to " + bound.endpoint() + ": its descriptor is not a listening socket");
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.in.listening = {{"tcp://127.0.0.1:1", bound.fd()}};
    EXPECT_NE(why(spec).find("in: tcp://127.0.0.1:1: "), std::string::npos);
    spec.in.listening = {{spec.in.binds[0], -1}};
    EXPECT_NE(why(spec).find("no descriptor"), std::string::npos);
    spec.in.listening = {{spec.in.binds[0], 0x7fffffff}};
    EXPECT_NE(why(spec).find("bad file descriptor"), std::string::npos);
}

}  // namespace
}  // namespace zdev::test
