// A peer that speaks ZMTP 3.1 (RFC 37) by hand, and so can send what libzmq never sends.

#ifndef ZDEV_TESTS_ZMTP_PEER_HPP
#define ZDEV_TESTS_ZMTP_PEER_HPP

#include <cstdint>
#include <string>
#include <zmq.hpp>

#include "messages.hpp"

namespace zdev::test {

enum frame_flags : unsigned char { last = 0, more = 1, large = 2, command = 4 };

// A frame as bytes on the wire.
inline std::string frame(const std::string& body, unsigned flags = last) {
    std::string bytes(1, static_cast<char>(body.size() > 255 ? flags | large : flags));
    for (int shift = body.size() > 255 ? 56 : 0; shift >= 0; shift -= 8) bytes += static_cast<char>(body.size() >> shift);
    return bytes + body;
}

class zmtp_peer {
public:
    // Connects by tcp and shakes hands. type: "DEALER", "SUB" ...
    zmtp_peer(zmq::context_t& context, zmq::socket_ref to, const std::string& type, const std::string& routing_id = "")
        : socket_(context, ZMQ_STREAM) {
        socket_.set(zmq::sockopt::linger, 0);
        socket_.set(zmq::sockopt::sndtimeo, static_cast<int>(patience.count()));
        socket_.connect(to.get(zmq::sockopt::last_endpoint));
        connection_ = recv(socket_).at(0);
        say(std::string("\xff\0\0\0\0\0\0\0\0\x7f\3\1NULL", 16) + std::string(48, '\0'));
        say(frame("\5READY" + property("Socket-Type", type) + property("Identity", routing_id), command));
        std::string heard;
        while (heard.find("READY") == std::string::npos) heard += recv(socket_).at(1);
    }

    void say(const std::string& bytes) { send(socket_, {connection_, bytes}); }

    // Says a message in one piece.
    void say(const message& parts) {
        std::string bytes;
        for (std::size_t i = 0; i < parts.size(); ++i) bytes += frame(parts[i], i + 1 < parts.size() ? more : last);
        say(bytes);
    }

private:
    static std::string property(const std::string& name, const std::string& value) {
        return static_cast<char>(name.size()) + name + std::string(3, '\0') + static_cast<char>(value.size()) + value;
    }

    zmq::socket_t socket_;
    std::string connection_;
};

}  // namespace zdev::test

#endif
