// Peers of a wire device as Python values.

#ifndef ZDEV_CORE_PEERS_HPP
#define ZDEV_CORE_PEERS_HPP

#include <pybind11/typing.h>

#include <vector>
#include <zdev/wire_peers.hpp>

#include "bindings.hpp"

namespace zdev_core {

using peer_list = py::typing::List<py::typing::Dict<py::str, py::object>>;

peer_list to_python(const std::vector<zdev::wire::peer_status>& peers);

}  // namespace zdev_core

#endif
