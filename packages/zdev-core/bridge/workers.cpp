#include "workers.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <zdev/wire_spec.hpp>

#include "uninitialised.hpp"

#ifdef __linux__

namespace zdev_core {

namespace {

using zdev::wire::milliseconds;
using zdev::wire::socket_spec;
using zdev::wire::worker_protocol;
using zdev::wire::workers;

// The C++ value with this name: [i] is the name of the value i.
template <typename Enum, std::size_t Count>
Enum named(const char* setting, const std::string& value, const std::array<const char*, Count>& names) {
    const auto found = std::find(names.begin(), names.end(), value);
    if (found != names.end()) return static_cast<Enum>(found - names.begin());
    std::string all;
    for (const char* const each : names) all += std::string(all.empty() ? "" : " or ") + "\"" + each + "\"";
    throw py::value_error(std::string(setting) + " must be " + all + ", not " + py::repr(py::str(value)).cast<std::string>());
}

constexpr std::array<const char*, 3> protocols{"plain", "ppp", "mdp"};
constexpr std::array<const char*, 2> balances{"least-requests", "round-robin"};
constexpr std::array<const char*, 2> policies{"block", "reject"};
constexpr std::array<const char*, 7> states{"starting", "idle", "busy", "draining", "drained", "set-aside", "leaving"};

milliseconds to_time(const char* setting, double seconds) {
    constexpr double century = 3.2e9;
    if (!(seconds >= 0)) throw py::value_error(std::string(setting) + " must be 0 or more seconds");
    return milliseconds{static_cast<milliseconds::rep>(std::ceil(std::min(seconds, century) * 1000))};
}

workers make_workers(const std::string& protocol, const std::string& balance, std::size_t max_requests, std::size_t queue_limit,
                     std::size_t queue_bytes, const std::string& on_full, double queue_timeout, double request_timeout,
                     std::uint32_t retries, bool allow_request_options,
                     const std::optional<std::vector<py::bytes>>& reply_on_failure,
                     const std::optional<socket_spec>& dead_letter, double heartbeat, std::uint32_t max_failures,
                     double set_aside) {
    workers made;
    made.protocol = named<worker_protocol>("protocol", protocol, protocols);
    made.balance = named<zdev::wire::balance>("balance", balance, balances);
    made.max_requests = max_requests;
    made.queue_limit = queue_limit;
    made.queue_bytes = queue_bytes;
    made.reject_when_full = named<int>("on_full", on_full, policies) == 1;
    made.queue_timeout = to_time("queue_timeout", queue_timeout);
    made.request_timeout = to_time("request_timeout", request_timeout);
    made.retries = retries;
    made.allow_request_options = allow_request_options;
    if (reply_on_failure) made.reply_on_failure.emplace(reply_on_failure->begin(), reply_on_failure->end());
    made.dead_letter = dead_letter;
    made.heartbeat = to_time("heartbeat", heartbeat);
    made.max_failures = max_failures;
    made.set_aside = to_time("set_aside", set_aside);
    return made;
}

template <typename Duration>
py::float_ seconds(Duration time) {
    return std::chrono::duration<double>(time).count();
}

report_dict to_dict(const zdev::wire::durations& of) {
    report_dict found;
    found["count"] = of.count;
    found["sum"] = seconds(of.sum);
    found["p50"] = seconds(of.p50);
    found["p99"] = seconds(of.p99);
    found["below"] = of.below;
    return found;
}

report_dict to_dict(const zdev::wire::request_statistics& of) {
    report_dict found;
    found["received"] = of.received;
    found["answered"] = of.answered;
    found["waiting"] = of.waiting;
    found["at_work"] = of.at_work;
    found["expired"] = of.expired;
    found["abandoned"] = of.abandoned;
    found["rejected"] = of.rejected;
    found["dead"] = of.dead;
    found["waiting_bytes"] = of.waiting_bytes;
    found["retried"] = of.retried;
    found["late"] = of.late;
    found["unsolicited"] = of.unsolicited;
    found["unsent_failures"] = of.unsent_failures;
    found["dead_letters"] = of.dead_letters;
    found["unsent_dead_letters"] = of.unsent_dead_letters;
    found["waited"] = to_dict(of.waited);
    found["served"] = to_dict(of.served);
    found["latency"] = to_dict(of.latency);
    return found;
}

report_dict to_dict(const zdev::wire::worker_status& of) {
    report_dict found;
    found["number"] = of.number;
    found["state"] = states.at(static_cast<std::size_t>(of.state));
    found["address"] = of.address;
    found["routing_id"] = py::bytes(of.routing_id);
    found["user"] = of.user;
    found["service"] = py::bytes(of.service);
    found["at_work"] = of.at_work;
    found["done"] = of.done;
    found["failed"] = of.failed;
    found["late"] = of.late;
    found["mean"] = seconds(of.mean);
    found["p50"] = seconds(of.p50);
    found["p99"] = seconds(of.p99);
    found["since"] = seconds(of.since.time_since_epoch());
    found["set_aside_for"] = of.set_aside_for ? py::object(seconds(*of.set_aside_for)) : py::none();
    return found;
}

constexpr const char* settings_doc =
    R"(The settings of a queue that knows its workers, for a `WireDevice`. Times are in seconds; 0: no limit.

Args:
    protocol: "plain" for REP and DEALER workers, "ppp" for Paranoid Pirate (RFC 6) or "mdp" for Majordomo (RFC 7, RFC 18).
    balance: "least-requests" or "round-robin".
    max_requests: Requests of one worker at a time, 1 to 10000.
    queue_limit: Requests that may wait for a worker.
    queue_bytes: Bytes of the requests that may wait.
    on_full: What happens to requests beyond these limits: "block", their clients wait; "reject", they fail.
    queue_timeout: How long a request may wait for a worker.
    request_timeout: How long a worker may take for a request.
    retries: How often a request is given to another worker because its worker has left; at most 100.
    allow_request_options: Whether a request may choose its own number of retries, by a first frame like "zdev retries=2".
    reply_on_failure: Frames that a client gets instead of a reply when its request has failed; None: nothing.
    dead_letter: A PUSH that gets each request that has failed; None: no such socket.
    heartbeat: Seconds between heartbeats; 0: none with "plain", 1 s with "ppp", 2.5 s with "mdp". A worker that does not answer
        them has left.
    max_failures: Failed requests in a row after which a worker gets no more for `set_aside`; 0: any number.
    set_aside: For how long, and each further time twice as long, a minute at most.

Raises:
    ValueError: A protocol, balance or policy is unknown, or a time is below 0.)";

}  // namespace

void register_workers(py::module_& module) {
    py::class_<workers>(module, "WireWorkers", py::is_final(), settings_doc)
        .def(py::init(&make_workers), py::kw_only(), py::arg("protocol") = "plain", py::arg("balance") = "least-requests",
             py::arg("max_requests") = 1, py::arg("queue_limit") = 1000, py::arg("queue_bytes") = 64 << 20,
             py::arg("on_full") = "block", py::arg("queue_timeout") = 0.0, py::arg("request_timeout") = 0.0,
             py::arg("retries") = 0, py::arg("allow_request_options") = false, py::arg("reply_on_failure") = py::none(),
             py::arg("dead_letter") = py::none(), py::arg("heartbeat") = 0.0, py::arg("max_failures") = 3,
             py::arg("set_aside") = 1.0);
    refuse_uninitialised<workers>();
}

report_dict to_python(const zdev::wire::workers_report& report) {
    py::typing::List<report_dict> each_worker;
    for (const auto& each : report.workers) each_worker.append(to_dict(each));
    report_dict found;
    found["requests"] = to_dict(report.requests);
    found["workers"] = each_worker;
    return found;
}

}  // namespace zdev_core

#endif
