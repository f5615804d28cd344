// A native service that owns its connections: a monitored queue between clients (REQ, DEALER) and workers (REP), until SIGINT
// or SIGTERM. Linux.
//
//     wire_queue tcp://127.0.0.1:5559 tcp://127.0.0.1:5560 tcp://127.0.0.1:5561
//
// Clients connect to the first endpoint, workers to the second; a SUB socket on the third sees what passes.

#include <zmq.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <zdev/wire.hpp>

namespace {

zdev::wire::device* running = nullptr;

extern "C" void stop(int) { running->stop(); }

zdev::wire::socket_spec bound(int type, const char* endpoint) {
    zdev::wire::socket_spec spec;
    spec.type = type;
    spec.binds = {endpoint};
    spec.options.max_message_bytes = 64 << 20;  // of what a peer may send: larger ends its connection
    return spec;
}

void relay(char** endpoints) {
    zdev::wire::spec spec;
    spec.in = bound(ZMQ_ROUTER, endpoints[0]);
    spec.out = bound(ZMQ_DEALER, endpoints[1]);
    spec.mon.emplace().socket = bound(ZMQ_PUB, endpoints[2]);
    zdev::wire::device device(spec);
    running = &device;
    std::signal(SIGINT, stop);
    std::signal(SIGTERM, stop);
    std::cout << "relaying between " << device.endpoints("in")[0] << " and " << device.endpoints("out")[0] << std::endl;
    device.run();
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);

    const auto done = device.statistics();
    std::cout << done.in.messages_sent << " requests and " << done.out.messages_sent << " replies relayed, "
              << device.connections("in").accepted << " connections of clients" << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::cerr << "usage: wire_queue IN OUT MON (three endpoints to bind)\n";
        return EXIT_FAILURE;
    }
    try {
        relay(argv + 1);
    } catch (const std::exception& e) {
        std::cerr << "wire_queue: " << e.what() << '\n';
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
