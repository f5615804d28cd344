#include "command.hpp"

#include <algorithm>

#include "frame.hpp"

namespace zdev::zmtp {

namespace {

constexpr std::size_t longest_context = 16;
constexpr std::chrono::milliseconds ttl_unit{100};

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_name(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

// Takes `size` bytes from the front; nothing: there are fewer.
std::optional<std::string_view> take(std::string_view& from, std::uint64_t size) noexcept {
    if (from.size() < size) return std::nullopt;
    const std::string_view taken = from.substr(0, static_cast<std::size_t>(size));
    from.remove_prefix(taken.size());
    return taken;
}

std::optional<std::string_view> take_sized(std::string_view& from, std::size_t size_bytes) noexcept {
    const auto size = take(from, size_bytes);
    return size ? take(from, detail::big_endian(size->data(), size_bytes)) : std::nullopt;
}

}  // namespace

std::optional<command> parse_command_body(std::string_view body) noexcept {
    // PLAIN of libzmq, up to 4.3.5 at least: the length of the name and its E are one character, "\x5E".
    if (body.substr(0, 5) == "^RROR") return command{"ERROR", body.substr(5)};
    const auto name = take_sized(body, 1);
    if (!name || name->empty()) return std::nullopt;
    return command{*name, body};
}

void append_command(std::string& to, std::string_view name, std::string_view data) {
    char header[longest_header];
    to.append(header, write_header(header, command_flag, 1 + name.size() + data.size()));
    to += static_cast<char>(name.size());
    to.append(name).append(data);
}

std::optional<metadata> parse_metadata(std::string_view data) {
    metadata found;
    while (!data.empty()) {
        const auto name = take_sized(data, 1);
        if (!name || name->empty()) return std::nullopt;
        const auto value = take_sized(data, 4);
        if (!value) return std::nullopt;
        found.emplace_back(*name, *value);
    }
    return found;
}

void append_property(std::string& to, std::string_view name, std::string_view value) {
    to += static_cast<char>(name.size());
    to.append(name);
    for (int shift = 24; shift >= 0; shift -= 8) to += static_cast<char>(value.size() >> shift & 0xff);
    to.append(value);
}

const std::string* find_property(const metadata& properties, std::string_view name) noexcept {
    for (const auto& [key, value] : properties) {
        if (same_name(key, name)) return &value;
    }
    return nullptr;
}

std::optional<ping> parse_ping(std::string_view data) noexcept {
    const auto ttl = take(data, 2);
    if (!ttl || data.size() > longest_context) return std::nullopt;
    return ping{ttl_unit * static_cast<int>(detail::big_endian(ttl->data(), 2)), data};
}

void append_ping(std::string& to, const ping& p) {
    const auto units = static_cast<unsigned>(std::clamp<std::int64_t>(p.ttl / ttl_unit, 0, 0xffff));
    std::string data{static_cast<char>(units >> 8), static_cast<char>(units & 0xff)};
    append_command(to, "PING", data.append(p.context));
}

void append_pong(std::string& to, std::string_view context) { append_command(to, "PONG", context); }

std::string parse_error_reason(std::string_view data) {
    const auto reason = take_sized(data, 1);
    if (!reason) return "unreadable";
    if (*reason == "400") return "400 (unknown name, password or key)";  // a status of ZAP, RFC 27
    std::string printable(*reason);
    std::replace_if(printable.begin(), printable.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return printable;
}

void append_error(std::string& to, std::string_view reason) {
    const std::string_view sent = reason.substr(0, 255);
    append_command(to, "ERROR", std::string(1, static_cast<char>(sent.size())).append(sent));
}

std::optional<subscription> parse_subscription(const command& c) noexcept {
    if (c.name == "SUBSCRIBE") return subscription{true, c.data};
    if (c.name == "CANCEL") return subscription{false, c.data};
    return std::nullopt;
}

std::optional<subscription> parse_subscription(std::string_view frame_body) noexcept {
    if (frame_body.empty() || (frame_body[0] != 0 && frame_body[0] != 1)) return std::nullopt;
    return subscription{frame_body[0] == 1, frame_body.substr(1)};
}

void append_subscription(std::string& to, unsigned char minor, const subscription& s) {
    if (minor >= 1) return append_command(to, s.subscribe ? "SUBSCRIBE" : "CANCEL", s.prefix);
    append_frame(to, 0, std::string(1, s.subscribe ? '\1' : '\0').append(s.prefix));
}

}  // namespace zdev::zmtp
