// What a load consists of: the options of a run, what its threads share, and the threads of each pattern.

#ifndef ZDEV_BENCHMARKS_LOAD_HPP
#define ZDEV_BENCHMARKS_LOAD_HPP

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "content.hpp"
#include "team.hpp"

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
    std::string in, out, mon;       // endpoints of the device; empty: no device
    std::string monitor;            // "fast" or "frozen": a subscriber at `mon`; empty: none
    std::string device;             // one that runs in this process, over inproc
};

// What the measuring thread and the others share; each number has one writer.
struct progress {
    alignas(64) std::atomic<bool> stop{false};
    alignas(64) std::atomic<std::uint64_t> received{0};
    alignas(64) std::atomic<std::uint64_t> watched{0};  // copies that the monitor's subscriber got
    std::atomic<bool> steady{false};                    // all peers take part: measuring may begin
    std::vector<float> latencies;                       // microseconds, of every trip; to be read when all have ended
};

// The contexts and sockets of a run. Over TCP each end has a context of its own; over inproc all share one.
class rig {
public:
    explicit rig(const options& o);
    std::vector<zmq::context_t*> contexts();
    // The sockets live as long as the rig: one that closes would take along what it has not sent yet.
    zmq::socket_t& near(zmq::socket_type type);  // to be connected to the device's `in`
    zmq::socket_t& far(zmq::socket_type type);   // to be connected to the device's `out`
    zmq::socket_t& watcher();                    // connected to the device's `mon` and subscribed to everything
    void start_device(team& team);               // the one in this process, if that was asked for

    // Connects the ends with the device; without one, with each other. A ROUTER with several connections names them 0, 1, ...
    void connect_near(zmq::socket_t& socket, std::uint64_t connections = 1);
    void connect_far(zmq::socket_t& socket, std::uint64_t connections = 1);

    options asked;

private:
    zmq::socket_t& keep(zmq::socket_t socket);

    zmq::context_t near_context_, far_context_, mon_context_;
    std::deque<zmq::socket_t> sockets_;
    zmq::socket_t device_in_, device_out_, device_mon_;
    bool inside_;
    std::string direct_;  // where `near` is bound when there is no device
};

// The routing id of connection `number`, and back.
std::string routing_id(std::uint64_t number);
std::uint64_t connection_number(const zmq::message_t& routing_id);

// Both fail when nothing moves for too long.
void receive(zmq::socket_t& socket, zmq::message_t& frame);
void send(zmq::socket_t& socket, zmq::message_t& frame, zmq::send_flags flags = zmq::send_flags::none);

// Makes the sockets of the pattern, starts its threads, and returns how many of these end by themselves after a stop.
std::size_t start(rig& rig, team& team, const content& content, progress& progress);

// The subscriber of the monitor: starts its thread, or makes a socket that nobody reads.
void watch(rig& rig, team& team, const content& content, progress& progress);

#endif
