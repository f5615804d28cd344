// What a load is asked for, and its contexts and sockets.

#ifndef ZDEV_LOAD_RIG_HPP
#define ZDEV_LOAD_RIG_HPP

#include <chrono>
#include <cstdint>
#include <deque>
#include <stdexcept>
#include <string>
#include <vector>
#include <zmq.hpp>

namespace zdev_load {

constexpr std::chrono::milliseconds patience{5000};  // longest silence of a socket before the run fails

struct options {
    std::string pattern;
    std::size_t size = 64;          // bytes a frame
    std::uint64_t frames = 1;       // a message
    std::uint64_t window = 1;       // requests that a client keeps under way
    std::uint64_t clients = 1;      // connections to `in`
    std::uint64_t workers = 1;      // connections to `out`
    std::uint64_t subscribers = 1;  // of a fan-out
    double seconds = 1;             // measured
    std::string in, out, mon;       // endpoints of the device; empty: no device, the two ends talk to each other
    std::string monitor;            // "fast" or "frozen": a subscriber at `mon`; empty: none
};

// Over TCP and ipc each end has a context of its own; over inproc all share one.
class rig {
public:
    explicit rig(const options& o);
    std::vector<zmq::context_t*> contexts();
    zmq::context_t& device_context() { return in_context_; }  // for a device of this process
    // The sockets live as long as the rig: one that closes would take along what it has not sent yet.
    zmq::socket_t& in_peer(zmq::socket_type type);   // to be connected to the device's `in`
    zmq::socket_t& out_peer(zmq::socket_type type);  // to be connected to the device's `out`
    zmq::socket_t& watcher();                        // connected to the device's `mon` and subscribed to everything
    zmq::socket_t& keep(zmq::socket_t socket);       // any other

    // Connects the ends with the device; without one, with each other. A ROUTER with several connections names them 0, 1, ...
    void connect_in(zmq::socket_t& socket, std::uint64_t connections = 1);
    void connect_out(zmq::socket_t& socket, std::uint64_t connections = 1);

    const options asked;

private:
    zmq::context_t in_context_, out_context_, mon_context_;
    std::deque<zmq::socket_t> sockets_;
    bool inside_;
    std::string direct_;  // where `in_peer` is bound when there is no device
};

// The routing id of connection `number`, and back.
std::string routing_id(std::uint64_t number);
std::uint64_t connection_number(const zmq::message_t& routing_id);

// Nothing moved for too long.
struct silence : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Both throw `silence`.
void receive(zmq::socket_t& socket, zmq::message_t& frame);
void send(zmq::socket_t& socket, zmq::message_t& frame, zmq::send_flags flags = zmq::send_flags::none);

}  // namespace zdev_load

#endif
