// zdev_core._load: the benchmarks' load generator for `zdev bench`. _load.pyi documents each name.

#include <pybind11/pybind11.h>

#include <algorithm>
#include <load.hpp>
#include <memory>
#include <string>

#include "../bindings.hpp"
#include "../uninitialised.hpp"

namespace zdev_core {

namespace {

using zdev_load::load;
using zdev_load::result;

std::unique_ptr<load> make(const std::string& pattern, std::size_t size, std::uint64_t frames, std::uint64_t window,
                           std::uint64_t clients, double seconds, const std::string& in, const std::string& out,
                           const std::string& mon, const std::string& server_key, const std::string& key,
                           const std::string& secret_key, const std::string& name, const std::string& password,
                           const std::string& secured) {
    zdev_load::options o;
    o.pattern = pattern, o.size = size, o.frames = frames, o.window = window, o.clients = o.subscribers = clients,
    o.seconds = seconds;
    o.in = in, o.out = out, o.mon = mon;
    o.curve = server_key, o.key = key, o.secret_key = secret_key, o.name = name, o.password = password, o.secured = secured;
    if (!mon.empty()) o.monitor = "fast";
    return std::make_unique<load>(o);
}

std::size_t count_below(const result& found, float microseconds) {
    const auto& all = found.latencies;
    return static_cast<std::size_t>(std::lower_bound(all.begin(), all.end(), microseconds) - all.begin());
}

void translate(std::exception_ptr thrown) {
    try {
        if (thrown) std::rethrow_exception(thrown);
    } catch (const zdev_load::silence& error) {
        PyErr_SetString(PyExc_TimeoutError, error.what());
    }
}

}  // namespace

void register_load(py::module_& module) {
    py::register_local_exception_translator(&translate);
    py::class_<result>(module, "Result", py::is_final(), "Measurements of a load.")
        .def_readonly("messages", &result::messages, "Messages received, or round trips, including those of the warm-up.")
        .def_readonly("per_second", &result::per_second, "Messages or round trips per second, without the warm-up.")
        .def_readonly("watched", &result::watched, "Copies that the monitor's subscriber received.")
        .def_property_readonly(
            "trips", [](const result& found) { return found.latencies.size(); }, "Round trips, without those of the warm-up.")
        .def("quantile", &result::quantile, py::arg("share"),
             "Return the quantile of the round-trip times in microseconds, 0 without round trips.\n\nArgs:\n    share: From 0 "
             "to 1.")
        .def("count_below", &count_below, py::arg("microseconds"), "Return how many round trips took less.");
    py::class_<load>(module, "Load", py::is_final(),
                     "Both peers of a device, each in a thread without the GIL. Without endpoints they are connected directly.")
        .def(py::init(&make), py::arg("pattern"), py::kw_only(), py::arg("size") = 64, py::arg("frames") = 1,
             py::arg("window") = 1, py::arg("clients") = 1, py::arg("seconds") = 1.0, py::arg("in_endpoint") = "",
             py::arg("out_endpoint") = "", py::arg("mon_endpoint") = "", py::arg("server_key") = "", py::arg("key") = "",
             py::arg("secret_key") = "", py::arg("name") = "", py::arg("password") = "", py::arg("secured") = "in out mon")
        .def(
            "run", [](load& self) { return self.run(); }, py::call_guard<py::gil_scoped_release>(),
            "Load, measure, and check every message. Can be called once.\n\nRaises:\n"
            "    RuntimeError: A message was lost, changed or out of order, or `cancel` was called.\n"
            "    TimeoutError: Nothing moved for 5 s.")
        .def("cancel", &load::cancel, py::call_guard<py::gil_scoped_release>(),
             "End `run`, which then raises RuntimeError. May be called from any thread.")
        .def_property_readonly("received", &load::received, "Messages or round trips so far. May be read from any thread.");
    refuse_uninitialised<result>();
    refuse_uninitialised<load>();
}

}  // namespace zdev_core

PYBIND11_MODULE(_load, module, py::mod_gil_not_used()) {
    module.doc() = "The load generator of `zdev bench`, a private module.";
    zdev_core::register_libzmq(module);  // first: it connects the bridge
    zdev_core::register_load(module);
}
