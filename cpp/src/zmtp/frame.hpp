// ZMTP frames (RFC 23, "Framing"): a flags byte, a size of one or eight bytes, the body.
//
// Threads: pure functions.

#ifndef ZDEV_SRC_ZMTP_FRAME_HPP
#define ZDEV_SRC_ZMTP_FRAME_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zdev::zmtp {

constexpr unsigned char more_flag = 1;
constexpr unsigned char large_flag = 2;
constexpr unsigned char command_flag = 4;
constexpr std::size_t longest_header = 9;

struct frame {
    unsigned char flags = 0;
    std::size_t header = 0;  // bytes of flags and size
    std::uint64_t body = 0;

    bool more() const noexcept { return (flags & more_flag) != 0; }
    bool command() const noexcept { return (flags & command_flag) != 0; }
    std::uint64_t size() const noexcept { return header + body; }
};

enum class parsed { whole, partial, invalid };

namespace detail {

inline std::uint64_t big_endian(const char* from, std::size_t bytes) noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<unsigned char>(from[i]);
    return value;
}

inline void put_big_endian(char* to, std::uint64_t value) noexcept {
    for (std::size_t i = 0; i < 8; ++i) to[i] = static_cast<char>(value >> (56 - 8 * i) & 0xff);
}

}  // namespace detail

// Parses the header at the front of `bytes`; the body need not be there. `invalid`: reserved flags, a command with more to
// follow, or a size beyond 2^63-1.
inline parsed parse_header(std::string_view bytes, frame& found) noexcept {
    if (bytes.size() < 2) return parsed::partial;
    found.flags = static_cast<unsigned char>(bytes[0]);
    if (found.flags > 7 || (found.flags & (more_flag | command_flag)) == (more_flag | command_flag)) return parsed::invalid;
    if ((found.flags & large_flag) == 0) {
        found.header = 2;
        found.body = static_cast<unsigned char>(bytes[1]);
        return parsed::whole;
    }
    if (bytes.size() < longest_header) return parsed::partial;
    found.header = longest_header;
    found.body = detail::big_endian(bytes.data() + 1, 8);
    return found.body >> 63 == 0 ? parsed::whole : parsed::invalid;
}

// Writes the shortest header for a body of that size and returns its length. `to` has room for `longest_header` bytes.
inline std::size_t write_header(char* to, unsigned char flags, std::uint64_t body) noexcept {
    if (body <= 255) {
        to[0] = static_cast<char>(flags & ~large_flag);
        to[1] = static_cast<char>(body);
        return 2;
    }
    to[0] = static_cast<char>(flags | large_flag);
    detail::put_big_endian(to + 1, body);
    return longest_header;
}

inline void append_frame(std::string& to, unsigned char flags, std::string_view body) {
    char header[longest_header];
    to.append(header, write_header(header, flags, body.size()));
    to.append(body);
}

struct cut_frame {
    std::string_view content;
    bool more = false;
};

// Removes the first of several whole frames. Nothing: `frames` is empty, or does not begin with a whole frame.
inline std::optional<cut_frame> take_frame(std::string_view& frames) noexcept {
    frame header;
    if (parse_header(frames, header) != parsed::whole || header.size() > frames.size()) return std::nullopt;
    const cut_frame found{frames.substr(header.header, static_cast<std::size_t>(header.body)), header.more()};
    frames.remove_prefix(static_cast<std::size_t>(header.size()));
    return found;
}

}  // namespace zdev::zmtp

#endif
