// What the connections of a wire::device have done so far, and how its connects are.
//
// Threads: values. Each counter never decreases, except those of the present.

#ifndef ZDEV_WIRE_STATISTICS_HPP
#define ZDEV_WIRE_STATISTICS_HPP

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace zdev::wire {

// Counters of the connections of one role.
struct role_statistics {
    std::uint64_t connections = 0;       // now, past their handshake
    std::uint64_t shaking_hands = 0;     // now, in their handshake; this and the next two may be a second old
    std::uint64_t blocked = 0;           // now, of `connections`: see peer_state
    std::uint64_t held = 0;              // now, of `connections`: see peer_state
    std::uint64_t accepted = 0;          // incoming connections
    std::uint64_t connected = 0;         // outgoing connections that were established
    std::uint64_t connect_failures = 0;  // attempts that failed
    std::uint64_t accept_pauses = 0;     // times that accepting paused because the process had no free descriptor

    // Handshakes that failed, by reason.
    std::uint64_t refused_version = 0;         // the peer speaks ZMTP 1.0 or 2.0
    std::uint64_t refused_mechanism = 0;       // it uses another security mechanism
    std::uint64_t refused_authentication = 0;  // its key or password is not known, or its handshake was forged
    std::uint64_t refused_handshakes = 0;      // too many handshakes were under way from its address
    std::uint64_t refused_socket_type = 0;     // its socket type cannot talk to this one
    std::uint64_t refused_routing_id = 0;      // its routing id is in use
    std::uint64_t refused_malformed = 0;       // it does not speak ZMTP, or its handshake is invalid
    std::uint64_t refused_by_peer = 0;         // it reported an error
    std::uint64_t refused_resources = 0;       // this process had no memory or descriptor for it

    // Incoming connections that were closed at once because of a limit in socket_options.
    std::uint64_t refused_max_connections = 0;
    std::uint64_t refused_max_connections_per_address = 0;
    std::uint64_t refused_max_connections_per_key = 0;  // this one at the end of its handshake

    // Connections closed by the device after their handshake, by reason.
    std::uint64_t framing_errors = 0;  // the peer sent an invalid frame or command
    // Its request, or its message as a worker, broke the protocol of `workers`.
    std::uint64_t worker_protocol_errors = 0;
    std::uint64_t credentials_withdrawn = 0;  // its key or password was withdrawn
    std::uint64_t limits_exceeded = 0;        // a frame, message or subscription beyond a limit of socket_options

    std::uint64_t handshake_timeouts = 0;  // connections closed because their handshake took longer than handshake_ivl
    std::uint64_t heartbeat_timeouts = 0;  // connections closed because the peer was silent for too long
    std::uint64_t idle_timeouts = 0;       // connections closed because no message had passed for idle_timeout
    std::uint64_t kicked = 0;              // connections ended by device::kick()

    std::uint64_t messages_lost = 0;     // received and not delivered: the receiver left, or the run ended
    std::uint64_t drain_discards = 0;    // arrived during a drain of requests, and were not forwarded
    std::uint64_t departed_copies = 0;   // of PUB and XPUB: copies that waited for a subscriber that left
    std::uint64_t subscriber_drops = 0;  // of PUB and XPUB: copies not sent because a subscriber was at sndhwm
    std::uint64_t unmatched = 0;         // of PUB and XPUB: messages that no peer had subscribed to
    std::uint64_t publisher_drops = 0;   // of XSUB: copies of a subscriber's message not sent to a publisher at sndhwm

    // Refused because of the rights of the peer.
    std::uint64_t denied_messages = 0;       // dropped before they were received
    std::uint64_t denied_subscriptions = 0;  // no part of them was allowed

    std::uint64_t refused() const noexcept {
        return refused_version + refused_mechanism + refused_authentication + refused_handshakes + refused_socket_type +
               refused_routing_id + refused_malformed + refused_by_peer + refused_resources + refused_max_connections +
               refused_max_connections_per_address + refused_max_connections_per_key;
    }
    std::uint64_t protocol_errors() const noexcept { return framing_errors + worker_protocol_errors + limits_exceeded; }
    std::uint64_t timeouts() const noexcept { return handshake_timeouts + heartbeat_timeouts + idle_timeouts; }
};

// A peer that was refused by its credentials, or disconnected because they were withdrawn.
struct refused_peer {
    std::string address;  // as ZAP has it: an IP address; empty for ipc
    std::string key;      // with CURVE, its public key, if it has shown one; never a name, which may be a password
    std::string reason;
};

// A message or subscription that was refused because of the rights of its peer.
struct denied_topic {
    std::string address;  // as above
    std::string user;
    bool subscription = false;
    std::string topic;  // its first 64 bytes
};

// How one of the connects of a role is.
struct connect_status {
    std::string endpoint;
    bool connected = false;  // its handshake has succeeded
    std::string failure;     // why the last attempt failed or the last connection ended; empty while it is connected
    // When it is tried again; none: it is connected, is being tried now, or is not tried again.
    std::optional<std::chrono::milliseconds> retry_in;
};

}  // namespace zdev::wire

#endif
