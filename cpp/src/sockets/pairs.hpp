// Which types of socket a device accepts, and which of them work together.

#ifndef ZDEV_SRC_SOCKETS_PAIRS_HPP
#define ZDEV_SRC_SOCKETS_PAIRS_HPP

#include <initializer_list>

#include "relay_socket.hpp"

namespace zdev {

// Throws zdev::error with EINVAL, its text naming role, type and choice, unless the socket is of one of the types.
void check_type(const relay_socket& socket, std::initializer_list<int> allowed);

// Which ways messages can go between two sockets.
struct directions {
    bool forward;   // from in to out
    bool backward;  // from out to in
};

// Throws zdev::error with EINVAL for a pair between which none can go, or for REQ and REP not both ways; its text names both
// types.
directions check_pair(const relay_socket& in, const relay_socket& out);

}  // namespace zdev

#endif
