#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <zdev/statistics.hpp>
#include <zdev/wire_statistics.hpp>

#include "bindings.hpp"
#include "enums.hpp"
#include "uninitialised.hpp"

namespace zdev_core {

namespace {

using zdev::flow_statistics;
using zdev::statistics;
using zdev::wire::connect_status;
using zdev::wire::role_statistics;

// A value of which all members are counters.
template <typename Counters>
struct counter {
    const char* name;
    std::uint64_t Counters::* value;
    const char* doc;
};

// In the order in which they are shown and pickled.
constexpr counter<flow_statistics> flow_counters[] = {
    {"messages_received", &flow_statistics::messages_received, "Messages taken from the socket that this direction reads."},
    {"frames_received", &flow_statistics::frames_received, "Frames of those messages."},
    {"bytes_received", &flow_statistics::bytes_received, "Bytes of those frames."},
    {"messages_sent", &flow_statistics::messages_sent, "Messages that the other socket accepted."},
    {"frames_sent", &flow_statistics::frames_sent, "Frames of those messages."},
    {"bytes_sent", &flow_statistics::bytes_sent, "Bytes of those frames."},
    {"malformed", &flow_statistics::malformed,
     "Messages dropped because they cannot be forwarded whole or at all.\n\n"
     "No destination or content for a ROUTER, more than 65,536 frames, a SUBSCRIBE command, or no last frame."},
    {"unroutable", &flow_statistics::unroutable,
     "Messages dropped because the peer of a ROUTER with ROUTER_MANDATORY is gone (EHOSTUNREACH)."},
    {"overflowed", &flow_statistics::overflowed,
     "Messages dropped because the peer of a ROUTER was full and the device's `on_full` is \"drop\"."},
    {"monitor_sent", &flow_statistics::monitor_sent,
     "Copies that the monitor socket accepted. None is made while no subscriber has room."},
    {"monitor_dropped", &flow_statistics::monitor_dropped,
     "Copies lost because the monitor was full and its `mon_on_full` is \"drop\"."},
    {"blocked_nanoseconds", &flow_statistics::blocked_nanoseconds,
     "How long this direction held messages back because their receiver or the monitor had no room or no peer.\n\n"
     "Time in pause does not count. The value may be 250 ms old."},
};

constexpr counter<role_statistics> role_counters[] = {
    {"connections", &role_statistics::connections, "Connections now, past their handshake."},
    {"shaking_hands", &role_statistics::shaking_hands, "Connections now in their handshake. The value may be a second old."},
    {"blocked", &role_statistics::blocked,
     "Connections now whose peer has SNDHWM messages waiting, and gets no more until it reads. May be a second old."},
    {"held", &role_statistics::held,
     "Connections now that are not read, because their messages cannot be delivered. May be a second old."},
    {"accepted", &role_statistics::accepted, "Incoming connections."},
    {"connected", &role_statistics::connected, "Outgoing connections that were established."},
    {"connect_failures", &role_statistics::connect_failures, "Attempts to connect that failed."},
    {"accept_pauses", &role_statistics::accept_pauses, "Times that no connection was accepted for want of a descriptor."},
    {"refused_version", &role_statistics::refused_version, "Handshakes refused because the peer speaks ZMTP 1.0 or 2.0."},
    {"refused_mechanism", &role_statistics::refused_mechanism,
     "Handshakes refused because the peer uses another security mechanism."},
    {"refused_authentication", &role_statistics::refused_authentication,
     "Handshakes refused because the peer's key or password is not known, or was forged."},
    {"refused_handshakes", &role_statistics::refused_handshakes,
     "Connections refused because too many handshakes were under way from one address."},
    {"refused_socket_type", &role_statistics::refused_socket_type,
     "Handshakes refused because the peer's socket type cannot talk to this one."},
    {"refused_routing_id", &role_statistics::refused_routing_id, "Handshakes refused because the peer's routing id is in use."},
    {"refused_malformed", &role_statistics::refused_malformed,
     "Handshakes refused because the peer does not speak ZMTP, or its handshake is invalid."},
    {"refused_by_peer", &role_statistics::refused_by_peer, "Handshakes that the peer ended with an error."},
    {"refused_resources", &role_statistics::refused_resources,
     "Handshakes refused because this process had no memory or descriptor for the peer."},
    {"refused_max_connections", &role_statistics::refused_max_connections,
     "Incoming connections refused because the role had as many as its limit allows."},
    {"refused_max_connections_per_address", &role_statistics::refused_max_connections_per_address,
     "Incoming connections refused because their address had as many as the limit of the role allows."},
    {"refused_max_connections_per_key", &role_statistics::refused_max_connections_per_key,
     "Incoming connections refused because their key or user had as many as the limit of the role allows."},
    {"framing_errors", &role_statistics::framing_errors,
     "Connections closed because the peer sent an invalid frame or command."},
    {"worker_protocol_errors", &role_statistics::worker_protocol_errors,
     "Connections closed because the peer broke the protocol of the workers."},
    {"limits_exceeded", &role_statistics::limits_exceeded,
     "Connections closed because a frame, message or subscription was beyond a limit."},
    {"credentials_withdrawn", &role_statistics::credentials_withdrawn,
     "Connections closed because the key or password of the peer was withdrawn."},
    {"handshake_timeouts", &role_statistics::handshake_timeouts,
     "Connections closed because their handshake took longer than HANDSHAKE_IVL."},
    {"heartbeat_timeouts", &role_statistics::heartbeat_timeouts,
     "Connections closed because the peer was silent for too long."},
    {"idle_timeouts", &role_statistics::idle_timeouts,
     "Connections closed because no message had passed for as long as the limit of the role allows."},
    {"kicked", &role_statistics::kicked, "Connections ended by a command."},
    {"messages_lost", &role_statistics::messages_lost,
     "Messages received and not delivered, because the receiver left or the run ended."},
    {"drain_discards", &role_statistics::drain_discards,
     "Messages that arrived during a drain of requests, and were not forwarded."},
    {"departed_copies", &role_statistics::departed_copies,
     "Copies that waited for a subscriber of this PUB or XPUB that left."},
    {"subscriber_drops", &role_statistics::subscriber_drops,
     "Copies not sent because a subscriber of this PUB or XPUB had SNDHWM messages waiting."},
    {"unmatched", &role_statistics::unmatched, "Messages that no peer of this PUB or XPUB had subscribed to."},
    {"publisher_drops", &role_statistics::publisher_drops,
     "Copies not sent because a publisher of this XSUB had SNDHWM messages waiting."},
    {"denied_messages", &role_statistics::denied_messages,
     "Messages dropped because the rights of their peer do not allow their topic."},
    {"denied_subscriptions", &role_statistics::denied_subscriptions,
     "Subscriptions not taken because the rights of their peer allow no part of them."},
};

constexpr const char* flow_statistics_doc =
    R"(Counters of one direction. A message counts with all its frames; bytes are those of the frames' contents.

`messages_received == messages_sent + malformed + unroutable + overflowed + pending`.)";

template <typename Counters>
struct table;
template <>
struct table<flow_statistics> {
    static constexpr const char* name = "FlowStatistics";
    static constexpr auto& counters = flow_counters;
};
template <>
struct table<role_statistics> {
    static constexpr const char* name = "RoleStatistics";
    static constexpr auto& counters = role_counters;
};

template <typename Counters>
bool equal_counters(const Counters& a, const Counters& b) {
    const auto& all = table<Counters>::counters;
    return std::all_of(std::begin(all), std::end(all), [&](const auto& each) { return a.*each.value == b.*each.value; });
}

bool equal(const statistics& a, const statistics& b) {
    return a.state == b.state && equal_counters(a.in, b.in) && equal_counters(a.out, b.out) &&
           a.pending_replies == b.pending_replies && a.loop_iterations == b.loop_iterations;
}

using counters_state = py::typing::Tuple<py::int_, py::ellipsis>;

template <typename Counters>
counters_state get_state(const Counters& self) {
    py::list values;
    for (const auto& each : table<Counters>::counters) values.append(self.*each.value);
    return py::reinterpret_steal<counters_state>(py::tuple(values).release());
}

template <typename Counters>
Counters set_state(const counters_state& values) {
    const auto& all = table<Counters>::counters;
    if (values.size() != std::size(all)) throw py::value_error(std::string("not the state of ") + table<Counters>::name);
    Counters self;
    for (std::size_t i = 0; i < std::size(all); ++i) self.*all[i].value = values[i].cast<std::uint64_t>();
    return self;
}

template <typename Counters>
std::string text(const Counters& self) {
    std::string text;
    for (const auto& each : table<Counters>::counters) {
        text += (text.empty() ? std::string(table<Counters>::name) + "(" : ", ") + each.name + "=" +
                std::to_string(self.*each.value);
    }
    return text + ")";
}

using full_state = py::typing::Tuple<zdev::state, flow_statistics, flow_statistics, std::uint64_t, std::uint64_t>;

full_state get_full_state(const statistics& self) {
    return py::reinterpret_steal<full_state>(
        py::make_tuple(self.state, self.in, self.out, self.pending_replies, self.loop_iterations).release());
}

statistics set_full_state(const full_state& state) {
    if (state.size() != 5) throw py::value_error("not the state of Statistics");
    return {state[0].cast<zdev::state>(), state[1].cast<flow_statistics>(), state[2].cast<flow_statistics>(),
            state[3].cast<std::uint64_t>(), state[4].cast<std::uint64_t>()};
}

std::string full_text(const statistics& self) {
    return "Statistics(state=" + py::repr(py::cast(self.state)).cast<std::string>() + ", in_=" + text(self.in) +
           ", out=" + text(self.out) + ", pending_replies=" + std::to_string(self.pending_replies) +
           ", loop_iterations=" + std::to_string(self.loop_iterations) + ")";
}

template <typename Counters>
py::class_<Counters> add_counters(py::module_& module, const char* doc) {
    py::class_<Counters> type(module, table<Counters>::name, py::is_final(), doc);
    type.def(py::init<>(), "All counters 0.")
        .def("__eq__", &equal_counters<Counters>, py::arg("other"), py::is_operator())
        .def("__repr__", &text<Counters>)
        .def(py::pickle(&get_state<Counters>, &set_state<Counters>), py::arg("state"));
    for (const auto& each : table<Counters>::counters) type.def_readonly(each.name, each.value, each.doc);
    value_initialise<Counters>();
    return type;
}

using connect_state = py::typing::Tuple<py::str, bool, py::str, std::optional<std::int64_t>>;

connect_state get_connect_state(const connect_status& self) {
    std::optional<std::int64_t> retry_in;
    if (self.retry_in) retry_in = self.retry_in->count();
    return py::reinterpret_steal<connect_state>(
        py::make_tuple(self.endpoint, self.connected, self.failure, retry_in).release());
}

connect_status set_connect_state(const connect_state& state) {
    if (state.size() != 4) throw py::value_error("not the state of ConnectStatus");
    connect_status self{state[0].cast<std::string>(), state[1].cast<bool>(), state[2].cast<std::string>(), std::nullopt};
    if (const auto retry_in = state[3].cast<std::optional<std::int64_t>>()) self.retry_in.emplace(*retry_in);
    return self;
}

std::optional<double> retry_seconds(const connect_status& self) {
    if (!self.retry_in) return std::nullopt;
    return std::chrono::duration<double>(*self.retry_in).count();
}

std::string connect_text(const connect_status& self) {
    return "ConnectStatus" + py::repr(get_connect_state(self)).cast<std::string>();
}

void add_connect_status(py::module_& module) {
    py::class_<connect_status>(module, "ConnectStatus", py::is_final(),
                               "How one of the connects of a role is. The value never changes, and can be pickled.")
        .def(py::init<>(), "No endpoint, not connected.")
        .def_readonly("endpoint", &connect_status::endpoint, "The endpoint that it connects to.")
        .def_readonly("connected", &connect_status::connected, "Whether it is connected, with the handshake behind it.")
        .def_readonly("failure", &connect_status::failure,
                      "Why the last attempt failed or the last connection ended; empty while it is connected.")
        .def_property_readonly("retry_in", &retry_seconds,
                               "Seconds until the next attempt, or None if it is connected, being tried, or not tried again.")
        .def("__repr__", &connect_text)
        .def(py::pickle(&get_connect_state, &set_connect_state), py::arg("state"));
    value_initialise<connect_status>();
}

}  // namespace

