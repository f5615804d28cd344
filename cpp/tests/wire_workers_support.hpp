// What the tests of queues that know their workers share.

#ifndef ZDEV_TESTS_WIRE_WORKERS_SUPPORT_HPP
#define ZDEV_TESTS_WIRE_WORKERS_SUPPORT_HPP

#include "wire_support.hpp"

namespace zdev::test {

using wire::request_statistics;
using wire::worker_state;
using wire::worker_status;

inline wire::spec queue(const std::function<void(wire::workers&)>& set = {}) {
    wire::spec spec = pair(ZMQ_ROUTER, ZMQ_DEALER);
    auto& workers = spec.workers.emplace();
    if (set) set(workers);
    return spec;
}

inline std::vector<worker_status> workers(const running& device) { return device.device.workers().workers; }

class Workers : public OnWire {
public:
    // A client that asks without waiting, and a worker; each is connected when this returns.
    zmq::socket_t client(running& device, const setup& set = {}) {
        const auto before = device.device.connections("in").connections;
        auto made = dial(ZMQ_DEALER, device.at("in"), set);
        EXPECT_TRUE(device.connected("in", before + 1));
        return made;
    }
    zmq::socket_t worker(running& device, int type = ZMQ_REP) {
        const auto before = device.device.connections("out").connections;
        auto made = dial(type, device.at("out"));
        EXPECT_TRUE(device.connected("out", before + 1));
        return made;
    }
};

inline void ask_for(zmq::socket_t& client, const std::string& what) { send(client, {"", what}); }

inline std::uint64_t sum(const request_statistics& of) {
    return of.answered + of.waiting + of.at_work + of.expired + of.abandoned + of.rejected + of.dead;
}

// The requests now, each of which is counted once.
inline request_statistics requests(const running& device) {
    const auto found = device.device.workers().requests;
    EXPECT_EQ(found.received, sum(found));
    return found;
}

template <class Value>
bool comes_to(const running& device, Value request_statistics::* which, Value value) {
    return eventually([&] { return requests(device).*which == value; });
}

// Whether a client comes to have a request that nobody can take.
inline bool holds_back(running& device) {
    return eventually([&] {
        const auto all = device.device.peers();
        return std::any_of(all.begin(), all.end(), [](const auto& each) { return each.state == wire::peer_state::held; });
    });
}

// Compares the sum again and again while peers come and go.
inline void watch_requests(const running& device) {
    for (int i = 0; i < 400; ++i) {
        requests(device);
        std::this_thread::sleep_for(2ms);
    }
}

inline bool comes_to_rest(const running& device) {
    return eventually([&] {
        const auto found = requests(device);
        return found.waiting == 0 && found.at_work == 0;
    });
}

// The error of a device with this description; empty: there is no error.
inline std::string refusal_of(const wire::spec& spec) {
    try {
        wire::device device(spec);
    } catch (const error& fault) {
        return fault.what();
    }
    return {};
}

}  // namespace zdev::test

#endif
