// The texts of errors.
//
// Threads: any.

#ifndef ZDEV_SRC_WIRE_ERRORS_HPP
#define ZDEV_SRC_WIRE_ERRORS_HPP

#include <string>
#include <zdev/device.hpp>

namespace zdev::wire {

std::string reason(int number);  // what an errno means, in lower case

// "device: doing: why (what to do)". `why`: an error whose text is only the reason.
error explained(const std::string& doing, const error& why);

}  // namespace zdev::wire

#endif
