// The first 64 bytes that either side sends (RFC 23 and RFC 37, "The Greeting").
//
// Threads: pure functions.

#ifndef ZDEV_SRC_ZMTP_GREETING_HPP
#define ZDEV_SRC_ZMTP_GREETING_HPP

#include <string>
#include <string_view>

namespace zdev::zmtp {

constexpr std::size_t greeting_size = 64;

struct greeting {
    unsigned char major = 3;
    unsigned char minor = 1;
    std::string mechanism = "NULL";
    bool as_server = false;
};

std::string encode(const greeting& ours);

enum class greeted { whole, partial, not_zmtp, too_old };

// Parses the greeting at the front of `bytes`. Each verdict comes with the first byte that allows it: a peer of ZMTP 1.0 or 2.0
// never sends 64 bytes. A greeting of a version beyond 3 is read as one of version 3, as the RFC asks.
greeted parse_greeting(std::string_view bytes, greeting& theirs);

}  // namespace zdev::zmtp

#endif
