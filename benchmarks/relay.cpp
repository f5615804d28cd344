// Relays a fixed number of messages over inproc, in bursts, so that instructions and system calls can be counted:
//
//   relay monitored-queue|queue|zmq-proxy stream|round-trips BURSTS MESSAGES_PER_BURST
//
// The main thread sends a burst and receives it before it sends the next. So the device's thread finds a whole burst waiting
// and sleeps before the next one, which makes the counts repeatable.

#include <cstdio>
#include <string>
#include <team.hpp>
#include <vector>

#include "relays.hpp"

namespace {

constexpr std::size_t size = 64;

// Receives `messages` messages and sends each back.
void answer(zmq::socket_t& worker, int messages) {
    zmq::message_t frame;
    for (int left = messages; left > 0;) {
        if (!worker.recv(frame)) fail("nothing arrived");
        const bool more = frame.more();
        worker.send(frame, more ? zmq::send_flags::sndmore : zmq::send_flags::none);
        if (!more) --left;
    }
}

void run(int argc, char** argv) {
    if (argc != 5) fail("wrong arguments: see the head of relay.cpp");
    const std::string device = argv[1];
    const bool stream = std::string(argv[2]) == "stream";
    const int bursts = std::stoi(argv[3]), messages = std::stoi(argv[4]);

    using type = zmq::socket_type;
    zmq::context_t context;
    zmq::socket_t in(context, stream ? type::pull : type::router), out(context, stream ? type::push : type::dealer), mon;
    if (device == "monitored-queue") mon = zmq::socket_t(context, type::pub);
    in.bind("inproc://in");
    out.bind("inproc://out");
    if (mon) mon.bind("inproc://mon");
    zmq::socket_t client(context, stream ? type::push : type::dealer), worker(context, stream ? type::pull : type::dealer);
    client.connect("inproc://in");
    worker.connect("inproc://out");

    zdev_load::team team({&context});
    team.start([&] { relay(device, in, out, mon); });
    zmq::message_t frame;
    for (int burst = 0; burst < bursts; ++burst) {
        for (int i = 0; i < messages; ++i) client.send(zmq::message_t(size), zmq::send_flags::none);
        if (!stream) answer(worker, messages);
        zmq::socket_t& receiver = stream ? worker : client;
        for (int i = 0; i < messages; ++i) {
            if (!receiver.recv(frame) || frame.size() != size) fail("a message is missing or has the wrong size");
        }
    }
    team.finish(0, 0);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        run(argc, argv);
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "relay: %s\n", error.what());
        return 1;
    }
}
