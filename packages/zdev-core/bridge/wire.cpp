#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>
#include <zdev/wire.hpp>

#include "arguments.hpp"
#include "bindings.hpp"
#include "enums.hpp"
#include "peers.hpp"
#include "uninitialised.hpp"
#include "wire/spec.hpp"
#include "workers.hpp"

#ifdef __linux__

namespace zdev_core {

namespace {

using zdev::wire::role_statistics;
using zdev::wire::socket_options;
using zdev::wire::socket_spec;

using setter = std::function<void(socket_options&, const py::object&)>;

template <typename Value>
setter set(Value socket_options::* member) {
    return [member](socket_options& options, const py::object& value) { options.*member = value.cast<Value>(); };
}

template <>
setter set(bool socket_options::* member) {
    return [member](socket_options& options, const py::object& value) { options.*member = value.cast<int>() != 0; };
}

template <>
setter set(zdev::wire::milliseconds socket_options::* member) {
    return [member](socket_options& options, const py::object& value) {
        options.*member = zdev::wire::milliseconds{value.cast<std::int64_t>()};
    };
}

// By the names of zmq_setsockopt(3) in lower case, and those that only zdev has.
const std::map<std::string, setter>& setters() {
    using o = socket_options;
    static const auto& all = *new std::map<std::string, setter>{
        {"sndhwm", set(&o::sndhwm)},
        {"linger", set(&o::linger)},
        {"connect_routing_id", set(&o::connect_routing_id)},
        {"router_mandatory", set(&o::router_mandatory)},
        {"routing_id", set(&o::routing_id)},
        {"router_handover", set(&o::router_handover)},
        {"probe_router", set(&o::probe_router)},
        {"maxmsgsize", set(&o::maxmsgsize)},
        {"max_message_bytes", set(&o::max_message_bytes)},
        {"max_message_frames", set(&o::max_message_frames)},
        {"max_subscription_bytes", set(&o::max_subscription_bytes)},
        {"max_subscriptions", set(&o::max_subscriptions)},
        {"max_connections", set(&o::max_connections)},
        {"max_connections_per_address", set(&o::max_connections_per_address)},
        {"max_connections_per_key", set(&o::max_connections_per_key)},
        {"idle_timeout", set(&o::idle_timeout)},
        {"handshake_ivl", set(&o::handshake_ivl)},
        {"heartbeat_ivl", set(&o::heartbeat_ivl)},
        {"heartbeat_timeout", set(&o::heartbeat_timeout)},
        {"heartbeat_ttl", set(&o::heartbeat_ttl)},
        {"reconnect_ivl", set(&o::reconnect_ivl)},
        {"reconnect_ivl_max", set(&o::reconnect_ivl_max)},
        {"connect_timeout", set(&o::connect_timeout)},
        {"backlog", set(&o::backlog)},
        {"ipv6", set(&o::ipv6)},
        {"tos", set(&o::tos)},
        {"sndbuf", set(&o::sndbuf)},
        {"rcvbuf", set(&o::rcvbuf)},
        {"tcp_keepalive", set(&o::tcp_keepalive)},
        {"tcp_keepalive_idle", set(&o::tcp_keepalive_idle)},
        {"tcp_keepalive_cnt", set(&o::tcp_keepalive_cnt)},
        {"tcp_keepalive_intvl", set(&o::tcp_keepalive_intvl)},
        {"bindtodevice", set(&o::bindtodevice)},
        {"subscribe", set(&o::subscribe)},
        {"invert_matching", set(&o::invert_matching)},
        {"xpub_verboser", set(&o::xpub_verboser)},
        {"xpub_nodrop", set(&o::xpub_nodrop)},
        {"xpub_welcome_msg", set(&o::xpub_welcome_msg)},
        {"metadata", set(&o::metadata)},
        {"max_handshakes", set(&o::max_handshakes)},
    };
    return all;
}

// The options of libzmq that make a security mechanism, in lower case. They are taken out of `options`.
zdev::wire::security take_security(std::map<std::string, py::object>& options) {
    const auto take = [&](const char* name) {
        const auto found = options.extract(name);
        return found ? std::make_optional(found.mapped()) : std::nullopt;
    };
    const auto text = [&](const char* name) {
        const auto given = take(name);
        return given ? given->cast<std::string>() : std::string();
    };
    const auto curve_server = take("curve_server"), plain_server = take("plain_server");
    const std::string secret = text("curve_secretkey"), server = text("curve_serverkey");
    const std::string name = text("plain_username"), password = text("plain_password");
    if (curve_server && curve_server->cast<int>() != 0) return zdev::wire::curve_server{secret, {}, {}};
    if (plain_server && plain_server->cast<int>() != 0) return zdev::wire::plain_server{};
    if (!server.empty()) return zdev::wire::curve_client{secret, server};
    if (!name.empty()) return zdev::wire::plain_client{name, password};
    return {};
}

// Rung in the thread of the loop, which never waits for it, nor for the GIL.
class bell {
public:
    void ring() {
        const std::lock_guard<std::mutex> lock(guard_);
        rung_ = true;
        condition_.notify_all();
    }
    bool wait(double seconds) {
        std::unique_lock<std::mutex> lock(guard_);
        condition_.wait_for(lock, std::chrono::duration<double>(seconds), [this] { return rung_; });
        return std::exchange(rung_, false);
    }

private:
    std::mutex guard_;
    std::condition_variable condition_;
    bool rung_ = false;
};

void ring_for_peers(socket_spec& socket, const std::shared_ptr<bell>& peers) {
    const auto ring = [peers] { peers->ring(); };
    if (auto* const curve = std::get_if<zdev::wire::curve_server>(&socket.security)) curve->on_peer = ring;
    if (auto* const plain = std::get_if<zdev::wire::plain_server>(&socket.security)) plain->on_peer = ring;
}

socket_spec make_socket(int type, std::vector<std::string> binds, std::vector<std::string> connects,
                        const std::map<std::string, int>& listening, const py::kwargs& options) {
    socket_spec spec;
    spec.type = type;
    spec.binds = std::move(binds);
    spec.connects = std::move(connects);
    for (const auto& [endpoint, descriptor] : listening) spec.listening.push_back({endpoint, descriptor});
    std::map<std::string, py::object> given;
    for (const auto& [key, value] : options) given[key.cast<std::string>()] = py::reinterpret_borrow<py::object>(value);
    spec.security = take_security(given);
    for (const auto& [name, value] : given) {
        const auto found = setters().find(name);
        if (found == setters().end()) throw py::type_error("the wire engine has no option " + name);
        try {
            found->second(spec.options, value);
        } catch (const py::cast_error&) {
            throw py::type_error("invalid " + name + ": " + py::repr(value).cast<std::string>());
        }
    }
    return spec;
}

zdev::wire::spec make_spec(const socket_spec& in, const std::optional<socket_spec>& out, const std::optional<socket_spec>& mon,
                           const prefix_argument& in_prefix, const prefix_argument& out_prefix,
                           const prefix_argument& dropped_prefix, const std::string& on_full, const std::string& mon_on_full,
                           const std::optional<zdev::wire::workers>& workers) {
    zdev::wire::monitor_spec monitor;
    monitor.in_prefix = to_prefix("in_prefix", in_prefix);
    monitor.out_prefix = to_prefix("out_prefix", out_prefix);
    monitor.dropped_prefix = to_prefix("dropped_prefix", dropped_prefix);
    monitor.on_full = to_on_full("mon_on_full", mon_on_full);
    if (mon) monitor.socket = *mon;
    return {in, out, mon ? std::make_optional(monitor) : std::nullopt, to_on_full("on_full", on_full), workers};
}

using prefix_list = py::typing::List<py::bytes>;
using user_rights = py::typing::Dict<py::bytes, py::typing::Tuple<prefix_list, prefix_list>>;

std::map<std::string, zdev::wire::topic_rights> to_rights(const user_rights& given) {
    std::map<std::string, zdev::wire::topic_rights> rights;
    for (const auto& [user, prefixes] : given) {
        const auto [publish, subscribe] = prefixes.cast<std::pair<std::vector<std::string>, std::vector<std::string>>>();
        rights[user.cast<std::string>()] = {publish, subscribe};
    }
    return rights;
}

class device {
public:
    template <typename... Arguments>
    explicit device(const Arguments&... arguments)
        : peers_(std::make_shared<bell>()), engine_(ringing(make_spec(arguments...), peers_)) {}

