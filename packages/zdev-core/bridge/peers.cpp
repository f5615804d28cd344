#include "peers.hpp"

#include <chrono>
#include <optional>

#ifdef __linux__

namespace zdev_core {

namespace {

using zdev::wire::peer_state;
using zdev::wire::peer_status;

const char* name_of(peer_state state) {
    switch (state) {
        case peer_state::handshake: return "handshake";
        case peer_state::up: return "up";
        case peer_state::blocked: return "blocked";
        case peer_state::held: return "held";
        case peer_state::connecting: return "connecting";
        case peer_state::retrying: return "retrying";
        default: return "disconnected";
    }
}

template <typename Duration>
py::object seconds(const std::optional<Duration>& given) {
    if (!given) return py::none();
    return py::float_(std::chrono::duration<double>(*given).count());
}

// The name of a key is that of a file, which may be any bytes.
py::object to_text(const std::string& name) {
    const auto size = static_cast<Py_ssize_t>(name.size());
    PyObject* const text = PyUnicode_DecodeUTF8(name.data(), size, "backslashreplace");
    if (text == nullptr) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(text);
}

py::dict to_dict(const peer_status& peer) {
    py::dict found;
    found["number"] = peer.number;
    found["role"] = peer.role;
    found["state"] = name_of(peer.state);
    found["address"] = peer.address;
    found["endpoint"] = peer.endpoint;
    found["user"] = to_text(peer.user);
    found["routing_id"] = py::bytes(peer.routing_id);
    found["socket_type"] = peer.socket_type;
    found["protocol"] = peer.protocol;
    found["since"] = seconds(peer.since ? std::make_optional(peer.since->time_since_epoch()) : std::nullopt);
    found["messages_received"] = peer.messages_received;
    found["bytes_received"] = peer.bytes_received;
    found["messages_sent"] = peer.messages_sent;
    found["bytes_sent"] = peer.bytes_sent;
    found["waiting"] = peer.waiting;
    found["in_flight"] = peer.in_flight;
    found["malformed"] = peer.malformed;
    found["unroutable"] = peer.unroutable;
    found["overflowed"] = peer.overflowed;
    found["denied"] = peer.denied;
    found["subscriptions"] = peer.subscriptions;
    found["failure"] = peer.failure;
    found["retry_in"] = seconds(peer.retry_in);
    return found;
}

}  // namespace

peer_list to_python(const std::vector<peer_status>& peers) {
    peer_list found;
    for (const peer_status& each : peers) found.append(to_dict(each));
    return found;
}

}  // namespace zdev_core

#endif
