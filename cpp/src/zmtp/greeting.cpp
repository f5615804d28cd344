#include "greeting.hpp"

#include <algorithm>

namespace zdev::zmtp {

namespace {

constexpr std::size_t revision_at = 10, minor_at = 11, mechanism_at = 12, mechanism_size = 20, as_server_at = 32;
constexpr unsigned char revision_3 = 3;

unsigned char at(std::string_view bytes, std::size_t i) noexcept { return static_cast<unsigned char>(bytes[i]); }

}  // namespace

std::string encode(const greeting& ours) {
    std::string bytes(greeting_size, '\0');
    bytes[0] = '\xff';
    bytes[8] = '\x01';  // ZMTP 1.0 reads this as the length of a routing id, as libzmq sends it
    bytes[9] = '\x7f';
    bytes[revision_at] = static_cast<char>(ours.major);
    bytes[minor_at] = static_cast<char>(ours.minor);
    std::copy_n(ours.mechanism.begin(), std::min(ours.mechanism.size(), mechanism_size),
                bytes.begin() + static_cast<std::ptrdiff_t>(mechanism_at));
    bytes[as_server_at] = ours.as_server ? '\x01' : '\0';
    return bytes;
}

greeted parse_greeting(std::string_view bytes, greeting& theirs) {
    if (bytes.size() < 2) return greeted::partial;
    // ZMTP 1.0 begins with the length of its routing id frame and then a flags byte of 0.
    if (at(bytes, 0) != 0xff) return at(bytes, 1) == 0 ? greeted::too_old : greeted::not_zmtp;
    if (bytes.size() < 10) return greeted::partial;
    if ((at(bytes, 9) & 1) == 0) return greeted::too_old;
    if (at(bytes, 9) != 0x7f) return greeted::not_zmtp;
    if (bytes.size() <= revision_at) return greeted::partial;
    if (at(bytes, revision_at) < revision_3) return greeted::too_old;
    if (bytes.size() < greeting_size) return greeted::partial;

    theirs.major = at(bytes, revision_at);
    theirs.minor = at(bytes, minor_at);
    const std::string_view field = bytes.substr(mechanism_at, mechanism_size);
    theirs.mechanism = std::string(field.substr(0, field.find('\0')));
    theirs.as_server = bytes[as_server_at] != 0;
    return greeted::whole;
}

}  // namespace zdev::zmtp