    zdev::outcome run() {
        struct end_of_run {
            bell& waiting;
            ~end_of_run() { waiting.ring(); }
        };
        const end_of_run finally{*peers_};
        return released_gil().run_device(engine_, [] {});
    }
    void pause() { engine_.pause(); }
    void resume() { engine_.resume(); }
    void drain(std::optional<double> timeout) { engine_.drain(to_milliseconds(timeout)); }
    void stop(std::optional<double> grace) { engine_.stop(to_milliseconds(grace)); }
    zdev::statistics statistics() const { return engine_.statistics(); }
    role_statistics connections(const std::string& role) const { return engine_.connections(role); }
    std::vector<zdev::wire::connect_status> connects(const std::string& role) const { return engine_.connects(role); }
    std::vector<std::string> endpoints(const std::string& role) const { return engine_.endpoints(role); }
    peer_list peers(double timeout) const {
        return to_python(released_gil().run([&] { return engine_.peers(to_milliseconds(timeout)); }));
    }
    bool kick(std::uint64_t number, double timeout) {
        return released_gil().run([&] { return engine_.kick(number, to_milliseconds(timeout)); });
    }
    void stop_accepting(double timeout) {
        released_gil().run([&] { return engine_.stop_accepting(to_milliseconds(timeout)), true; });
    }
    std::vector<std::string> change(const socket_spec& in, const std::optional<socket_spec>& out,
                                    const std::optional<socket_spec>& mon, const prefix_argument& in_prefix,
                                    const prefix_argument& out_prefix, const prefix_argument& dropped_prefix,
                                    const std::string& on_full, const std::string& mon_on_full,
                                    const std::optional<zdev::wire::workers>& workers, double timeout) {
        const auto wanted = make_spec(in, out, mon, in_prefix, out_prefix, dropped_prefix, on_full, mon_on_full, workers);
        return released_gil().run([&] { return engine_.change(wanted, to_milliseconds(timeout)); });
    }
    report_dict workers(double timeout) const {
        return to_python(released_gil().run([&] { return engine_.workers(to_milliseconds(timeout)); }));
    }
    bool drain_worker(std::uint64_t number, bool on, double timeout) {
        return released_gil().run([&] { return engine_.drain_worker(number, on, to_milliseconds(timeout)); });
    }
    void set_credentials(const std::string& role, const py::typing::Dict<py::bytes, py::bytes>& known, bool anyone,
                         bool unreadable, const std::optional<user_rights>& rights) {
        zdev::wire::credentials now;
        now.anyone = anyone;
        now.unreadable = unreadable;
        for (const auto& [key, value] : known) now.known[key.cast<std::string>()] = value.cast<std::string>();
        if (rights) now.rights = to_rights(*rights);
        engine_.set_credentials(role, std::move(now));
    }
    bool await_peer(double timeout) {
        return released_gil().run([&] { return peers_->wait(timeout); });
    }
    std::vector<std::tuple<std::string, py::bytes, std::string>> take_refused(const std::string& role) {
        std::vector<std::tuple<std::string, py::bytes, std::string>> taken;
        for (const auto& each : engine_.take_refused(role)) taken.emplace_back(each.address, py::bytes(each.key), each.reason);
        return taken;
    }

