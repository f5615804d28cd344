#include <pybind11/typing.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <zdev/statistics.hpp>

#include "bindings.hpp"
#include "enums.hpp"
#include "uninitialised.hpp"

namespace zdev_core {

namespace {

using zdev::flow_statistics;
using zdev::statistics;

struct counter {
    const char* name;
    decltype(&flow_statistics::malformed) value;
    const char* doc;
};

// In the order in which they are shown and pickled.
constexpr counter counters[] = {
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

constexpr const char* flow_statistics_doc =
    R"(Counters of one direction. A message counts with all its frames; bytes are those of the frames' contents.

`messages_received == messages_sent + malformed + unroutable + overflowed + pending`.)";

bool equal_flows(const flow_statistics& a, const flow_statistics& b) {
    return std::all_of(std::begin(counters), std::end(counters),
                       [&](const counter& each) { return a.*each.value == b.*each.value; });
}

bool equal(const statistics& a, const statistics& b) {
    return a.state == b.state && equal_flows(a.in, b.in) && equal_flows(a.out, b.out) &&
           a.pending_replies == b.pending_replies && a.loop_iterations == b.loop_iterations;
}

using flow_state = py::typing::Tuple<py::int_, py::ellipsis>;

flow_state get_flow_state(const flow_statistics& self) {
    py::tuple state(std::size(counters));
    for (std::size_t i = 0; i < std::size(counters); ++i) state[i] = self.*counters[i].value;
    return py::reinterpret_steal<flow_state>(state.release());
}

flow_statistics set_flow_state(const flow_state& state) {
    if (state.size() != std::size(counters)) throw py::value_error("not the state of FlowStatistics");
    flow_statistics self;
    for (std::size_t i = 0; i < std::size(counters); ++i) self.*counters[i].value = state[i].cast<std::uint64_t>();
    return self;
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

std::string flow_text(const flow_statistics& self) {
    std::string text;
    for (const counter& each : counters) {
        text += (text.empty() ? "FlowStatistics(" : ", ") + std::string(each.name) + "=" + std::to_string(self.*each.value);
    }
    return text + ")";
}

std::string full_text(const statistics& self) {
    return "Statistics(state=" + py::repr(py::cast(self.state)).cast<std::string>() + ", in_=" + flow_text(self.in) +
           ", out=" + flow_text(self.out) + ", pending_replies=" + std::to_string(self.pending_replies) +
           ", loop_iterations=" + std::to_string(self.loop_iterations) + ")";
}

}  // namespace

void register_statistics(py::module_& module) {
    py::class_<flow_statistics> flow(module, "FlowStatistics", py::is_final(), flow_statistics_doc);
    for (const counter& each : counters) flow.def_readonly(each.name, each.value, each.doc);
    flow.def_property_readonly("pending", &flow_statistics::pending,
                               "Messages received and not yet sent or dropped.\n\n"
                               "1 or 0, or more if messages passed while the counters were read.");
    flow.def("__eq__", &equal_flows, py::arg("other"), py::is_operator())
        .def("__repr__", &flow_text)
        .def(py::pickle(&get_flow_state, &set_flow_state), py::arg("state"));
    value_initialise<flow_statistics>();

    py::class_<statistics>(module, "Statistics", py::is_final(),
                           "Counters of a device. The value never changes, and can be pickled.")
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
