// Finds whole messages in a stream of frames, within limits.
//
// A message that has not ended yet is remembered, so that each of its frames is looked at once however its bytes arrive. The
// caller keeps those bytes in front of the next ones.
//
// Threads: a scanner belongs to one connection.

#ifndef ZDEV_SRC_ZMTP_SCANNER_HPP
#define ZDEV_SRC_ZMTP_SCANNER_HPP

#include <limits>

#include "frame.hpp"

namespace zdev::zmtp {

// Limits of one message. A frame or message beyond them ends the connection before it is collected in memory.
struct limits {
    std::uint64_t frame_bytes = std::numeric_limits<std::int64_t>::max();
    std::uint64_t message_bytes = std::numeric_limits<std::int64_t>::max();
    std::uint64_t frames = 1'000'000;
    std::uint64_t commands_inside = 256;  // between the frames of one message
};

// Consecutive whole messages.
struct run {
    std::size_t bytes = 0;  // with framing
    std::size_t messages = 0;
    std::uint64_t frames = 0;
    std::uint64_t content = 0;  // bytes without framing

    run& operator+=(const run& more) noexcept {
        bytes += more.bytes;
        messages += more.messages;
        frames += more.frames;
        content += more.content;
        return *this;
    }
};

// Why a scan stopped: it found as many messages as asked for; the bytes ran out; a whole command is next; the peer broke the
// protocol or a limit.
enum class stop { full, partial, command, invalid, too_large };

class scanner {
public:
    explicit scanner(const zmtp::limits& limits) : limits_(limits) {}

    // Scans `bytes`, which begin where the last message taken ended, for at most `most` messages. `found` is the whole
    // messages, all of which the caller takes. At `command`, command_at() says where it is: the caller cuts it out, and calls
    // cut().
    stop scan(std::string_view bytes, std::size_t most, run& found) noexcept;

    // The unfinished message: how many of its bytes were scanned, and how many the frame under way needs in all.
    std::size_t command_at() const noexcept { return at_; }
    const frame& command() const noexcept { return current_; }
    bool inside_message() const noexcept { return at_ > 0; }
    std::uint64_t needed() const noexcept { return at_ + current_.size(); }
    void cut() noexcept { current_ = {}; }
    void restart() noexcept { *this = scanner(limits_); }  // forgets it: its bytes will be scanned again

private:
    bool fits(const frame& next) const noexcept {
        return next.body <= limits_.frame_bytes && next.body <= limits_.message_bytes - content_ && frames_ < limits_.frames;
    }
    stop judge(const frame& next) noexcept;
    void take(const frame& next, std::size_t& begin, run& found) noexcept;
    void take_short(std::string_view bytes, std::size_t most, std::size_t& begin, run& found) noexcept;

    zmtp::limits limits_;
    std::size_t at_ = 0;  // offset of the next frame in its message
    std::uint64_t frames_ = 0, content_ = 0, commands_ = 0;
    frame current_;  // the frame at at_, once its header has arrived
};

// The first of several whole messages.
inline run first_message(std::string_view bytes) noexcept {
    run found;
    frame next;
    do {
        parse_header(bytes.substr(found.bytes), next);
        found.bytes += static_cast<std::size_t>(next.size());
        found.content += next.body;
        ++found.frames;
    } while (next.more());
    found.messages = 1;
    return found;
}

// The first `count` messages of a run.
run first_messages(std::string_view bytes, std::size_t count) noexcept;

}  // namespace zdev::zmtp

#endif
