#include "rig.hpp"

#include <cstring>
#include <thread>
#include <utility>

#include "content.hpp"

namespace zdev_load {

rig::rig(const options& o) : settings(o), inproc_(o.in.rfind("inproc:", 0) == 0) {}

std::vector<zmq::context_t*> rig::contexts() { return {&in_context_, &out_context_, &mon_context_}; }

namespace {

zmq::socket_t open(zmq::context_t& context, zmq::socket_type type, const options& o, const char* role) {
    zmq::socket_t socket(context, type);
    const bool secured = o.secured.find(role) != std::string::npos;
    if (secured && !o.name.empty()) {
        socket.set(zmq::sockopt::plain_username, o.name);
        socket.set(zmq::sockopt::plain_password, o.password);
    }
    if (secured && !o.curve.empty()) {
        socket.set(zmq::sockopt::curve_serverkey, o.curve);
        socket.set(zmq::sockopt::curve_publickey, o.key);
        socket.set(zmq::sockopt::curve_secretkey, o.secret_key);
    }
    socket.set(zmq::sockopt::linger, 0);  // when a socket closes, everything has been received or the run has failed
    socket.set(zmq::sockopt::rcvtimeo, static_cast<int>(silence_limit.count()));
    socket.set(zmq::sockopt::sndtimeo, static_cast<int>(silence_limit.count()));
    return socket;
}

void connect_all(zmq::socket_t& socket, const std::string& endpoint, std::uint64_t connections) {
    const bool named = socket.get(zmq::sockopt::type) == ZMQ_ROUTER;
    for (std::uint64_t number = 0; number < connections; ++number) {
        if (named) socket.set(zmq::sockopt::connect_routing_id, routing_id(number));
        socket.connect(endpoint);
        if (number % 16 == 15)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));  // libzmq's backlog is 100 (ZMQ_BACKLOG)
    }
}

}  // namespace

zmq::socket_t& rig::in_peer(zmq::socket_type type) { return keep(open(in_context_, type, settings, "in")); }
zmq::socket_t& rig::out_peer(zmq::socket_type type) {
    return keep(open(inproc_ ? in_context_ : out_context_, type, settings, "out"));
}

zmq::socket_t& rig::watcher() {
    zmq::socket_t& sub = keep(open(inproc_ ? in_context_ : mon_context_, zmq::socket_type::sub, settings, "mon"));
    sub.set(zmq::sockopt::subscribe, "");
    sub.connect(settings.mon);
    return sub;
}

zmq::socket_t& rig::keep(zmq::socket_t socket) { return sockets_.emplace_back(std::move(socket)); }

void rig::connect_in(zmq::socket_t& socket, std::uint64_t connections) {
    if (!settings.in.empty()) return connect_all(socket, settings.in, connections);
    if (connections > 1) fail("several clients need a device");
    if (!settings.curve.empty()) socket.set(zmq::sockopt::curve_server, true);
    socket.bind("tcp://127.0.0.1:*");
    direct_endpoint_ = socket.get(zmq::sockopt::last_endpoint);
}

void rig::connect_out(zmq::socket_t& socket, std::uint64_t connections) {
    connect_all(socket, settings.out.empty() ? direct_endpoint_ : settings.out, connections);
}

// The first byte must not be 0: libzmq reserves such ids for itself.
std::string routing_id(std::uint64_t number) {
    const auto narrow = static_cast<std::uint32_t>(number);
    std::string id(1 + sizeof narrow, 'c');
    std::memcpy(&id[1], &narrow, sizeof narrow);
    return id;
}

std::uint64_t connection_number(const zmq::message_t& id) {
    std::uint32_t narrow = 0;
    if (id.size() != 1 + sizeof narrow) fail("a message arrived with an unknown routing id");
    std::memcpy(&narrow, static_cast<const char*>(id.data()) + 1, sizeof narrow);
    return narrow;
}

void receive(zmq::socket_t& socket, zmq::message_t& frame) {
    if (!socket.recv(frame)) throw silence("nothing arrived for 5 s: a message is lost or stuck");
}

void send(zmq::socket_t& socket, zmq::message_t& frame, zmq::send_flags flags) {
    if (!socket.send(frame, flags)) throw silence("no message could be sent for 5 s");
}

}  // namespace zdev_load
