#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <vector>
#include <zdev/device.hpp>

#include "arguments.hpp"
#include "bindings.hpp"
#include "enums.hpp"
#include "sockets.hpp"
#include "uninitialised.hpp"

namespace zdev_core {

namespace {

// A zdev::device on pyzmq's sockets.
class device {
public:
    device(socket_argument in, socket_argument out, std::optional<socket_argument> mon, std::optional<socket_argument> ctrl,
           const prefix_argument& in_prefix, const prefix_argument& out_prefix, const prefix_argument& dropped_prefix,
           const std::string& on_full, const std::string& mon_on_full) {
        zdev::options options;
        options.monitor.in_prefix = to_prefix("in_prefix", in_prefix);
        options.monitor.out_prefix = to_prefix("out_prefix", out_prefix);
        options.monitor.dropped_prefix = to_prefix("dropped_prefix", dropped_prefix);
        options.on_full = to_on_full("on_full", on_full);
        options.monitor.on_full = to_on_full("mon_on_full", mon_on_full);
        const auto in_handle = hold("in", std::move(in));
        const auto out_handle = hold("out", std::move(out));
        if (mon) options.monitor.socket = hold("mon", std::move(*mon));
        if (ctrl) options.control = hold("ctrl", std::move(*ctrl));
        engine_.emplace(in_handle, out_handle, options);
    }

    zdev::outcome run() {
        // During a run in another thread the sockets belong to that thread, and the engine throws EBUSY.
        if (statistics().state == zdev::state::idle) require_open();
        // A handler may close a socket, which would crash the loop.
        return released_gil().run_device(*engine_, [this] { require_open(); });
    }

    void pause() { engine_->pause(); }
    void resume() { engine_->resume(); }
    void drain(std::optional<double> timeout) { engine_->drain(to_milliseconds(timeout)); }
    void stop() { engine_->stop(); }
    int discard() { return engine_->discard(); }
    zdev::statistics statistics() const { return engine_->statistics(); }

    void let_go() {
        for (held_socket& each : sockets_) each.let_go();
    }

private:
    zmq::socket_ref hold(const char* role, socket_argument socket) {
        return sockets_.emplace_back(role, std::move(socket)).handle();
    }

    void require_open() const {
        for (const held_socket& each : sockets_) each.require_open();
    }

    std::vector<held_socket> sockets_;    // outlive the engine, which uses them
    std::optional<zdev::device> engine_;  // always, once constructed
};

constexpr const char* device_doc = R"(A relay between two pyzmq sockets, with an optional monitor and control socket.

The caller owns the sockets, and must not use or close them while `run` is under way. A device never closes a socket.
A `zmq.green` socket belongs to the hub of its thread: make it and run the device in one thread of gevent's threadpool.

Args:
    in_socket: Open socket of any pyzmq class, `zmq.asyncio` and `zmq.green` included.
    out_socket: Open socket; may be the in socket, which then is both ends.
    mon_socket: PUB, XPUB, PUSH, PAIR or DEALER, which sends [prefix, frame, ...] for every message forwarded.
    ctrl_socket: REP, PAIR, DEALER, SUB, PULL or XSUB, which obeys PAUSE, RESUME, DRAIN, TERMINATE and STATISTICS.
    in_prefix: Prefix frame for messages from the in socket; a str is sent as UTF-8; None for no such frame.
    out_prefix: Prefix frame for messages from the out socket; a str is sent as UTF-8; None for no such frame.
    dropped_prefix: Prefix frame for messages dropped as unroutable or overflowed; None: the monitor gets no copies of these.
    on_full: "block" or "drop", when the only receiver of a message, the peer of a ROUTER with ROUTER_MANDATORY, is full.
    mon_on_full: "block" or "drop", when a monitor is full whose type does not drop by itself (PUSH, PAIR, DEALER).

Raises:
    TypeError: An argument is not a pyzmq socket.
    ValueError: A policy is unknown.
    zmq.ZMQError: ENOTSOCK, a socket is closed; EINVAL, the socket types do not work together (the text names both).)";

constexpr const char* run_doc =
    R"(Relay messages until `stop`, TERMINATE or the end of a drain. The GIL is released while it relays.

A message that could not be sent when a run ends is kept, and the next run sends it before all others. In the main
thread signal handlers run within 50 ms; an exception that they raise, such as KeyboardInterrupt, ends the run.

Returns:
    How the run ended.

Raises:
    zmq.ContextTerminated: The context of a socket was terminated.
    zmq.ZMQError: ENOTSOCK, a socket was closed; EBUSY, the device runs already.)";

constexpr const char* drain_doc =
    R"(Stop reading from the in socket, forward the pending replies, then end the run. May be called from any thread.

Args:
    timeout: Seconds after which the run ends without them; None for no limit.)";

constexpr const char* discard_doc = R"(Drop the pending messages, between runs, before the sockets are closed.

Copies for the monitor are counted as `monitor_dropped`.

Returns:
    How many messages were dropped. `pending` still counts them.

Raises:
    zmq.ZMQError: EBUSY, the device runs.)";

}  // namespace

void register_device(py::module_& module) {
    py::class_<device>(module, "Device", py::is_final(), device_doc)
        .def(py::init<socket_argument, socket_argument, std::optional<socket_argument>, std::optional<socket_argument>,
                      const prefix_argument&, const prefix_argument&, const prefix_argument&, const std::string&,
                      const std::string&>(),
             py::arg("in_socket"), py::arg("out_socket"), py::arg("mon_socket") = py::none(),
             py::arg("ctrl_socket") = py::none(), py::kw_only(), py::arg("in_prefix") = py::bytes("in"),
             py::arg("out_prefix") = py::bytes("out"), py::arg("dropped_prefix") = py::none(), py::arg("on_full") = "block",
             py::arg("mon_on_full") = "block")
        .def("run", &device::run, run_doc)
        .def("pause", &device::pause, "Hold all messages where they are until `resume`. May be called from any thread.")
        .def("resume", &device::resume, "Continue after `pause`. May be called from any thread.")
        .def("drain", &device::drain, py::arg("timeout") = py::none(), drain_doc)
        .def("stop", &device::stop, "End the run under way, or the next one at its start. May be called from any thread.")
        .def("discard", &device::discard, discard_doc)
        .def("statistics", &device::statistics,
             "Return the counters so far. May be called from any thread; the relay does not wait for it.")
        .def("_let_go", &device::let_go,
             "Drop the references to the sockets: from now on the caller of `run` keeps them alive.");
    refuse_uninitialised<device>();
}

}  // namespace zdev_core
