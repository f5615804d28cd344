#include "rules.hpp"

#include "frames.hpp"

namespace zdev::wire {

namespace {

constexpr int most_ids = 8;  // frames in front of a delimiter

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
    std::string heartbeat(int) const override { return {}; }
    std::string goodbye(int) const override { return {}; }

private:
    // The size of the frames up to an empty one that others follow; 0: there is none.
    static std::size_t envelope_of(std::string_view frames) noexcept {
        std::string_view rest = frames;
        for (int i = 0; i <= most_ids; ++i) {
            const auto next = take_frame(rest);
            if (!next || !next->more) return 0;
            if (next->content.empty()) return frames.size() - rest.size();
        }
        return 0;
    }
};

}  // namespace

std::unique_ptr<worker_rules> make_rules(worker_protocol) { return std::make_unique<plain_rules>(); }

}  // namespace zdev::wire
