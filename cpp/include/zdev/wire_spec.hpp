// What a wire::device is made from: endpoints and options for each role.

#ifndef ZDEV_WIRE_SPEC_HPP
#define ZDEV_WIRE_SPEC_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>
#include <zdev/device.hpp>

namespace zdev::wire {

using std::chrono::milliseconds;

// Names and defaults are those of zmq_setsockopt(3), except where a comment says otherwise.
// Whether a running device can change an option is in src/wire/change.cpp, which names them all.
struct socket_options {
    std::size_t sndhwm = 1000;       // messages waiting for one peer; 0: no limit
    std::size_t rcvhwm = 1000;       // no effect: nothing is queued on the receiving side, messages wait in the network
    bool immediate = true;           // no effect: a connect is never a receiver before its handshake has succeeded
    milliseconds linger{1000};       // how long an ending device waits for peers (libzmq: forever); negative: forever
    std::string routing_id;          // of DEALER and ROUTER: at most 255 bytes, not beginning with a zero byte
    std::string connect_routing_id;  // of a ROUTER: the routing id of the peer at the first of `connects`
    // False: a message to a full peer of this ROUTER is dropped, whatever on_full says. In either case it is counted as
    // overflowed, and a message to an unknown peer is dropped and counted as unroutable. libzmq: false by default.
    bool router_mandatory = true;
    bool router_handover = false;  // a new peer takes over a routing id in use; otherwise it is refused
    bool probe_router = false;     // send an empty message to each peer that connects

    std::int64_t maxmsgsize = -1;               // bytes of a frame that a peer may send; negative: no limit
    std::int64_t max_message_bytes = -1;        // bytes of a whole message; only in zdev
    std::uint64_t max_message_frames = 100000;  // frames of a message; only in zdev
    std::size_t max_subscription_bytes = 2048;  // length of one subscription; only in zdev
    std::size_t max_subscriptions = 1000000;    // of one peer; only in zdev

    // Of incoming connections, those in their handshake included. One beyond a limit is closed as soon as it was accepted.
    std::size_t max_connections = 0;              // 0: no limit; only in zdev
    std::size_t max_connections_per_address = 0;  // of one IP address, or over ipc of one process; 0: no limit; only in zdev
    // Of one key (CURVE) or name (PLAIN); 0: no limit; only in zdev. Those in their handshake do not count, and one beyond the
    // limit is closed at the end of its handshake.
    std::size_t max_connections_per_key = 0;
    // Ends an incoming connection on which no message has passed for so long, or a quarter longer; 0: never; only in zdev. It
    // is not idle while messages wait for it, requests are in flight, its messages are held back, or the device reads nothing.
    milliseconds idle_timeout{0};

    milliseconds handshake_ivl{30000};   // time for the handshake of a connection; 0: no limit
    std::size_t max_handshakes = 4096;   // under way from one address; 0: no limit; only in zdev
    milliseconds heartbeat_ivl{0};       // 0: no PING
    milliseconds heartbeat_timeout{-1};  // negative: heartbeat_ivl
    milliseconds heartbeat_ttl{0};
    milliseconds reconnect_ivl{100};    // negative: no reconnect
    milliseconds reconnect_ivl_max{0};  // 0: always reconnect_ivl; otherwise the delay doubles up to this
    milliseconds connect_timeout{0};    // 0: the system's

    int backlog = 1024;
    bool ipv6 = false;  // host names and wildcards may mean IPv6 too; addresses in brackets always do
    int tos = 0;
    int sndbuf = -1, rcvbuf = -1;  // negative: the system's
    int tcp_keepalive = -1, tcp_keepalive_idle = -1, tcp_keepalive_cnt = -1, tcp_keepalive_intvl = -1;
    std::string bindtodevice;