    std::optional<std::tuple<std::string, py::bytes, bool, py::bytes>> take_denied(const std::string& role) {
        const auto taken = engine_.take_denied(role);
        if (!taken) return std::nullopt;
        return std::make_tuple(taken->address, py::bytes(taken->user), taken->subscription, py::bytes(taken->topic));
    }

private:
    static zdev::wire::spec ringing(zdev::wire::spec spec, const std::shared_ptr<bell>& peers) {
        ring_for_peers(spec.in, peers);
        if (spec.out) ring_for_peers(*spec.out, peers);
        if (spec.mon) ring_for_peers(spec.mon->socket, peers);
        return spec;
    }

    std::shared_ptr<bell> peers_;
    zdev::wire::device engine_;
};

std::optional<std::string> refusal(int in, std::optional<int> out, std::optional<int> mon) {
    zdev::wire::spec spec;
    spec.in.type = in;
    if (out) spec.out.emplace().type = *out;
    if (mon) spec.mon.emplace().socket.type = *mon;
    try {
        zdev::wire::check_types(spec);
    } catch (const zdev::error& error) {
        return error.what();
    }
    return std::nullopt;
}

constexpr const char* socket_doc = R"(The description of one socket of a `WireDevice`.

Args:
    type: ROUTER, DEALER, PULL, PUSH, SUB, PUB, XSUB or XPUB.
    binds: Endpoints to bind: "tcp://HOST:PORT", "ipc://PATH" or "ipc://@NAME".
    connects: Endpoints to connect to.
    listening: Descriptors of listening sockets by the endpoints in `binds` that they serve. The device duplicates them.
    **options: Options by their names in zmq_setsockopt(3) in lower case, such as `sndhwm=10`; `subscribe` is a list of prefixes,
        `metadata` a list of pairs. Bytes, numbers and text as there, times in milliseconds, keys as 32 bytes.

Raises:
    TypeError: The engine has no such option, or its value has a wrong type.)";

constexpr const char* device_doc =
    R"(A relay that owns its connections: it speaks ZMTP 3.0 and 3.1 itself, over tcp and ipc. Linux only.

The constructor binds; connecting begins with `run`. A device runs once.

Args:
    in_socket: The socket that messages come from.
    out_socket: The socket that they go to, and replies come from; None: the in socket is both ends.
    mon_socket: PUB, XPUB or PUSH, which sends [prefix, frame, ...] for every message forwarded.
    in_prefix: Prefix frame for messages from the in socket; a str is sent as UTF-8; None for no such frame.
    out_prefix: Prefix frame for messages from the out socket; a str is sent as UTF-8; None for no such frame.
    dropped_prefix: Prefix frame for messages dropped as unroutable or overflowed; None: the monitor gets no copies of these.
    on_full: "block" or "drop", when the only receiver of a message, the peer of a ROUTER, is full.
    mon_on_full: "block" or "drop", when a PUSH monitor is full.
    workers: The settings of a queue that knows its workers: the in socket is a ROUTER, and the out socket a DEALER, or with "ppp"
        and "mdp" a DEALER or ROUTER. None: the queue gives each request to the next worker at once.

Raises:
    ValueError: A policy is unknown.
    zmq.ZMQError: EINVAL, the types do not work together, or an option or endpoint is invalid; EADDRINUSE, EADDRNOTAVAIL, EACCES
        and others of bind(2).)";

