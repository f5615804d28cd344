// The peers of a wire::device at one moment.
//
// Threads: values.

#ifndef ZDEV_WIRE_PEERS_HPP
#define ZDEV_WIRE_PEERS_HPP

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace zdev::wire {

enum class peer_state {
    handshake,     // connected; no message may pass yet
    up,            // messages may pass
    blocked,       // up, but it has `sndhwm` messages waiting, and gets no more until it reads
    held,          // up, but its messages cannot be delivered, so that the device does not read from it
    connecting,    // a connect that is being tried
    retrying,      // a connect that failed or ended, and is tried again after `retry_in`
    disconnected,  // a connect that is not tried again
};

// A connection, or a connect that has none.
struct peer_status {
    std::uint64_t number = 0;  // names the connection in device::kick(); not used again in this device; 0: no connection
    std::string role;          // "in", "out" or "mon"
    peer_state state = peer_state::handshake;
    std::string address;      // of the peer: "tcp://10.0.0.7:40312"; over ipc "pid:1234", if the system knows; else `endpoint`
    std::string endpoint;     // the endpoint here that it connected to, or the one of `connects`
    std::string user;         // by which it authenticated
    std::string routing_id;   // of the peer of a ROUTER
    std::string socket_type;  // of the peer, "DEALER"; empty before the end of the handshake
    std::string protocol;     // "ZMTP 3.1"; empty before the end of the handshake
    std::optional<std::chrono::system_clock::time_point> since;  // the beginning of the connection

    // Messages that were relayed from it and to it; bytes with framing, handshake and commands.
    std::uint64_t messages_received = 0, bytes_received = 0, messages_sent = 0, bytes_sent = 0;
    std::uint64_t waiting = 0;        // messages to be sent to it
    std::uint64_t in_flight = 0;      // requests without a reply: asked by it, or sent to it
    std::uint64_t malformed = 0;      // messages from it, dropped for that reason
    std::uint64_t unroutable = 0;     // messages from it, dropped because their receiver is unknown or has left
    std::uint64_t overflowed = 0;     // messages to it, dropped because it was full
    std::uint64_t denied = 0;         // messages and subscriptions from it, refused because of its rights
    std::uint64_t subscriptions = 0;  // of a peer of PUB or XPUB

    std::string failure;                                // of a connect: why the last attempt failed or the connection ended
    std::optional<std::chrono::milliseconds> retry_in;  // of a connect
};

}  // namespace zdev::wire

#endif
