// The C++ enumerations as enum.Enum classes of Python, with text as values for logs and JSON. Include this where a bound
// function takes or returns one.

#ifndef ZDEV_CORE_ENUMS_HPP
#define ZDEV_CORE_ENUMS_HPP

#include <pybind11/gil_safe_call_once.h>

#include <array>
#include <zdev/device.hpp>
#include <zdev/statistics.hpp>

#include "bindings.hpp"

namespace zdev_core {

struct enum_member {
    const char* name;
    const char* value;
};

// Specialised for each enumeration: name, docstring, and members in the order of the C++ values.
template <typename Enum>
struct python_enum;

template <>
struct python_enum<zdev::state> {
    static constexpr auto name = py::detail::const_name("State");
    static constexpr const char* doc = "State of the relay; `IDLE` before, between and after runs.";
    static constexpr std::array<enum_member, 4> members{
        {{"IDLE", "idle"}, {"ACTIVE", "active"}, {"PAUSED", "paused"}, {"DRAINING", "draining"}}};
};

template <>
struct python_enum<zdev::outcome> {
    static constexpr auto name = py::detail::const_name("Outcome");
    static constexpr const char* doc = "How a run ended.";
    static constexpr std::array<enum_member, 3> members{
        {{"STOPPED", "stopped"}, {"DRAINED", "drained"}, {"DRAIN_TIMED_OUT", "drain_timed_out"}}};
};

// The Python class, set by register_enums.
template <typename Enum>
py::gil_safe_call_once_and_store<py::object>& class_of() {
    PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> stored;
    return stored;
}

template <typename Enum>
struct enum_caster {
    PYBIND11_TYPE_CASTER(Enum, python_enum<Enum>::name);

    bool load(py::handle source, bool) {
        const py::object& type = class_of<Enum>().get_stored();
        if (!py::isinstance(source, type)) return false;
        std::size_t index = 0;
        while (!source.is(type.attr(python_enum<Enum>::members[index].name))) ++index;
        value = static_cast<Enum>(index);
        return true;
    }

    static py::handle cast(Enum source, py::return_value_policy, py::handle) {
        const enum_member& member = python_enum<Enum>::members.at(static_cast<std::size_t>(source));
        return py::object(class_of<Enum>().get_stored().attr(member.name)).release();
    }
};

}  // namespace zdev_core

template <>
struct pybind11::detail::type_caster<zdev::state> : zdev_core::enum_caster<zdev::state> {};
template <>
struct pybind11::detail::type_caster<zdev::outcome> : zdev_core::enum_caster<zdev::outcome> {};

#endif
