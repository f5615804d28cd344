// A device that owns its connections: made from endpoints and options, it speaks ZMTP 3.0 and 3.1 itself, over tcp and ipc.
//
// Peers are sockets of libzmq or of any other implementation of ZMTP 3. Pairs of types, in and out: ROUTER/DEALER,
// ROUTER/ROUTER, DEALER/DEALER, PULL/PUSH, SUB/PUB, XSUB/XPUB, and any other pair of these types in which `in` can receive and
// `out` can send; or one socket for both. Linux only; security mechanism NULL only.
// Threads: run() in one thread, once; every other function from any thread; stop(), pause() and resume() from a signal handler
// too. No other code may use or close the device's descriptors; all are close-on-exec. A process created by fork() must not
// call or destroy the device, and keeps its connections open until it calls exec or ends.
// Errors: zdev::error, with its errno and a text that names the role and the endpoint or option.

#ifndef ZDEV_WIRE_HPP
#define ZDEV_WIRE_HPP

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <zdev/device.hpp>

namespace zdev::wire {

using std::chrono::milliseconds;

// Names and defaults are those of zmq_setsockopt(3), except where a comment says otherwise.
struct socket_options {
    std::size_t sndhwm = 1000;     // messages waiting for one peer; 0: no limit. Nothing is queued on the receiving side
    milliseconds linger{1000};     // how long an ending device waits for peers (libzmq: forever); negative: forever
    std::string routing_id;        // of DEALER and ROUTER: at most 255 bytes, not beginning with a zero byte
    bool router_handover = false;  // a new peer takes over a routing id in use; otherwise it is refused
    bool probe_router = false;     // send an empty message to each peer that connects

    std::int64_t maxmsgsize = -1;               // bytes of a frame that a peer may send; negative: no limit
    std::int64_t max_message_bytes = -1;        // bytes of a whole message; only in zdev
    std::uint64_t max_message_frames = 100000;  // frames of a message; only in zdev
    std::size_t max_subscription_bytes = 4096;  // length of one subscription; only in zdev
    std::size_t max_subscriptions = 1000000;    // of one peer; only in zdev

    milliseconds handshake_ivl{30000};   // time for the handshake of a connection; 0: no limit
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

// One role of a device. Endpoints: "tcp://HOST:PORT", HOST an address, name, interface or *, PORT a number or * to bind;
// "ipc://PATH", "ipc://@NAME" in the abstract namespace.
struct socket_spec {
    int type = -1;  // ZMQ_PULL ...
    std::vector<std::string> binds, connects;
    socket_options options;
};

// A third socket that gets a copy of every message forwarded: [prefix, frame, frame, ...].
struct monitor_spec {
    socket_spec socket;                             // PUB, XPUB or PUSH
    std::optional<std::string> in_prefix = "in";    // of messages that `in` received; none: no prefix frame
    std::optional<std::string> out_prefix = "out";  // of messages that `out` received
    zdev::on_full on_full = zdev::on_full::block;   // of PUSH; PUB and XPUB never wait
};

struct spec {
    socket_spec in;
    std::optional<socket_spec> out;  // none: `in` is both ends and answers itself
    std::optional<monitor_spec> mon;
    zdev::on_full on_full = zdev::on_full::block;  // for a message to a ROUTER whose one receiver is full
};

// Counters of the connections of one role.
struct role_statistics {
    std::uint64_t connections = 0;       // now, past their handshake
    std::uint64_t accepted = 0;          // incoming connections
    std::uint64_t connected = 0;         // outgoing connections that were established
    std::uint64_t connect_failures = 0;  // attempts that failed
    std::uint64_t refused = 0;           // handshakes that failed: version, mechanism, socket type, routing id in use
    std::uint64_t protocol_errors = 0;   // connections closed because the peer broke the framing or exceeded a limit
    std::uint64_t timeouts = 0;          // connections closed because a handshake or heartbeat was late
    std::uint64_t accept_pauses = 0;     // times that accepting paused because the process had no free descriptor
    std::uint64_t messages_lost = 0;     // received and not delivered: the receiver left, or the run ended
    std::uint64_t subscriber_drops = 0;  // copies not sent because a subscriber of this PUB or XPUB was too slow
};

class device {
public:
    // Binds every endpoint; connecting begins with run(). Throws zdev::error: EINVAL for types that can't work together or an
    // option or endpoint that is invalid; EPROTONOSUPPORT for another transport; EADDRINUSE, EADDRNOTAVAIL, ENODEV, EACCES
    // and others of bind(2).
    explicit device(const wire::spec& spec);
    ~device();  // closes everything, at once
    device(const device&) = delete;
    device& operator=(const device&) = delete;

    // Relays until stop() or the end of a drain. Then it closes its listeners, asks senders to stop (FIN), delivers the
    // messages that they had sent, and sends all that is queued, for the `linger` of each role at most (for messages from `in`,
    // the longer one of `in` and `out`) and the grace of stop(). Messages that it could not deliver are counted as
    // messages_lost. The check is called every 50 ms and on signals; if it throws, the run ends at once.
    //
    // Throws zdev::error with EBUSY if the device is running, and with EINVAL if it has run before; and any exception of the
    // check.
    outcome run(const zdev::device::interrupt_check& check = {});

    void pause() noexcept;
    void resume() noexcept;
    // Ends the run; the deliveries at its end take `grace` at most; negative: only `linger` limits them. Called again while
    // they are under way, it ends the run at once.
    void stop(milliseconds grace = milliseconds{-1}) noexcept;
    void drain(milliseconds timeout) noexcept;  // as zdev::device::drain

    zdev::statistics statistics() const noexcept;
    role_statistics connections(const std::string& role) const noexcept;  // "in", "out" or "mon"

    // The addresses to which a role is bound, in the order of `binds`, with the ports that the system chose for wildcards.
    std::vector<std::string> endpoints(const std::string& role) const;

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace zdev::wire

#endif
