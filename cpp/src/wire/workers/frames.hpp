// Whole frames, one after the other.
//
// Threads: pure functions.

#ifndef ZDEV_SRC_WIRE_WORKERS_FRAMES_HPP
#define ZDEV_SRC_WIRE_WORKERS_FRAMES_HPP

#include <optional>
#include <string_view>

#include "../../zmtp/frame.hpp"

namespace zdev::wire {

struct cut_frame {
    std::string_view content;
    bool more = false;
};

// Takes the first frame off whole frames. Nothing: there is none.
inline std::optional<cut_frame> take_frame(std::string_view& frames) noexcept {
    zmtp::frame header;
    if (zmtp::parse_header(frames, header) != zmtp::parsed::whole || header.size() > frames.size()) return std::nullopt;
    const cut_frame found{frames.substr(header.header, static_cast<std::size_t>(header.body)), header.more()};
    frames.remove_prefix(static_cast<std::size_t>(header.size()));
    return found;
}

}  // namespace zdev::wire

#endif
