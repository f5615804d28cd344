#include "scanner.hpp"

namespace zdev::zmtp {

// Checks a frame of the message against the limits; `full`: it is within them.
stop scanner::judge(const frame& next) noexcept {
    if (!next.command()) return fits(next) ? stop::full : stop::too_large;
    if (next.body > limits_.frame_bytes) return stop::too_large;
    return at_ > 0 && ++commands_ > limits_.commands_inside ? stop::invalid : stop::full;
}

// Takes a whole frame, which is within the limits.
inline void scanner::take(const frame& next, std::size_t& begin, run& found) noexcept {
    at_ += static_cast<std::size_t>(next.size());
    ++frames_;
    content_ += next.body;
    if (next.more()) return;
    begin += at_;
    found.bytes = begin;
    ++found.messages;
    found.frames += frames_;
    found.content += content_;
    at_ = 0;
    frames_ = content_ = commands_ = 0;
}

// Takes the frame at the front if it is short and whole, as most are. False: scan() has to look at it.
inline bool scanner::take_short(std::string_view bytes, std::size_t& begin, run& found) noexcept {
    if (bytes.size() < 2 || static_cast<unsigned char>(bytes[0]) > more_flag) return false;
    const frame next{static_cast<unsigned char>(bytes[0]), 2, static_cast<unsigned char>(bytes[1])};
    if (bytes.size() < next.size() || !fits(next)) return false;
    if (at_ > 0 || next.more()) return take(next, begin, found), true;
    begin += static_cast<std::size_t>(next.size());
    found += {static_cast<std::size_t>(next.size()), 1, 1, next.body};
    return true;
}

stop scanner::scan(std::string_view bytes, std::size_t most, run& found) noexcept {
    found = {};
    std::size_t begin = 0;  // of the current message
    while (found.messages < most) {
        if (current_.header == 0) {
            if (take_short(bytes.substr(begin + at_), begin, found)) continue;
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
