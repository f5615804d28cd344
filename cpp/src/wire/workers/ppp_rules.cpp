// Paranoid Pirate (RFC 6): https://rfc.zeromq.org/spec/6/

#include "rules.hpp"

namespace zdev::wire {

namespace {

// "Command Specifications": READY and HEARTBEAT are one frame of one byte; a REQUEST and its REPLY have an address stack that
// ends with an empty frame. The RFC is about workers only; clients are REQ sockets, or DEALERs that send its empty frame.
class ppp_rules final : public envelope_rules {
public:
    bool read_request(std::string_view frames, asked& found) override {
        split(frames, found);
        return !found.envelope.empty();
    }

    said read(std::string_view frames) const override {
        const auto first = take_frame(frames);
        if (!first) return {};
        if (first->more) return envelope_of(frames) > 0 ? said{meaning::reply, first->content, frames, 1} : said{};
        if (first->content == "\x01") return {meaning::ready, {}, {}, 1};
        return first->content == "\x02" ? said{meaning::heartbeat, {}, {}, 1} : said{};
    }

    bool registers() const override { return true; }
    std::string heartbeat(int) const override { return std::string("\0\1\2", 3); }
    // "If the worker detects that the client has disconnected, it MUST send READY again to start a new conversation."
    bool restarts() const override { return true; }
};

}  // namespace

std::unique_ptr<worker_rules> make_ppp_rules() { return std::make_unique<ppp_rules>(); }

}  // namespace zdev::wire