void register_statistics(py::module_& module) {
    add_counters<flow_statistics>(module, flow_statistics_doc)
        .def_property_readonly("pending", &flow_statistics::pending,
                               "Messages received and not yet sent or dropped.\n\n"
                               "1 or 0, or more if messages passed while the counters were read.");
    add_counters<role_statistics>(module,
                                  "Counters of the connections of one role. The value never changes, and can be pickled.")
        .def_property_readonly("refused", &role_statistics::refused, "Handshakes that failed, for all reasons together.")
        .def_property_readonly("protocol_errors", &role_statistics::protocol_errors,
                               "Connections closed because of what the peer sent, for both reasons together.")
        .def_property_readonly("timeouts", &role_statistics::timeouts,
                               "Connections closed because the peer was late, for both reasons together.");
    add_connect_status(module);
    py::class_<statistics>(module, "Statistics", py::is_final(),
                           "Counters of a device. The value never changes, and can be pickled.")
        .def(py::init<>(), "Those of a device that has done nothing yet.")
        .def_readonly("state", &statistics::state, "State of the relay.")
        .def_readonly("in_", &statistics::in, "Counters of messages received on the in socket and sent on the out socket.")
        .def_readonly("out", &statistics::out, "Counters of messages received on the out socket and sent on the in socket.")
        .def_readonly("pending_replies", &statistics::pending_replies,
                      "Requests forwarded that have no reply yet, for which a drain waits. 0 for types without replies.")
        .def_readonly(
            "loop_iterations", &statistics::loop_iterations,
            "Iterations of the relay loop. While the device runs there is at least one every 250 ms, unless it is stuck.")
        .def("__eq__", &equal, py::arg("other"), py::is_operator())
        .def("__repr__", &full_text)
        .def(py::pickle(&get_full_state, &set_full_state), py::arg("state"));
    value_initialise<statistics>();
}

}  // namespace zdev_core
