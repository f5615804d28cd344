#include "change.hpp"

#include <algorithm>

namespace zdev::wire {

namespace {

using o = socket_options;

std::string text(std::size_t value) { return std::to_string(value); }
std::string text(std::int64_t value) { return std::to_string(value); }
std::string text(int value) { return std::to_string(value); }
std::string text(std::uint32_t value) { return std::to_string(value); }
std::string text(bool value) { return value ? "1" : "0"; }
std::string text(milliseconds value) { return std::to_string(value.count()); }
std::string text(zdev::on_full value) { return value == zdev::on_full::block ? "block" : "drop"; }
std::string text(balance value) { return value == balance::round_robin ? "round-robin" : "least-requests"; }
std::string text(worker_protocol value) {
    return value == worker_protocol::ppp ? "ppp" : value == worker_protocol::mdp ? "mdp" : "plain";
}

template <class Value>
std::string shown(const Value& before, const Value& after) {
    return " " + text(before) + " -> " + text(after);
}
std::string shown(milliseconds before, milliseconds after) { return " " + text(before) + " -> " + text(after) + " ms"; }
// Texts may be long, and contain any bytes.
template <class Text>
std::string changed(const Text&, const Text&) {
    return " changed";
}
std::string shown(const std::string& before, const std::string& after) { return changed(before, after); }
template <class Element>
std::string shown(const std::vector<Element>& before, const std::vector<Element>& after) {
    return changed(before, after);
}
template <class Value>
std::string shown(const std::optional<Value>& before, const std::optional<Value>& after) {
    return changed(before, after);
}

// The options that a running device can take over. Those of connections are for new ones, except sndhwm.
template <class Look>
void visit_live(Look&& look) {
    look("sndhwm", &o::sndhwm);
    look("linger", &o::linger);
    look("router_mandatory", &o::router_mandatory);
    look("probe_router", &o::probe_router);
    look("maxmsgsize", &o::maxmsgsize);
    look("max_message_bytes", &o::max_message_bytes);
    look("max_message_frames", &o::max_message_frames);
    look("max_subscription_bytes", &o::max_subscription_bytes);
    look("max_subscriptions", &o::max_subscriptions);
    look("max_connections", &o::max_connections);
    look("max_connections_per_address", &o::max_connections_per_address);
    look("max_connections_per_key", &o::max_connections_per_key);
    look("idle_timeout", &o::idle_timeout);
    look("handshake_ivl", &o::handshake_ivl);
    look("max_handshakes", &o::max_handshakes);
    look("heartbeat_ivl", &o::heartbeat_ivl);
    look("heartbeat_timeout", &o::heartbeat_timeout);
    look("heartbeat_ttl", &o::heartbeat_ttl);
    look("reconnect_ivl", &o::reconnect_ivl);
    look("reconnect_ivl_max", &o::reconnect_ivl_max);
    look("connect_timeout", &o::connect_timeout);
    look("tos", &o::tos);
    look("sndbuf", &o::sndbuf);
    look("rcvbuf", &o::rcvbuf);
    look("tcp_keepalive", &o::tcp_keepalive);
    look("tcp_keepalive_idle", &o::tcp_keepalive_idle);
    look("tcp_keepalive_cnt", &o::tcp_keepalive_cnt);
    look("tcp_keepalive_intvl", &o::tcp_keepalive_intvl);
    look("subscribe", &o::subscribe);
    look("xpub_nodrop", &o::xpub_nodrop);
    look("xpub_welcome_msg", &o::xpub_welcome_msg);
}

// rcvhwm and immediate are left out: they have no effect.
template <class Look>
void visit_fixed(Look&& look) {
    look("routing_id", &o::routing_id);
    look("connect_routing_id", &o::connect_routing_id);
    look("router_handover", &o::router_handover);
    look("backlog", &o::backlog);
    look("ipv6", &o::ipv6);
    look("bindtodevice", &o::bindtodevice);
    look("invert_matching", &o::invert_matching);
    look("xpub_verboser", &o::xpub_verboser);
    look("metadata", &o::metadata);
}

// Looks at members by name, and adds those that differ, as "of: name before -> after".
template <class Settings>
auto look_for_differences(const std::string& of, const Settings& now, const Settings& wanted, std::vector<std::string>& to) {
    return [&](const char* name, auto member) {
        if (now.*member != wanted.*member) to.push_back(of + ": " + name + shown(now.*member, wanted.*member));
    };
}

void compare_options(const std::string& role, const socket_options& now, const socket_options& wanted, differences& found) {
    visit_live(look_for_differences(role, now, wanted, found.live));
    visit_fixed(look_for_differences(role, now, wanted, found.fixed));
}

template <class Look>
void visit_live_workers(Look&& look) {
    look("balance", &workers::balance);
    look("max_requests", &workers::max_requests);
    look("queue_limit", &workers::queue_limit);
    look("queue_bytes", &workers::queue_bytes);
    look("queue_timeout", &workers::queue_timeout);
    look("request_timeout", &workers::request_timeout);
    look("retries", &workers::retries);
    look("allow_request_options", &workers::allow_request_options);
    look("reply_on_failure", &workers::reply_on_failure);
    look("max_failures", &workers::max_failures);
    look("set_aside", &workers::set_aside);
}

std::string saying(std::string role, const char* what, const std::string& endpoint) {
    return role.append(what).append(endpoint);
}

}  // namespace

std::vector<std::string> without(const std::vector<std::string>& all, std::vector<std::string> others) {
    std::vector<std::string> left;
    for (const auto& each : all) {
        const auto same = std::find(others.begin(), others.end(), each);
        same == others.end() ? left.push_back(each) : void(others.erase(same));
    }
    return left;
}

void compare(const std::string& role, const socket_spec& now, const socket_spec& wanted, differences& found) {
    if (now.type != wanted.type) found.fixed.push_back(role + ": type changed");
    for (const auto& each : without(now.binds, wanted.binds)) found.live.push_back(saying(role, ": no longer bound to ", each));
    for (const auto& each : without(wanted.binds, now.binds)) found.live.push_back(saying(role, ": bound to ", each));
    for (const auto& each : without(now.connects, wanted.connects)) {
        found.live.push_back(saying(role, ": no longer connected to ", each));
    }
    for (const auto& each : without(wanted.connects, now.connects)) found.live.push_back(saying(role, ": connected to ", each));
    compare_options(role, now.options, wanted.options, found);
    if (!now.options.connect_routing_id.empty() && now.connects != wanted.connects) {
        found.fixed.push_back(role + ": the endpoints to connect to changed, and connect_routing_id names the first");
    }
}

void compare(const monitor_spec& now, const monitor_spec& wanted, differences& found) {
    if (now.in_prefix != wanted.in_prefix) found.live.emplace_back("mon: in_prefix changed");
    if (now.out_prefix != wanted.out_prefix) found.live.emplace_back("mon: out_prefix changed");
    if (now.dropped_prefix != wanted.dropped_prefix) found.live.emplace_back("mon: dropped_prefix changed");
    compare(now.on_full, wanted.on_full, "mon_on_full", found);
}

void compare(zdev::on_full now, zdev::on_full wanted, const std::string& name, differences& found) {
    if (now != wanted) found.live.push_back(name + shown(now, wanted));
}

void compare(const workers& now, const workers& wanted, differences& found) {
    const std::string name = "workers";
    visit_live_workers(look_for_differences(name, now, wanted, found.live));
    const auto look_at_fixed = look_for_differences(name, now, wanted, found.fixed);
    look_at_fixed("protocol", &workers::protocol);
    look_at_fixed("heartbeat", &workers::heartbeat);  // a connection keeps the heartbeat that it began with
    const auto policy = [](const workers& of) { return of.reject_when_full ? " reject" : " block"; };
    if (now.reject_when_full != wanted.reject_when_full) {
        found.live.push_back(std::string("workers: on_full") + policy(now) + " ->" + policy(wanted));
    }
    differences letters;
    if (now.dead_letter && wanted.dead_letter) compare("dead_letter", *now.dead_letter, *wanted.dead_letter, letters);
    if (!now.dead_letter != !wanted.dead_letter || !letters.live.empty() || !letters.fixed.empty()) {
        found.fixed.emplace_back("workers: dead_letter changed");
    }
}

}  // namespace zdev::wire
