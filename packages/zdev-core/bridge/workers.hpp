// A queue that knows its workers: its settings from Python values, and its report as Python values.

#ifndef ZDEV_CORE_WORKERS_HPP
#define ZDEV_CORE_WORKERS_HPP

#include <pybind11/typing.h>

#include <zdev/wire_workers.hpp>

#include "bindings.hpp"

namespace zdev_core {

using report_dict = py::typing::Dict<py::str, py::object>;

void register_workers(py::module_& module);
report_dict to_python(const zdev::wire::workers_report& report);

}  // namespace zdev_core

#endif
