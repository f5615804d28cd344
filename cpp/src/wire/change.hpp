// What differs between a running device and the description that it is to follow from now on.
//
// Threads: any.

#ifndef ZDEV_SRC_WIRE_CHANGE_HPP
#define ZDEV_SRC_WIRE_CHANGE_HPP

#include <string>
#include <vector>
#include <zdev/wire_spec.hpp>

namespace zdev::wire {

// In words, such as "in: sndhwm 1000 -> 10".
struct differences {
    std::vector<std::string> live;   // a running device can take them over
    std::vector<std::string> fixed;  // it cannot
};

// Adds what differs in a role, its security apart.
void compare(const std::string& role, const socket_spec& now, const socket_spec& wanted, differences& found);
// Adds what differs in the policies; the sockets of the monitors are not compared.
void compare(const monitor_spec& now, const monitor_spec& wanted, differences& found);
void compare(zdev::on_full now, zdev::on_full wanted, const std::string& name, differences& found);
void compare(const workers& now, const workers& wanted, differences& found);

// The elements of `all` that are not in `others`, in their order. Each of `others` stands for one element.
std::vector<std::string> without(const std::vector<std::string>& all, std::vector<std::string> others);

}  // namespace zdev::wire

#endif
