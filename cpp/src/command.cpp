#include <charconv>
#include <system_error>
#include <zdev/command.hpp>

namespace zdev {

namespace {

// "DRAIN" or "DRAIN <milliseconds>".
std::optional<command> parse_drain(std::string_view text) noexcept {
    constexpr std::string_view word = "DRAIN";
    if (text.substr(0, word.size()) != word) return std::nullopt;
    text.remove_prefix(word.size());
    if (text.empty()) return command{verb::drain, std::chrono::milliseconds{-1}};
    if (text.front() != ' ') return std::nullopt;
    text.remove_prefix(1);

    std::uint32_t milliseconds = 0;
    const char* const end = text.data() + text.size();
    const auto [parsed_to, fault] = std::from_chars(text.data(), end, milliseconds);
    if (fault != std::errc{} || parsed_to != end) return std::nullopt;
    return command{verb::drain, std::chrono::milliseconds{milliseconds}};
}

}  // namespace

std::optional<command> parse_command(std::string_view text) noexcept {
    if (text == "PAUSE") return command{verb::pause};
    if (text == "RESUME") return command{verb::resume};
    if (text == "TERMINATE") return command{verb::terminate};
    if (text == "STATISTICS") return command{verb::statistics};
    return parse_drain(text);
}

std::array<std::uint64_t, 8> statistics_reply(const statistics& s) noexcept {
    return {s.in.frames_received,  s.in.bytes_received,  s.out.frames_sent, s.out.bytes_sent,
            s.out.frames_received, s.out.bytes_received, s.in.frames_sent,  s.in.bytes_sent};
}

}  // namespace zdev
