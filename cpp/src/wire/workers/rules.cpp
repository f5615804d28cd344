#include "rules.hpp"

#include "frames.hpp"

namespace zdev::wire {

namespace {

// REP and DEALER sockets: a worker returns what is in front of the content, up to the delimiter.
class plain_rules final : public worker_rules {
public:
    bool read_request(std::string_view frames, asked& found) override {
        const std::size_t envelope = envelope_of(frames);
        found.envelope = frames.substr(0, envelope);
        found.content = frames.substr(envelope);
        return true;
    }

    said read(std::string_view frames) const override {
        const auto first = take_frame(frames);
        if (!first) return {};
        if (!first->more) return {first->content == "DRAIN" ? meaning::leaving : meaning::invalid, {}, {}};
        return {meaning::reply, first->content, frames};
    }

    void append_request_head(std::string& to, std::string_view client, std::string_view envelope, int) const override {
        to.append(client).append(envelope);
    }
    void append_reply_head(std::string&, std::string_view, bool) const override {}
    std::string failure_head(std::string_view envelope) const override { return std::string(envelope); }
    bool answers(std::string_view frames, std::string_view envelope) const override {
        return frames.substr(0, envelope.size()) == envelope;
    }
    bool is_anonymous(std::string_view frames) const override { return envelope_of(frames) == 0; }

    bool registers() const override { return false; }
    bool takes_parts(std::string_view) const override { return true; }
    std::string heartbeat(int) const override { return {}; }
    std::string goodbye(int) const override { return {}; }
};

}  // namespace

std::unique_ptr<worker_rules> make_rules(worker_protocol protocol, directory has_workers) {
    switch (protocol) {
        case worker_protocol::ppp: return make_ppp_rules();
        case worker_protocol::mdp: return make_mdp_rules(std::move(has_workers));
        case worker_protocol::plain: break;
    }
    return std::make_unique<plain_rules>();
}

}  // namespace zdev::wire
