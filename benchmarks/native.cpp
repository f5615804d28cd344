// A device as a C++ process:
//
//   native monitored-queue|queue|zmq-proxy|wire|workers IN_TYPE OUT_TYPE IN_ENDPOINT OUT_ENDPOINT [MON_ENDPOINT]
//
// Binds the sockets, prints one line of JSON with the endpoints and the version of libzmq, and relays until it is killed or its
// standard input ends. workers: a queue that knows its workers, which may have 64 requests each. With a libzmq built with
// drafts, it reads and writes the network in batches of 64 KiB.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <zmq.hpp>

#include "relays.hpp"
#include "wire.hpp"

namespace {

// Sets ZMQ_IN_BATCH_SIZE and ZMQ_OUT_BATCH_SIZE, which zmq.h declares as drafts. Without drafts, libzmq fails with EINVAL and
// keeps 8 KiB.
void enlarge_batches(zmq::socket_t& socket) {
    const int bytes = 64 * 1024;
    for (const int option : {101, 102}) zmq_setsockopt(socket.handle(), option, &bytes, sizeof bytes);
}

// A context option. With 0, a message that waits in a socket does not keep a whole receive buffer in memory (see docs/cpp.md).
constexpr int zero_copy_recv = 10;

zmq::socket_t open(zmq::context_t& context, const std::string& type, const std::string& endpoint) {
    zmq::socket_t socket(context, type_named(type));
    enlarge_batches(socket);
    if (type == "XPUB" || type == "XSUB")
        socket.set(zmq::sockopt::sndhwm, 0);  // the load paces itself, so nothing may be dropped
    socket.bind(endpoint);
    return socket;
}

void run_wire(int argc, char** argv) {
    std::vector<std::string> types = {argv[2], argv[3]}, endpoints(argv + 4, argv + argc);
    if (endpoints.size() > 2) types.emplace_back("PUB");
    auto spec = wire_spec(types, endpoints);
    if (argv[1] == std::string("workers")) spec.workers.emplace().max_requests = 64;
    zdev::wire::device device(spec);
    std::printf(R"({"in": "%s", "out": "%s", "mon": "%s", "versions": {}})"
                "\n",
                device.endpoints("in")[0].c_str(), device.endpoints("out")[0].c_str(),
                endpoints.size() > 2 ? device.endpoints("mon")[0].c_str() : "");
    std::fflush(stdout);
    device.run();
}

void run(int argc, char** argv) {
    if (argc < 6 || argc > 7) fail("wrong arguments: see the head of native.cpp");
    std::thread([] {
        while (std::getchar() != EOF) {
        }
        std::_Exit(0);  // the parent process has ended
    }).detach();
    if (argv[1] == std::string("wire") || argv[1] == std::string("workers")) return run_wire(argc, argv);
    zmq::context_t context;
    if (argv[1] != std::string("zmq-proxy")) zmq_ctx_set(context.handle(), zero_copy_recv, 0);
    zmq::socket_t in = open(context, argv[2], argv[4]);
    zmq_ctx_set(context.handle(), zero_copy_recv, 1);
    zmq::socket_t out = open(context, argv[3], argv[5]), mon;
    if (argc > 6) mon = open(context, "PUB", argv[6]);
    const auto at = [](zmq::socket_t& socket) { return socket ? socket.get(zmq::sockopt::last_endpoint) : std::string(); };
    int major = 0, minor = 0, patch = 0;
    zmq_version(&major, &minor, &patch);
    std::printf(R"({"in": "%s", "out": "%s", "mon": "%s", "versions": {"libzmq of native": "%d.%d.%d%s"}})"
                "\n",
                at(in).c_str(), at(out).c_str(), at(mon).c_str(), major, minor, patch, zmq_has("draft") ? " with drafts" : "");
    std::fflush(stdout);
    relay(argv[1], in, out, mon);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "native: %s\n", error.what());
    }
    return 1;
}
