#include "socket_type.hpp"

#include <zmq.h>

#include <array>

namespace zdev::zmtp {

namespace {

struct entry {
    int type;
    std::string_view name;
    std::array<int, 3> peers;
};

constexpr int none = unknown_type;
constexpr std::array<entry, 11> types{{{ZMQ_PAIR, "PAIR", {ZMQ_PAIR, none, none}},
                                       {ZMQ_PUB, "PUB", {ZMQ_SUB, ZMQ_XSUB, none}},
                                       {ZMQ_SUB, "SUB", {ZMQ_PUB, ZMQ_XPUB, none}},
                                       {ZMQ_REQ, "REQ", {ZMQ_REP, ZMQ_ROUTER, none}},
                                       {ZMQ_REP, "REP", {ZMQ_REQ, ZMQ_DEALER, none}},
                                       {ZMQ_DEALER, "DEALER", {ZMQ_REP, ZMQ_DEALER, ZMQ_ROUTER}},
                                       {ZMQ_ROUTER, "ROUTER", {ZMQ_REQ, ZMQ_DEALER, ZMQ_ROUTER}},
                                       {ZMQ_PULL, "PULL", {ZMQ_PUSH, none, none}},
                                       {ZMQ_PUSH, "PUSH", {ZMQ_PULL, none, none}},
                                       {ZMQ_XPUB, "XPUB", {ZMQ_SUB, ZMQ_XSUB, none}},
                                       {ZMQ_XSUB, "XSUB", {ZMQ_PUB, ZMQ_XPUB, none}}}};

}  // namespace

std::string_view type_name(int type) noexcept {
    for (const entry& each : types) {
        if (each.type == type) return each.name;
    }
    return "an unknown type";
}

int type_named(std::string_view name) noexcept {
    for (const entry& each : types) {
        if (each.name == name) return each.type;
    }
    return unknown_type;
}

bool compatible(int ours, int theirs) noexcept {
    for (const entry& each : types) {
        if (each.type != ours) continue;
        for (const int peer : each.peers) {
            if (peer == theirs && peer != none) return true;
        }
    }
    return false;
}

}  // namespace zdev::zmtp
