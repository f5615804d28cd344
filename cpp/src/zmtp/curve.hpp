// CURVE (RFC 25, RFC 26), as client and server.

#ifndef ZDEV_SRC_ZMTP_CURVE_HPP
#define ZDEV_SRC_ZMTP_CURVE_HPP

#include "crypto.hpp"
#include "mechanism.hpp"

namespace zdev::zmtp {

// The keys are those of the socket, and must outlive the mechanism.
std::unique_ptr<mechanism> make_curve_client(const crypto::key_pair& ours, std::string_view server_key);
std::unique_ptr<mechanism> make_curve_server(const crypto::key_pair& ours, gate& door);

}  // namespace zdev::zmtp

#endif
