#include "spec.hpp"

#include <zmq.h>

#include <algorithm>
#include <cerrno>
#include <initializer_list>
#include <string>

#include "../zmtp/socket_type.hpp"

namespace zdev::wire {

namespace {

bool is_one_of(int type, std::initializer_list<int> types) noexcept {
    return std::find(types.begin(), types.end(), type) != types.end();
}

std::string name(int type) { return std::string(zmtp::type_name(type)); }

[[noreturn]] void refuse(const std::string& text) { throw error(EINVAL, "device: " + text); }

bool can_receive(int type) { return is_one_of(type, {ZMQ_ROUTER, ZMQ_DEALER, ZMQ_PULL, ZMQ_SUB, ZMQ_XSUB, ZMQ_XPUB}); }
bool can_send(int type) { return is_one_of(type, {ZMQ_ROUTER, ZMQ_DEALER, ZMQ_PUSH, ZMQ_PUB, ZMQ_XPUB, ZMQ_XSUB}); }

// Null: it admits everybody, or is a client.
const credentials* credentials_of(const security& asked) noexcept {
    if (const auto* const curve = std::get_if<curve_server>(&asked)) return &curve->clients;
    const auto* const plain = std::get_if<plain_server>(&asked);
    return plain ? &plain->clients : nullptr;
}

void check_options(const std::string& role, const socket_spec& spec) {
    const socket_options& options = spec.options;
    const auto invalid = [&](const char* option, const char* why) { refuse(role + ": invalid " + option + ": " + why); };
    for (const auto& [option, id] :
         {std::pair{"routing_id", options.routing_id}, {"connect_routing_id", options.connect_routing_id}}) {
        if (id.size() > 255) invalid(option, "at most 255 bytes");
        if (!id.empty() && id[0] == '\0') invalid(option, "must not begin with a zero byte");
    }
    if (!options.connect_routing_id.empty() && (spec.type != ZMQ_ROUTER || spec.connects.empty())) {
        invalid("connect_routing_id", "for a ROUTER that connects");
    }
    if (options.probe_router && spec.type != ZMQ_ROUTER && spec.type != ZMQ_DEALER) {
        invalid("probe_router", "for ROUTER and DEALER only");
    }
    if (options.backlog < 0) invalid("backlog", "must not be negative");
    const credentials* const clients = credentials_of(spec.security);
    if (clients && clients->rights) refuse_rights(role, spec.type, options);
    if (options.max_connections_per_key > 0 && !clients) {
        invalid("max_connections_per_key", "for a server of CURVE or PLAIN only: others do not know the keys of their peers");
    }
    if (!options.subscribe.empty() && spec.type != ZMQ_SUB) invalid("subscribe", "for SUB only");
    for (const auto& [key, value] : options.metadata) {
        if (key.size() < 3 || key.size() > 255 || key.compare(0, 2, "X-") != 0) invalid("metadata", "names begin with X-");
    }
    for (const auto& given : spec.listening) {
        if (given.descriptor < 0) refuse(role + ": " + given.endpoint + ": its listening socket has no descriptor");
        if (std::find(spec.binds.begin(), spec.binds.end(), given.endpoint) == spec.binds.end()) {
            refuse(role + ": " + given.endpoint +
                   ": a listening socket serves an endpoint of binds, and this is not one of them");
        }
    }
    if (spec.binds.empty() && spec.connects.empty()) refuse(role + ": no endpoint to bind or connect to");
}

void check_workers(const spec& asked, const workers& given) {
    const bool registers = given.protocol != worker_protocol::plain;
    const int out = asked.out ? asked.out->type : asked.in.type;
    const bool suits = out == ZMQ_DEALER || (registers && out == ZMQ_ROUTER);
    if (asked.in.type != ZMQ_ROUTER || !asked.out || !suits) {
        refuse("workers: in must be ROUTER, and out DEALER" + std::string(registers ? " or ROUTER" : "") +
               (asked.out ? "" : " with another endpoint: clients and workers cannot share one"));
    }
    const auto invalid = [](const char* setting, const char* why) {
        refuse("workers: invalid " + std::string(setting) + ": " + why);
    };
    if (registers && given.max_requests != 1) {
        invalid("max_requests", "must be 1 with ppp and mdp: their workers handle one request at a time");
    }
    if (given.max_requests < 1 || given.max_requests > 10000) invalid("max_requests", "must be 1 to 10000");
    if (given.reply_on_failure && given.reply_on_failure->empty()) invalid("reply_on_failure", "must have a frame");
    if (given.retries > 100) invalid("retries", "at most 100");
    const auto is_negative = [](milliseconds time) { return time.count() < 0; };
    for (const auto& [setting, value] : {std::pair{"queue_timeout", given.queue_timeout},
                                         {"request_timeout", given.request_timeout},
                                         {"heartbeat", given.heartbeat},
                                         {"set_aside", given.set_aside}}) {
        if (is_negative(value)) invalid(setting, "must not be negative");
    }
    if (!given.dead_letter) return;
    if (given.dead_letter->type != ZMQ_PUSH) refuse("workers: dead_letter must be a PUSH");
    check_options("dead_letter", *given.dead_letter);
}

}  // namespace

void refuse_rights(const std::string& role, int type, const socket_options& options) {
    if (!is_one_of(type, {ZMQ_PUB, ZMQ_XPUB, ZMQ_SUB, ZMQ_XSUB})) {
        refuse(role + ": invalid rights: for PUB, XPUB, SUB and XSUB only, not " + name(type));
    }
    if (options.invert_matching) refuse(role + ": invalid rights: not with invert_matching, by which peers get other topics");
}

void check_types(const spec& asked) {
    const auto takes = [](const std::string& role, int type) {
        if (!can_receive(type) && !can_send(type)) refuse(role + ": the wire engine does not support the type " + name(type));
    };
    const int in = asked.in.type, out = asked.out ? asked.out->type : in;
    takes("in", in);
    takes("out", out);
    if (!goes_forward(asked) && !goes_backward(asked)) {
        refuse(name(in) + " as in and " + name(out) + " as out can't work together: one must receive and the other send");
    }
    if (!asked.mon) return;
    const int mon = asked.mon->socket.type;
    if (!is_one_of(mon, {ZMQ_PUB, ZMQ_XPUB, ZMQ_PUSH})) refuse("mon: must be PUB, XPUB or PUSH, not " + name(mon));
}

void check(const spec& asked) {
    check_types(asked);
    check_options("in", asked.in);
    if (asked.out) check_options("out", *asked.out);
    if (asked.mon) check_options("mon", asked.mon->socket);
    if (asked.workers) check_workers(asked, *asked.workers);
}

bool goes_forward(const spec& asked) {
    return can_receive(asked.in.type) && can_send(asked.out ? asked.out->type : asked.in.type);
}

bool goes_backward(const spec& asked) { return asked.out && can_receive(asked.out->type) && can_send(asked.in.type); }

bool expects_replies(const spec& asked) {
    return goes_forward(asked) && goes_backward(asked) && !is_one_of(asked.in.type, {ZMQ_XSUB, ZMQ_XPUB}) &&
           !is_one_of(asked.out->type, {ZMQ_XSUB, ZMQ_XPUB});
}

}  // namespace zdev::wire
