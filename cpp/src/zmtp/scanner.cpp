#include "scanner.hpp"

namespace zdev::zmtp {

// Checks a frame of the message against the limits; `full`: it is within them.
stop scanner::judge(const frame& next) noexcept {
    if (!next.command()) return fits(next) ? stop::full : stop::too_large;
    if (next.body > limits_.frame_bytes) return stop::too_large;
    return at_ > 0 && ++commands_ > limits_.commands_inside ? stop::invalid : stop::full;
}

// Takes a whole frame, which is within the limits.
void scanner::take(const frame& next, std::size_t& begin, run& found) noexcept {
    at_ += static_cast<std::size_t>(next.size());
    ++frames_;
    content_ += next.body;
    if (next.more()) return;
    begin += at_;
    found += {at_, 1, frames_, content_};
    at_ = 0;
    frames_ = content_ = commands_ = 0;
}

// Takes whole frames with a short header, as most are, as long as there are any.
void scanner::take_short(std::string_view bytes, std::size_t most, std::size_t& begin, run& found) noexcept {
    constexpr std::size_t header = 2;
    run all = found;
    std::size_t at = begin + at_;
    std::uint64_t frames = frames_, content = content_;
    while (bytes.size() - at >= header) {
        const frame next{static_cast<unsigned char>(bytes[at]), header, static_cast<unsigned char>(bytes[at + 1])};
        if (next.flags > more_flag || bytes.size() - at < next.size()) break;
        if (next.body > limits_.frame_bytes || next.body > limits_.message_bytes - content || frames >= limits_.frames) break;
        at += header + static_cast<std::size_t>(next.body);
        content += next.body;
        ++frames;
        if (next.more()) continue;
        all += {at - begin, 1, frames, content};
        begin = at;
        frames = content = 0;
        if (all.messages == most) break;
    }
    if (all.messages > found.messages) commands_ = 0;
    found = all;
    at_ = at - begin;
    frames_ = frames;
    content_ = content;
}

stop scanner::scan(std::string_view bytes, std::size_t most, run& found) noexcept {
    found = {};
    std::size_t begin = 0;  // of the current message
    while (found.messages < most) {
        if (current_.header == 0) {
            take_short(bytes, most, begin, found);
            if (found.messages == most) break;
            const parsed result = parse_header(bytes.substr(begin + at_), current_);
            if (result == parsed::whole) {
                if (const stop verdict = judge(current_); verdict != stop::full) return verdict;
            } else {
                current_ = {};
                return result == parsed::partial ? stop::partial : stop::invalid;
            }
        }
        if (bytes.size() - begin - at_ < current_.size()) return stop::partial;
        if (current_.command()) return stop::command;
        take(current_, begin, found);
        current_ = {};
    }
    return stop::full;
}

run first_messages(std::string_view bytes, std::size_t count) noexcept {
    scanner all({});
    run found;
    all.scan(bytes, count, found);
    return found;
}

}  // namespace zdev::zmtp
