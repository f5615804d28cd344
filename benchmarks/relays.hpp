// The C++ devices of libzmq and of the zdev library, by name.

#ifndef ZDEV_BENCHMARKS_RELAYS_HPP
#define ZDEV_BENCHMARKS_RELAYS_HPP

#include <content.hpp>
#include <map>
#include <string>
#include <zdev/device.hpp>
#include <zmq.hpp>

using zdev_load::fail;

inline zmq::socket_type type_named(const std::string& name) {
    static const std::map<std::string, zmq::socket_type> types = {
        {"PULL", zmq::socket_type::pull}, {"PUSH", zmq::socket_type::push},     {"ROUTER", zmq::socket_type::router},
        {"PUB", zmq::socket_type::pub},   {"DEALER", zmq::socket_type::dealer}, {"XSUB", zmq::socket_type::xsub},
        {"SUB", zmq::socket_type::sub},   {"XPUB", zmq::socket_type::xpub},     {"REQ", zmq::socket_type::req},
        {"REP", zmq::socket_type::rep},
    };
    const auto found = types.find(name);
    if (found == types.end()) fail("unknown socket type '" + name + "'");
    return found->second;
}

// Relays until the context is terminated, then throws zmq::error_t with ETERM. `mon` may be empty.
inline void relay(const std::string& name, zmq::socket_ref in, zmq::socket_ref out, zmq::socket_ref mon) {
    if (name == "monitored-queue") zdev::monitored_queue(in, out, mon);
    if (name == "queue") zdev::queue(in, out);
    if (name != "zmq-proxy") fail("unknown device '" + name + "'");
    zmq_proxy(in.handle(), out.handle(), mon.handle());
    throw zmq::error_t();
}

#endif
