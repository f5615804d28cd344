// Checks of a spec, before anything is opened.

#ifndef ZDEV_SRC_WIRE_SPEC_HPP
#define ZDEV_SRC_WIRE_SPEC_HPP

#include <zdev/wire.hpp>

namespace zdev::wire {

void check(const spec& asked);        // throws zdev::error with EINVAL
void check_types(const spec& asked);  // the part of check() that is about socket types

// Throws zdev::error with EINVAL if the users of such a socket cannot have rights.
void refuse_rights(const std::string& role, int type, const socket_options& options);

bool goes_forward(const spec& asked);     // from in to out
bool goes_backward(const spec& asked);    // from out to in
bool expects_replies(const spec& asked);  // both ways, and not publish and subscribe

}  // namespace zdev::wire

#endif
