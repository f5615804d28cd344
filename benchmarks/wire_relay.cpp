// relay.cpp for the wire engine: relays bursts between two peers that write and read bytes, in the main thread.
//
//   wire_relay wire|workers stream|round-trips BURSTS MESSAGES_PER_BURST
//
// workers: the queue knows its workers, which may have 1000 requests each.
// libzmq is not used: its I/O thread would execute more instructions than the device.

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <string>
#include <thread>

#include "wire.hpp"

namespace {

constexpr std::size_t size = 64;

class peer {
public:
    // Connects to ipc://@NAME and shakes hands as a socket of that type, by ZMTP 3.1.
    peer(const std::string& endpoint, const std::string& type) : fd_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
        const std::string name = std::string(1, '\0') + endpoint.substr(endpoint.find('@') + 1);
        sockaddr_un to{};
        to.sun_family = AF_UNIX;
        name.copy(to.sun_path, sizeof to.sun_path);
        const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
        if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), length) != 0) fail("cannot connect");
        const std::string key = std::string("\x0bSocket-Type\0\0\0", 15) + static_cast<char>(type.size()) + type;
        const std::string ready = std::string("\5READY") + key;
        send(std::string("\xff\0\0\0\0\0\0\0\1\x7f\3\1NULL", 16) + std::string(48, '\0') + '\4' +
             static_cast<char>(ready.size()) + ready);
        receive(64);
        receive(static_cast<unsigned char>(receive(2)[1]));
    }
    ~peer() { ::close(fd_); }
    peer(const peer&) = delete;
    peer& operator=(const peer&) = delete;

    void send(const std::string& bytes) const {
        if (::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size())) fail("cannot send");
    }
    std::string receive(std::size_t bytes) const {
        std::string got(bytes, '\0');
        if (::recv(fd_, got.data(), bytes, MSG_WAITALL) != static_cast<ssize_t>(bytes)) fail("nothing arrived");
        return got;
    }

private:
    int fd_;
};

void relay_bursts(const zdev::wire::device& device, bool stream, int bursts, std::size_t messages) {
    const peer client(device.endpoints("in")[0], stream ? "PUSH" : "DEALER");
    const peer worker(device.endpoints("out")[0], stream ? "PULL" : "DEALER");
    std::string burst;
    for (std::size_t i = 0; i < messages; ++i) burst += std::string("\0\x40", 2) + std::string(size, 'x');
    const std::size_t routing_id = 7;  // a frame of five bytes
    for (int i = 0; i < bursts; ++i) {
        client.send(burst);
        if (!stream) worker.send(worker.receive(burst.size() + messages * routing_id));
        if ((stream ? worker : client).receive(burst.size()) != burst) fail("a message was changed");
    }
}

void run(int argc, char** argv) {
    if (argc != 5) fail("wrong arguments: see the head of wire_relay.cpp");
    const bool stream = std::string(argv[2]) == "stream";
    const std::string name = "ipc://@zdev-wire-relay-" + std::to_string(::getpid());
    const std::vector<std::string> types = {stream ? "PULL" : "ROUTER", stream ? "PUSH" : "DEALER"};
    auto spec = wire_spec(types, {name + "-in", name + "-out"});
    if (std::string(argv[1]) == "workers") spec.workers.emplace().max_requests = 1000;
    zdev::wire::device device(spec);
    std::thread thread([&] { device.run(); });
    relay_bursts(device, stream, std::stoi(argv[3]), std::stoul(argv[4]));
    device.stop();
    thread.join();
}

}  // namespace

int main(int argc, char** argv) {
    try {
        run(argc, argv);
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "wire_relay: %s\n", error.what());
        return 1;
    }
}
