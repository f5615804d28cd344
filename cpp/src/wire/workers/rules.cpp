#include "rules.hpp"

namespace zdev::wire {

namespace {

// REP and DEALER sockets.
class plain_rules final : public envelope_rules {
public:
    bool read_request(std::string_view frames, asked& found) override {
        split(frames, found);
        return true;
    }

    said read(std::string_view frames) const override {
        const auto first = take_frame(frames);
        if (!first) return {};
        if (!first->more) return {first->content == "DRAIN" ? meaning::leaving : meaning::invalid, {}, {}};
        return {meaning::reply, first->content, frames};
    }

    bool is_anonymous(std::string_view frames) const override { return envelope_of(frames) == 0; }

    bool registers() const override { return false; }
    std::string heartbeat(int) const override { return {}; }
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