    std::vector<std::string> subscribe;                         // prefixes, of a SUB; none: it receives nothing
    bool invert_matching = false;                               // of PUB, XPUB and SUB
    bool xpub_verboser = false;                                 // subscriptions go upstream unmerged
    bool xpub_nodrop = false;                                   // wait for slow subscribers
    std::string xpub_welcome_msg;                               // first message to each subscriber
    std::vector<std::pair<std::string, std::string>> metadata;  // properties for READY, names beginning with "X-"
};

// A socket of the caller that listens already, on a port reserved in advance or passed by systemd (see ZMQ_USE_FD). The device
// duplicates it: close yours after the constructor, or the port stays open when the device has closed. It becomes non-blocking.
struct listening_socket {
    std::string endpoint;  // the one of `binds` that it serves
    int descriptor = -1;
};

// The security mechanism of a socket (RFC 24, RFC 26). A server and its clients may bind or connect, in any combination. Keys
// are 32 bytes: zmq_z85_decode(3) makes them of the 40 characters that are usual in files.

// The topics of a user of PUB, XPUB, SUB or XSUB, by their prefixes; an empty prefix: all topics. Messages of other topics are
// dropped. Of a subscription, the part that is allowed is taken: with the right to "a.b", "a.b.c" is taken as it is, "a" as
// "a.b", and "x" not at all. It is remembered in any case, and takes effect as far as later rights allow.
struct topic_rights {
    std::vector<std::string> publish, subscribe;
    bool operator==(const topic_rights& other) const { return publish == other.publish && subscribe == other.subscribe; }
};
// By the name of the user: the name of a key, or a name of PLAIN. Users who are not among them have the rights of
// anybody_else; without that entry, none. Not set: everybody may publish and subscribe to everything.
using rights_by_user = std::optional<std::map<std::string, topic_rights>>;
inline constexpr const char* anybody_else = "*";

// Which peers a server admits, and what they may do. A peer that is no longer admitted loses its connection.
struct credentials {
    std::map<std::string, std::string> known;  // CURVE: public keys, and a name for each; PLAIN: names, and their passwords
    bool anyone = false;                       // CURVE: every client that knows the server's key
    // Nobody new is admitted, because the credentials cannot be read (status 500 of RFC 27). `known` is ignored: peers that are
    // connected remain.
    bool unreadable = false;
    // NOLINTNEXTLINE(readability-redundant-member-init): g++ warns without
    rights_by_user rights = {};
};

struct curve_server {
    std::string secret_key;
    credentials clients;
    // Called in the thread of run() for every peer that has shown its key: the peer then waits for the next set_credentials(),
    // for handshake_ivl at most. Empty: it is admitted or refused at once. It must return quickly, and must not throw.
    std::function<void()> on_peer;
};
struct curve_client {
    std::string secret_key, server_key;
};
struct plain_server {
    credentials clients;
    std::function<void()> on_peer;  // as above
};
struct plain_client {
    std::string name, password;  // at most 255 bytes each
};
using security = std::variant<std::monostate, curve_server, curve_client, plain_server, plain_client>;

bool curve_available() noexcept;  // whether this library was built with libsodium, which CURVE requires

// One role of a device. Endpoints:
// - "tcp://HOST:PORT". HOST is an address, a name, an interface or *; an IPv6 address is in brackets, with %INTERFACE where it
//   needs one. PORT is a number, or * to bind. The first address of a name is bound; to connect, all are tried.
// - "tcp://SOURCE:PORT;HOST:PORT", to connect from an address or interface.
// - "ipc://PATH", "ipc://@NAME" in the abstract namespace, or "ipc://*" to bind a new path. A file at which nothing listens any
//   more is replaced, and the file is removed at the end.
struct socket_spec {
    int type = -1;  // ZMQ_PULL ...
    std::vector<std::string> binds, connects;
    std::vector<listening_socket> listening;  // sockets that exist already, for some of `binds`
    socket_options options;
    wire::security security;  // none: NULL, and everybody is admitted
};

// A third socket that gets a copy of every message forwarded: [prefix, frame, frame, ...].
struct monitor_spec {
    socket_spec socket;                             // PUB, XPUB or PUSH
    std::optional<std::string> in_prefix = "in";    // of messages that `in` received; none: no prefix frame
    std::optional<std::string> out_prefix = "out";  // of messages that `out` received
    zdev::on_full on_full = zdev::on_full::block;   // of PUSH; PUB and XPUB never wait
    // Of messages dropped as unroutable or overflowed; none: these are not copied.
    std::optional<std::string> dropped_prefix = std::nullopt;  // NOLINT(readability-redundant-member-init): g++ warns without
};

// How a queue gives its requests to workers.
enum class balance {
    least_requests,  // to the worker with the fewest requests; of several, to the one that has waited longest
    round_robin,     // to each worker in turn
};

// plain: REP and DEALER sockets. ppp: Paranoid Pirate (RFC 6). mdp: Majordomo 0.1 and 0.2 (RFC 7, RFC 18).
enum class worker_protocol { plain, ppp, mdp };

// A queue that knows its workers: it remembers which worker has which request, and keeps the others waiting until a worker is
// free. A worker gets an id of the request in place of a routing id that the device made up. `in` is a ROUTER and `out` a
// DEALER, or with ppp and mdp a DEALER or ROUTER.
struct workers {
    worker_protocol protocol = worker_protocol::plain;
    wire::balance balance = wire::balance::least_requests;
    std::size_t max_requests = 1;    // of one worker at a time; 1 to 10000, and 1 with ppp and mdp
    std::size_t queue_limit = 1000;  // requests that wait for a worker
    std::size_t queue_bytes = std::size_t{64} << 20;
    bool reject_when_full = false;    // answer requests beyond these with reply_on_failure; false: their clients wait
    milliseconds queue_timeout{0};    // how long a request may wait for a worker; 0: no limit
    milliseconds request_timeout{0};  // how long a worker may take for it; 0: no limit
    std::uint32_t retries = 0;        // times that a request is given to another worker because its worker left
    // A request may choose its own number of retries, by a first frame after its delimiter like "zdev retries=2", which its
    // worker does not get.
    bool allow_request_options = false;
    // What a client gets instead of a reply, after the delimiter, when its request has failed; none: nothing.
    std::optional<std::vector<std::string>> reply_on_failure = std::nullopt;  // NOLINT(readability-redundant-member-init)
    // A PUSH that gets each request that has failed: [reason, routing id of the client, frame, frame, ...].
    std::optional<socket_spec> dead_letter = std::nullopt;  // NOLINT(readability-redundant-member-init)
    // The interval of heartbeats. plain: a worker that does not answer a PING within the next interval has left; 0: no PING.
    // ppp and mdp: one that sends nothing for three intervals has left, even while it works; 0: 1000 for ppp and 2500 for mdp,
    // as in the ZeroMQ Guide.
    milliseconds heartbeat{0};
    // A worker whose last `max_failures` requests have all failed gets no more for `set_aside`, and each further time for twice
    // as long, a minute at most. 0: never.
    std::uint32_t max_failures = 3;
    milliseconds set_aside{1000};
};

struct spec {
    socket_spec in;
    std::optional<socket_spec> out;  // none: `in` is both ends and answers itself
    std::optional<monitor_spec> mon;
    zdev::on_full on_full = zdev::on_full::block;         // for a message to a ROUTER whose one receiver is full
    std::optional<wire::workers> workers = std::nullopt;  // NOLINT(readability-redundant-member-init)
};

}  // namespace zdev::wire

#endif
