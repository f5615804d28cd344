// A device of the wire engine, for native.cpp.

#ifndef ZDEV_BENCHMARKS_WIRE_HPP
#define ZDEV_BENCHMARKS_WIRE_HPP

#include <string>
#include <vector>
#include <zdev/wire.hpp>

#include "relays.hpp"

// `types` and `endpoints`: of in, out and, if there is one, mon.
inline zdev::wire::spec wire_spec(const std::vector<std::string>& types, const std::vector<std::string>& endpoints) {
    const auto role = [&](std::size_t i) {
        zdev::wire::socket_spec made;
        made.type = static_cast<int>(type_named(types[i]));
        made.binds = {endpoints[i]};
        if (types[i] == "XPUB") made.options.sndhwm = 0;  // the load paces itself, and nothing may be dropped
        return made;
    };
    zdev::wire::spec spec;
    spec.in = role(0);
    spec.out = role(1);
    if (types.size() > 2) spec.mon.emplace().socket = role(2);
    return spec;
}

#endif
