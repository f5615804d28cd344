// Paranoid Pirate (RFC 6): https://rfc.zeromq.org/spec/6/

#include "frames.hpp"
#include "rules.hpp"

namespace zdev::wire {

namespace {

// "Command Specifications": READY and HEARTBEAT are one frame of one byte; a REQUEST and its REPLY have an address stack that
// ends with an empty frame. The RFC is about workers only; clients are REQ sockets, or DEALERs that send its empty frame.
class ppp_rules final : public worker_rules {
public:
    bool read_request(std::string_view frames, asked& found) override {
        const std::size_t envelope = envelope_of(frames);
        found.envelope = frames.substr(0, envelope);
        found.content = frames.substr(envelope);
        return envelope > 0;
    }

    said read(std::string_view frames) const override {
        const auto first = take_frame(frames);
        if (!first) return {};
        if (first->more) return envelope_of(frames) > 0 ? said{meaning::reply, first->content, frames, 1} : said{};
        if (first->content == "\x01") return {meaning::ready, {}, {}, 1};
        return first->content == "\x02" ? said{meaning::heartbeat, {}, {}, 1} : said{};
    }

    void append_request_head(std::string& to, std::string_view client, std::string_view envelope, int) const override {
        to.append(client).append(envelope);
    }
    void append_reply_head(std::string&, std::string_view, bool) const override {}
    std::string failure_head(std::string_view envelope) const override { return std::string(envelope); }
    bool answers(std::string_view frames, std::string_view envelope) const override {
        return frames.substr(0, envelope.size()) == envelope;
    }
    bool takes_parts(std::string_view) const override { return true; }

    bool registers() const override { return true; }
    std::string heartbeat(int) const override { return std::string("\0\1\2", 3); }
    std::string goodbye(int) const override { return {}; }
    // "If the worker detects that the client has disconnected, it MUST send READY again to start a new conversation."
    bool restarts() const override { return true; }
};

}  // namespace

std::unique_ptr<worker_rules> make_ppp_rules() { return std::make_unique<ppp_rules>(); }

}  // namespace zdev::wire
