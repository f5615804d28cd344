// What the constructors of both kinds of device take, and how their runs release the GIL.

#ifndef ZDEV_CORE_ARGUMENTS_HPP
#define ZDEV_CORE_ARGUMENTS_HPP

#include <chrono>
#include <cmath>
#include <exception>
#include <optional>
#include <string>
#include <zdev/device.hpp>

#include "bindings.hpp"

namespace zdev_core {

// A prefix argument: bytes, str or None.
class prefix_argument : public py::object {
    PYBIND11_OBJECT_DEFAULT(prefix_argument, object, [](PyObject*) { return true; })
};

inline std::optional<std::string> to_prefix(const char* name, const prefix_argument& prefix) {
    if (prefix.is_none()) return std::nullopt;
    py::object bytes = prefix;
    if (py::isinstance<py::str>(prefix)) bytes = py::reinterpret_steal<py::object>(PyUnicode_AsUTF8String(prefix.ptr()));
    if (!bytes) throw py::error_already_set();
    if (py::isinstance<py::bytes>(bytes)) return bytes.cast<std::string>();
    throw py::type_error(std::string(name) + " must be bytes, str or None, not " + Py_TYPE(prefix.ptr())->tp_name);
}

inline zdev::on_full to_on_full(const char* name, const std::string& policy) {
    if (policy == "block") return zdev::on_full::block;
    if (policy == "drop") return zdev::on_full::drop;
    throw py::value_error(std::string(name) + " must be \"block\" or \"drop\", not " +
                          py::repr(py::str(policy)).cast<std::string>());
}

inline std::chrono::milliseconds to_milliseconds(std::optional<double> seconds) {
    using std::chrono::milliseconds;
    constexpr double century = 3.2e9;
    if (!seconds || *seconds > century) return milliseconds{-1};
    if (!(*seconds >= 0)) throw py::value_error("timeout must be 0 or more seconds, or None for no limit");
    return milliseconds{static_cast<milliseconds::rep>(std::ceil(*seconds * 1000))};
}

// Only the main thread may run Python's signal handlers.
inline bool in_main_thread() {
    const auto threading = py::module_::import("threading");
    return threading.attr("current_thread")().is(threading.attr("main_thread")());
}

// Releases the GIL while `work` runs. py::gil_scoped_release takes it back in a destructor, through which the stack must not be
// unwound; before Python 3.14, taking it ends the thread that way while the interpreter finalizes.
class released_gil {
public:
    template <typename Work>
    auto run(Work&& work) {
        std::optional<decltype(work())> result;
        std::exception_ptr thrown;
        state_ = PyEval_SaveThread();
        try {
            result = work();
        } catch (...) {
            thrown = std::current_exception();
        }
        PyEval_RestoreThread(state_);
        if (thrown) std::rethrow_exception(thrown);
        return *result;
    }

    // Within run(): takes the GIL while `work` runs.
    template <typename Work>
    void hold(Work&& work) {
        PyEval_RestoreThread(state_);
        std::exception_ptr thrown;
        try {
            work();
        } catch (...) {
            thrown = std::current_exception();
        }
        state_ = PyEval_SaveThread();
        if (thrown) std::rethrow_exception(thrown);
    }

    // Runs a device, and, if this is the main thread, the handlers of signals and then `check`, with the GIL held.
    template <typename Device, typename Check>
    zdev::outcome run_device(Device& device, const Check& check) {
        if (!in_main_thread()) return run([&] { return device.run({}); });
        const auto run_handlers = [&] {
            if (PyErr_CheckSignals() != 0) throw py::error_already_set();
            check();
        };
        return run([&] { return device.run([&] { hold(run_handlers); }); });
    }

private:
    PyThreadState* state_ = nullptr;
};

}  // namespace zdev_core

template <>
struct pybind11::detail::handle_type_name<zdev_core::prefix_argument> {
    static constexpr auto name = const_name("bytes | str | None");
};

#endif
