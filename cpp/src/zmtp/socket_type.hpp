// The socket types of ZMTP, and which of them are compatible (RFC 23, "The Socket-Type Property").
//
// Threads: pure functions. Types are libzmq's numbers (ZMQ_PULL ...); libzmq itself is not called.

#ifndef ZDEV_SRC_ZMTP_SOCKET_TYPE_HPP
#define ZDEV_SRC_ZMTP_SOCKET_TYPE_HPP

#include <string_view>

namespace zdev::zmtp {

constexpr int unknown_type = -1;

std::string_view type_name(int type) noexcept;
int type_named(std::string_view name) noexcept;  // unknown_type: no such type
bool compatible(int ours, int theirs) noexcept;

}  // namespace zdev::zmtp

#endif
