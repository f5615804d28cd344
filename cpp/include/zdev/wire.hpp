// A device that owns its connections: made from endpoints and options, it speaks ZMTP 3.0 and 3.1 itself, over tcp and ipc.
//
// Peers are sockets of libzmq or of any other implementation of ZMTP 3. Pairs of types, in and out: ROUTER/DEALER,
// ROUTER/ROUTER, DEALER/DEALER, PULL/PUSH, SUB/PUB, XSUB/XPUB, and any other pair of these types in which one can receive and
// the other send (a one-way pair may be reversed); or one socket for both. Linux only. Security mechanisms: NULL, PLAIN, and
// CURVE if built with libsodium. Threads: run() in one thread, once; every other function from any thread; stop(), pause() and
// resume() from a signal handler too. No other code may use or close the device's descriptors; all are close-on-exec. A process
// created by fork() must not call or destroy the device, and keeps its connections open until it calls exec or ends. Errors:
// zdev::error, with its errno and a text that names the role and the endpoint or option.

#ifndef ZDEV_WIRE_HPP
#define ZDEV_WIRE_HPP

#include <memory>
#include <optional>
#include <string>
#include <vector>
#include <zdev/wire_peers.hpp>
#include <zdev/wire_spec.hpp>
#include <zdev/wire_statistics.hpp>
#include <zdev/wire_workers.hpp>

namespace zdev::wire {

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
    std::vector<connect_status> connects(const std::string& role) const;  // in the order of `connects`

    // All connections, and the connects without one, at one moment; empty before and after the run. The loop answers between
    // two messages: throws zdev::error with ETIMEDOUT if it does not within `timeout`.
    std::vector<peer_status> peers(milliseconds timeout = milliseconds{1000}) const;
    // Ends the connection with this number, and counts it as `kicked`; a connect is tried again later. Messages that wait for
    // the peer are handled as when it leaves. False: there is no such connection. Throws as peers() does.
    bool kick(std::uint64_t number, milliseconds timeout = milliseconds{1000});
    // Closes the listening sockets; connections go on. For a device whose sockets another process, or the caller, has too and
    // serves from now on. Does nothing if the device is not running. Throws as peers() does.
    void stop_accepting(milliseconds timeout = milliseconds{1000});
    // Takes over what differs in `wanted`: all of it, or nothing if that is not possible. Returns what has changed, in words,
    // such as "in: sndhwm 1000 -> 10". Limits and sndhwm apply to all connections at once, other options of connections to new
    // ones; settings of `workers` to all requests, but retries to new ones; credentials are left alone (see set_credentials()).
    // - An endpoint removed from `binds` is closed, and its connections stay.
    // - An endpoint removed from `connects`: its connection gets what waits for it, and no more. It ends when what the peer has
    //   sent and its pending replies have arrived, or after `linger`; then what still waits for it is handled as when a peer
    //   leaves.
    // Throws zdev::error: ENOTSUP, and names what a running device cannot change, such as a type or key; EAGAIN if it is not
    // running, or is ending; ETIMEDOUT as peers() does; and what the constructor throws, for endpoints and options.
    std::vector<std::string> change(const wire::spec& wanted, milliseconds timeout = milliseconds{1000});
    // Of a device with `workers`: its requests and workers at one moment; before and after the run, with no workers, as it was
    // at the end. Throws as peers() does.
    workers_report workers(milliseconds timeout = milliseconds{1000}) const;
    // Gives no more requests to the worker with this number, or gives it some again. False: there is no such worker.
    bool drain_worker(std::uint64_t number, bool on = true, milliseconds timeout = milliseconds{1000});
    // Replaces the credentials of a role that is a server of CURVE or PLAIN. The device applies them within milliseconds: peers
    // that wait for them are admitted or refused, those whose credentials were withdrawn are disconnected, and subscriptions
    // begin and end as the rights now say. Throws zdev::error with EINVAL if the role is not a server, or cannot have rights.
    void set_credentials(const std::string& role, credentials now);
    std::vector<refused_peer> take_refused(const std::string& role);   // since the last call, or the last 100 of them
    std::optional<denied_topic> take_denied(const std::string& role);  // the first one since the last call

    // The addresses to which a role is bound, in the order of `binds`, with the ports that the system chose for wildcards.
    std::vector<std::string> endpoints(const std::string& role) const;

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace zdev::wire

#endif
