// ZMTP commands: a name and its data (RFC 23, RFC 37).
//
// Threads: pure functions. Views refer to the bytes parsed.

#ifndef ZDEV_SRC_ZMTP_COMMAND_HPP
#define ZDEV_SRC_ZMTP_COMMAND_HPP

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zdev::zmtp {

struct command {
    std::string_view name;
    std::string_view data;
};

// Parses the body of a command frame. Nothing: its name is empty or longer than the body.
std::optional<command> parse_command_body(std::string_view body) noexcept;

// Appends a whole command frame.
void append_command(std::string& to, std::string_view name, std::string_view data);

// Names are 1 to 255 characters. RFC 23 compares them without case.
using metadata = std::vector<std::pair<std::string, std::string>>;
std::optional<metadata> parse_metadata(std::string_view data);
void append_property(std::string& to, std::string_view name, std::string_view value);
const std::string* find_property(const metadata& properties, std::string_view name) noexcept;

struct ping {
    std::chrono::milliseconds ttl{0};  // 0: none. In steps of 100 ms, at most 6,553.5 s
    std::string_view context;          // at most 16 bytes; the PONG returns it
};
std::optional<ping> parse_ping(std::string_view data) noexcept;
void append_ping(std::string& to, const ping& p);
void append_pong(std::string& to, std::string_view context);

// The reason of an ERROR, printable characters only.
std::string parse_error_reason(std::string_view data);
void append_error(std::string& to, std::string_view reason);

// A subscription, or the end of one. ZMTP 3.0 sends it as a message of one frame that begins with 1 or 0, ZMTP 3.1 as a command
// SUBSCRIBE or CANCEL; both are accepted from any peer.
struct subscription {
    bool subscribe = true;
    std::string_view prefix;
};
std::optional<subscription> parse_subscription(const command& c) noexcept;
std::optional<subscription> parse_subscription(std::string_view frame_body) noexcept;
// A whole frame, in the form of ZMTP 3.0 or 3.1 (`minor`).
void append_subscription(std::string& to, unsigned char minor, const subscription& s);

}  // namespace zdev::zmtp

#endif
