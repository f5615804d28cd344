// relay.cpp for the wire engine: relays bursts between two peers that write and read bytes, in the main thread.
//
//   wire_relay wire|workers|curve stream|round-trips BURSTS MESSAGES_PER_BURST
//
// workers: the queue knows its workers, which may have 1000 requests each. curve: only a stream, with CURVE on both sides.
// libzmq is not used: its I/O thread would execute more instructions than the device.

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "../cpp/src/zmtp/curve.hpp"
#include "../cpp/src/zmtp/handshake.hpp"
#include "wire.hpp"

namespace {

using namespace zdev::zmtp;

constexpr std::size_t size = 64;

// Of the device and of its peers.
struct keys {
    crypto::key_pair device = crypto::make_keys(), peer = crypto::make_keys();
};

class peer {
public:
    // Connects to ipc://@NAME and shakes hands as a socket of that type, with CURVE if there are keys.
    peer(const std::string& endpoint, int type, const keys* secured) : fd_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
        const std::string name = std::string(1, '\0') + endpoint.substr(endpoint.find('@') + 1);
        sockaddr_un to{};
        to.sun_family = AF_UNIX;
        name.copy(to.sun_path, sizeof to.sun_path);
        const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
        if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), length) != 0) fail("cannot connect");
        handshake ours({type, {}, {}}, secured ? make_curve_client(secured->peer, secured->device.public_key) : make_null());
        while (!ours.done() && !ours.failed()) {
            send(ours.take_output());
            ours.feed(receive(1));
        }
        if (ours.failed()) fail(ours.reason());
        send(ours.take_output());
        cipher_ = ours.mechanism().make_cipher();
    }
    ~peer() { ::close(fd_); }
    peer(const peer&) = delete;
    peer& operator=(const peer&) = delete;

    // Sends the same frame several times.
    void send_frames(std::string_view body, std::size_t count) {
        std::string bytes, sealed(body.size() + longest_header + cipher::overhead, '\0');
        for (std::size_t i = 0; i < count; ++i) {
            if (cipher_) {
                bytes.append(sealed, 0, cipher_->seal(sealed.data(), 0, body));
            } else {
                append_frame(bytes, 0, body);
            }
        }
        send(bytes);
    }
    void send(const std::string& bytes) const {
        if (::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size())) fail("cannot send");
    }
    void receive_frames(std::string_view body, std::size_t count) {
        std::string expected, opened;
        append_frame(expected, 0, body);
        const std::size_t each = expected.size() + (cipher_ ? cipher::overhead : 0);
        const std::string got = receive(count * each);
        for (std::size_t i = 0; i < count; ++i) {
            opened = got.substr(i * each, each);
            if (cipher_) opened.resize(cipher_->open(opened.data(), std::string_view(got).substr(i * each + 2, each - 2)));
            if (opened != expected) fail("a message was changed");
        }
    }
    std::string receive(std::size_t bytes) const {
        std::string got(bytes, '\0');
        if (::recv(fd_, got.data(), bytes, MSG_WAITALL) != static_cast<ssize_t>(bytes)) fail("nothing arrived");
        return got;
    }

private:
    int fd_;
    std::unique_ptr<cipher> cipher_;  // null: no CURVE
};

void relay_bursts(const zdev::wire::device& device, bool stream, const keys* secured, int bursts, std::size_t messages) {
    peer client(device.endpoints("in")[0], stream ? ZMQ_PUSH : ZMQ_DEALER, secured);
    peer worker(device.endpoints("out")[0], stream ? ZMQ_PULL : ZMQ_DEALER, secured);
    const std::string body(size, 'x');
    const std::size_t routing_id = 7, frame = 2 + size;  // with the headers of the frames
    for (int i = 0; i < bursts; ++i) {
        client.send_frames(body, messages);
        if (!stream) worker.send(worker.receive(messages * (routing_id + frame)));
        (stream ? worker : client).receive_frames(body, messages);
    }
}

void secure(zdev::wire::spec& spec, const keys& with) {
    const std::string secret(with.device.secret.view());
    for (auto* const role : {&spec.in, &*spec.out}) {
        role->security = zdev::wire::curve_server{secret, {{{with.peer.public_key, "peer"}}}, {}};
    }
}

void run(int argc, char** argv) {
    if (argc != 5) fail("wrong arguments: see the head of wire_relay.cpp");
    const std::string kind = argv[1];
    const bool stream = std::string(argv[2]) == "stream";
    const std::string name = "ipc://@zdev-wire-relay-" + std::to_string(::getpid());
    const std::vector<std::string> types = {stream ? "PULL" : "ROUTER", stream ? "PUSH" : "DEALER"};
    auto spec = wire_spec(types, {name + "-in", name + "-out"});
    if (kind == "workers") spec.workers.emplace().max_requests = 1000;
    std::optional<keys> secured;
    if (kind == "curve") secure(spec, secured.emplace());
    zdev::wire::device device(spec);
    std::thread thread([&] { device.run(); });
    relay_bursts(device, stream, secured ? &*secured : nullptr, std::stoi(argv[3]), std::stoul(argv[4]));
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
