#include "scanner.hpp"

namespace zdev::zmtp {

// Checks a frame of the message against the limits; `full`: it is within them.
stop scanner::judge(const frame& next) noexcept {
    if (next.body > limits_.frame_bytes) return stop::too_large;
    if (next.command()) return at_ > 0 && ++commands_ > limits_.commands_inside ? stop::invalid : stop::full;
    const bool fits = next.body <= limits_.message_bytes - content_ && frames_ < limits_.frames;
    return fits ? stop::full : stop::too_large;
}

stop scanner::scan(std::string_view bytes, std::size_t most, run& found) noexcept {
    found = {};
    std::size_t begin = 0;  // of the current message
    while (found.messages < most) {
        if (current_.header == 0) {
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

        at_ += static_cast<std::size_t>(current_.size());
        ++frames_;
        content_ += current_.body;
        if (!current_.more()) {
            begin += at_;
            found.bytes = begin;
            ++found.messages;
            found.frames += frames_;
            found.content += content_;
            at_ = 0;
            frames_ = content_ = commands_ = 0;
        }
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