constexpr const char* run_doc = R"(Relay messages until `stop` or the end of a drain. The GIL is released while it relays.

At the end, senders are asked to stop, what they had sent is delivered, and what could not be delivered is counted as
`messages_lost`. In the main thread signal handlers run within 50 ms; an exception that they raise ends the run at once.

Returns:
    How the run ended.

Raises:
    zmq.ZMQError: EBUSY, the device runs already; EINVAL, it has run before.)";

constexpr const char* drain_doc =
    R"(Stop reading from the in socket, forward the pending replies, then end the run. May be called from any thread.

Args:
    timeout: Seconds after which the run ends without them; None for no limit.)";

constexpr const char* peers_doc =
    R"(Return all connections, and the connects without one, at one moment; none before and after the run.

May be called from any thread.

Args:
    timeout: Seconds within which the loop must answer.

Returns:
    The fields of `zdev::wire::peer_status` by name; times are in seconds, `since` as in time.time().

Raises:
    zmq.ZMQError: ETIMEDOUT, the loop has not answered.)";

constexpr const char* kick_doc =
    R"(End the connection with this number. May be called from any thread.

Args:
    number: The number of a peer of `peers`.
    timeout: Seconds within which the loop must answer.

Returns:
    Whether there is such a connection.

Raises:
    zmq.ZMQError: ETIMEDOUT, the loop has not answered.)";

