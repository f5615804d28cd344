// The options of a load, and its contexts and sockets.

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

constexpr std::chrono::milliseconds silence_limit{5000};  // a run fails if a socket is silent for longer

struct options {
    std::string pattern;
    std::size_t size = 64;          // bytes per frame
    std::uint64_t frames = 1;       // per message
    std::uint64_t window = 1;       // requests that each client keeps in flight
    std::uint64_t clients = 1;      // connections to `in`
    std::uint64_t workers = 1;      // connections to `out`
    std::uint64_t subscribers = 1;  // of a fan-out
    std::uint64_t topics = 0;       // of a fan-out, divided among the subscribers; 0: all receive everything
    double seconds = 1;             // length of the measurement
    std::string in, out, mon;       // endpoints of the device; if empty, the two ends are connected to each other
    std::string curve;              // the public key of the device's sockets, in Z85; empty: no CURVE
    std::string key, secret_key;    // of this end, with CURVE
    std::string name, password;     // of this end, with PLAIN; empty: no PLAIN
    // Roles of the device whose sockets use CURVE or PLAIN.
    std::string secured = "in out mon";
    std::string monitor;  // "fast" or "frozen": adds a subscriber on `mon`
};

// Over TCP and ipc each end has a separate context; over inproc all share one.
class rig {
public:
    explicit rig(const options& o);
    std::vector<zmq::context_t*> contexts();
    zmq::context_t& device_context() { return in_context_; }  // for a device in this process
    // The sockets live as long as the rig: closing one would discard messages that it has not sent yet.
    zmq::socket_t& in_peer(zmq::socket_type type);   // for the device's `in`
    zmq::socket_t& out_peer(zmq::socket_type type);  // for the device's `out`
    zmq::socket_t& watcher();                        // connected to the device's `mon` and subscribed to everything
    zmq::socket_t& keep(zmq::socket_t socket);       // keeps any other socket open

    // Connect the ends to the device or, without one, to each other. A ROUTER numbers its connections 0, 1, ...
    void connect_in(zmq::socket_t& socket, std::uint64_t connections = 1);
    void connect_out(zmq::socket_t& socket, std::uint64_t connections = 1);

    const options settings;

private:
    zmq::context_t in_context_, out_context_, mon_context_;
    std::deque<zmq::socket_t> sockets_;
    bool inproc_;
    std::string direct_endpoint_;  // of `in_peer` if there is no device
};

// Convert between the number of a connection and its routing id.
std::string routing_id(std::uint64_t number);
std::uint64_t connection_number(const zmq::message_t& routing_id);

// Thrown if nothing was received or sent for `silence_limit`.
struct silence : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Receive or send one frame; throw `silence`.
void receive(zmq::socket_t& socket, zmq::message_t& frame);
void send(zmq::socket_t& socket, zmq::message_t& frame, zmq::send_flags flags = zmq::send_flags::none);

}  // namespace zdev_load

#endif
