// A native service: a monitored queue between clients (REQ, DEALER) and workers (REP), until SIGINT or SIGTERM.
//
//     monitored_queue tcp://127.0.0.1:5559 tcp://127.0.0.1:5560 tcp://127.0.0.1:5561
//
// Clients connect to the first endpoint, workers to the second; a SUB socket on the third receives a copy of every message.

#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <random>
#include <zdev/device.hpp>
#include <zmq.hpp>

namespace {

// A context option that zmq.h declares only with drafts. With 0, waiting messages do not keep libzmq's 18 KiB receive buffers.
constexpr int zero_copy_recv = 10;

zdev::device* running = nullptr;

extern "C" void stop(int) { running->stop(); }

void relay(const char* in_endpoint, const char* out_endpoint, const char* mon_endpoint) {
    std::srand(std::random_device{}());  // routing ids count up from rand()
    zmq::context_t context;
    zmq_ctx_set(context.handle(), zero_copy_recv, 0);
    zmq::socket_t in(context, zmq::socket_type::router);
    zmq_ctx_set(context.handle(), zero_copy_recv, 1);
    zmq::socket_t out(context, zmq::socket_type::dealer);
    zmq::socket_t mon(context, zmq::socket_type::pub);
    in.bind(in_endpoint);
    out.bind(out_endpoint);
    mon.bind(mon_endpoint);

    zdev::options options;
    options.monitor.socket = mon;
    zdev::device device(in, out, options);
    running = &device;
    std::signal(SIGINT, stop);
    std::signal(SIGTERM, stop);
    std::cout << "relaying between " << in.get(zmq::sockopt::last_endpoint) << " and " << out.get(zmq::sockopt::last_endpoint)
              << std::endl;
    device.run();
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);

    const auto done = device.statistics();
    std::cout << done.in.messages_sent << " requests and " << done.out.messages_sent << " replies relayed" << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::cerr << "usage: monitored_queue IN OUT MON (three endpoints to bind)\n";
        return EXIT_FAILURE;
    }
    try {
        relay(argv[1], argv[2], argv[3]);
    } catch (const std::exception& e) {
        std::cerr << "monitored_queue: " << e.what() << '\n';
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