constexpr const char* stop_accepting_doc =
    R"(Close the listening sockets; connections go on. Does nothing if the device is not running. May be called from any thread.

Args:
    timeout: Seconds within which the loop must answer.

Raises:
    zmq.ZMQError: ETIMEDOUT, the loop has not answered.)";

constexpr const char* change_doc =
    R"(Take over what differs in this description: all of it, or nothing. May be called from any thread.

Limits and `sndhwm` apply to all connections at once, other options of connections to new ones. The connections of an endpoint in
`binds` that is removed stay. The connection of one in `connects` gets what waits for it, and ends when what its peer has sent, and its pending
replies, have arrived, or after `linger`. Credentials are left alone: see `set_credentials`.

Args:
    in_socket: See the constructor, also for the others.
    timeout: Seconds within which the loop must answer.

Returns:
    What has changed, in words, such as "in: sndhwm 1000 -> 10".

Raises:
    ValueError: A policy is unknown.
    zmq.ZMQError: ENOTSUP, a running device cannot change all of it, which the text names; EAGAIN, it does not run, or is ending;
        ETIMEDOUT, the loop has not answered; EADDRINUSE and others, as in the constructor.)";

constexpr const char* workers_doc =
    R"(Return what has become of the requests, and the workers, at one moment, of a device with `workers`.

May be called from any thread. Before and after the run there are no workers.

Args:
    timeout: Seconds within which the loop must answer.

Returns:
    "requests": the fields of `zdev::wire::request_statistics` by name; "workers": those of `zdev::wire::worker_status` for each
    worker. Times are in seconds, `since` as in time.time().

Raises:
    zmq.ZMQError: ETIMEDOUT, the loop has not answered.)";

constexpr const char* drain_worker_doc =
    R"(Give no more requests to the worker with this number, or give it some again. May be called from any thread.

Args:
    number: The number of a worker of `workers`.
    on: Whether it gets no more requests.
    timeout: Seconds within which the loop must answer.

Returns:
    Whether there is such a worker.

Raises:
    zmq.ZMQError: ETIMEDOUT, the loop has not answered.)";

constexpr const char* stop_doc =
    R"(End the run. May be called from any thread. Called again, it ends the run without delivering anything more.

Args:
    grace: Seconds for the deliveries at the end, at most; None for the LINGER of each socket.)";

constexpr const char* set_credentials_doc =
    R"(Replace the credentials of a role that is a server of CURVE or PLAIN. May be called from any thread.

Peers that wait for them are admitted or refused, and those whose credentials were withdrawn are disconnected.

Args:
    role: "in", "out" or "mon".
    known: With CURVE, public keys of 32 bytes and a name for each; with PLAIN, names and their passwords.
    anyone: Whether every CURVE client that knows the server's key is admitted.
    unreadable: Whether nobody new is admitted, because the credentials cannot be read. Connected peers stay.
    rights: The prefixes of topics, by user, to which it may publish and subscribe; b"*" for users not named. None: everything.

Raises:
    zmq.ZMQError: EINVAL, the role is not a server of CURVE or PLAIN, or its type cannot have rights.)";

constexpr const char* take_denied_doc =
    R"(Return the first message or subscription since the last call that the rights of its peer do not allow.

Returns:
    Address, user, whether it was a subscription, and the first 64 bytes of its topic; None if there was none.)";

constexpr const char* await_peer_doc =
    R"(Wait until a peer has shown its key or password, and waits for `set_credentials`, or the run has ended.

Args:
    timeout: Seconds.

Returns:
    Whether there was one since the last call.)";

}  // namespace

