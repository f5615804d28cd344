// The frames of requests and replies.
//
// Threads: pure functions.

#ifndef ZDEV_SRC_WIRE_WORKERS_FRAMES_HPP
#define ZDEV_SRC_WIRE_WORKERS_FRAMES_HPP

#include <string>
#include <string_view>

#include "../../zmtp/frame.hpp"

namespace zdev::wire {

using zmtp::take_frame;

// Of the frames in front of a delimiter: they are ids, as of a request, and routing ids.
constexpr int most_ids = 8;
constexpr std::size_t longest_id = 255;

// The size of an envelope: the frames up to an empty one that others follow. 0: no envelope.
inline std::size_t envelope_of(std::string_view frames) noexcept {
    std::string_view rest = frames;
    for (int i = 0; i <= most_ids; ++i) {
        const auto next = take_frame(rest);
        if (!next || !next->more || next->content.size() > longest_id) return 0;
        if (next->content.empty()) return frames.size() - rest.size();
    }
    return 0;
}

// Appends a message whose frames others will follow.
inline void append_unfinished(std::string& to, std::string_view message) {
    const std::size_t begin = to.size();
    to.append(message);
    std::size_t last = 0;
    for (std::string_view rest = message; const auto next = take_frame(rest);) {
        if (next->more) last = message.size() - rest.size();
    }
    to[begin + last] = static_cast<char>(to[begin + last] | zmtp::more_flag);
}

}  // namespace zdev::wire

#endif
