#include "pairs.hpp"

#include <algorithm>
#include <cerrno>
#include <string>
#include <zdev/device.hpp>

#include "../zmtp/socket_type.hpp"

namespace zdev {

namespace {

std::string type_name(int type) { return type == ZMQ_STREAM ? "STREAM" : std::string(zmtp::type_name(type)); }

}  // namespace

void check_type(const relay_socket& socket, std::initializer_list<int> allowed) {
    if (std::find(allowed.begin(), allowed.end(), socket.type()) != allowed.end()) return;
    std::string choice;
    for (const int type : allowed) choice += (choice.empty() ? "" : ", ") + type_name(type);
    throw error(EINVAL, std::string("device: ") + socket.role() + ": " + type_name(socket.type()) +
                            " is not allowed for this socket (use one of " + choice + ")");
}

directions check_pair(const relay_socket& in, const relay_socket& out) {
    const auto refuse = [&](const std::string& why) {
        throw error(EINVAL, "device: " + type_name(in.type()) + " as in and " + type_name(out.type()) +
                                " as out can't work together: " + why);
    };
    const bool one_socket = in.handle() == out.handle();
    const bool forward = in.can_receive() && out.can_send();
    const bool backward = !one_socket && out.can_receive() && in.can_send();
    if (!forward && !backward) {
        if (one_socket)
            refuse(std::string("one socket as both must receive and send, and ") + type_name(in.type()) + " does not");
        refuse(in.can_send() ? "neither of them can receive" : "neither of them can send");
    }
    if (one_socket && in.type() == ZMQ_REQ) refuse("a REQ must send before it can receive");
    if (!one_socket && !(forward && backward) && (in.in_lockstep() || out.in_lockstep())) {
        refuse("REQ and REP need an answer to each message, and these two can't pass one back");
    }
    if ((in.type() == ZMQ_REP && out.type() == ZMQ_ROUTER) || (in.type() == ZMQ_ROUTER && out.type() == ZMQ_REP)) {
        refuse("a REP must answer each request, and one that the ROUTER can't route would never be answered");
    }
    return {forward, backward};
}

}  // namespace zdev