void register_wire(py::module_& module) {
    py::class_<socket_spec>(module, "WireSocket", py::is_final(), socket_doc)
        .def(py::init(&make_socket), py::arg("type"), py::kw_only(), py::arg("binds") = py::tuple(),
             py::arg("connects") = py::tuple(), py::arg("listening") = py::dict());
    refuse_uninitialised<socket_spec>();
    register_workers(module);
    py::class_<device>(module, "WireDevice", py::is_final(), device_doc)
        .def(py::init<const socket_spec&, const std::optional<socket_spec>&, const std::optional<socket_spec>&,
                      const prefix_argument&, const prefix_argument&, const prefix_argument&, const std::string&,
                      const std::string&, const std::optional<zdev::wire::workers>&>(),
             py::arg("in_socket"), py::arg("out_socket") = py::none(), py::arg("mon_socket") = py::none(), py::kw_only(),
             py::arg("in_prefix") = py::bytes("in"), py::arg("out_prefix") = py::bytes("out"),
             py::arg("dropped_prefix") = py::none(), py::arg("on_full") = "block", py::arg("mon_on_full") = "block",
             py::arg("workers") = py::none())
        .def("run", &device::run, run_doc)
        .def("pause", &device::pause, "Hold all messages where they are until `resume`. May be called from any thread.")
        .def("resume", &device::resume, "Continue after `pause`. May be called from any thread.")
        .def("drain", &device::drain, py::arg("timeout") = py::none(), drain_doc)
        .def("stop", &device::stop, py::arg("grace") = py::none(), stop_doc)
        .def("statistics", &device::statistics,
             "Return the counters so far. May be called from any thread; the relay does not wait for it.")
        .def("connections", &device::connections, py::arg("role"),
             "Return the counters of the connections of \"in\", \"out\" or \"mon\". May be called from any thread.")
        .def("connects", &device::connects, py::arg("role"),
             "Return how each of the connects of a role is. May be called from any thread.")
        .def("endpoints", &device::endpoints, py::arg("role"),
             "Return the bound endpoints of a role, in the order given, with ports in place of wildcards.")
        .def("peers", &device::peers, py::arg("timeout") = 1.0, peers_doc)
        .def("kick", &device::kick, py::arg("number"), py::arg("timeout") = 1.0, kick_doc)
        .def("stop_accepting", &device::stop_accepting, py::arg("timeout") = 1.0, stop_accepting_doc)
        .def("change", &device::change, py::arg("in_socket"), py::arg("out_socket") = py::none(),
             py::arg("mon_socket") = py::none(), py::kw_only(), py::arg("in_prefix") = py::bytes("in"),
             py::arg("out_prefix") = py::bytes("out"), py::arg("dropped_prefix") = py::none(), py::arg("on_full") = "block",
             py::arg("mon_on_full") = "block", py::arg("workers") = py::none(), py::arg("timeout") = 1.0, change_doc)
        .def("workers", &device::workers, py::arg("timeout") = 1.0, workers_doc)
        .def("drain_worker", &device::drain_worker, py::arg("number"), py::arg("on") = true, py::arg("timeout") = 1.0,
             drain_worker_doc)
        .def("set_credentials", &device::set_credentials, py::arg("role"), py::arg("known"), py::kw_only(),
             py::arg("anyone") = false, py::arg("unreadable") = false, py::arg("rights") = py::none(), set_credentials_doc)
        .def("await_peer", &device::await_peer, py::arg("timeout"), await_peer_doc)
        .def("take_refused", &device::take_refused, py::arg("role"),
             "Return the peers that were refused by their credentials since the last call, at most 100: address, key, reason.")
        .def("take_denied", &device::take_denied, py::arg("role"), take_denied_doc);
    refuse_uninitialised<device>();
    module.def("wire_has_curve", &zdev::wire::curve_available,
               "Return whether a `WireDevice` can have CURVE: whether zdev-core was built with libsodium.");
    module.def("wire_refusal", &refusal, py::arg("in_type"), py::arg("out_type") = py::none(), py::arg("mon_type") = py::none(),
               "Return why a `WireDevice` cannot have sockets of these types, or None if it can.");
}

}  // namespace zdev_core

#endif
