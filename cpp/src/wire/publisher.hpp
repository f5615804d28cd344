// PUB and XPUB: each message goes to every peer that subscribed to a prefix of its first frame. And the other end, XSUB and
// SUB: subscriptions go to all publishers.

#ifndef ZDEV_SRC_WIRE_PUBLISHER_HPP
#define ZDEV_SRC_WIRE_PUBLISHER_HPP

#include <cstdint>
#include <functional>
#include <set>
#include <unordered_map>

#include "../counter.hpp"
#include "pattern.hpp"
#include "rights.hpp"
#include "subscriptions.hpp"

namespace zdev::wire {

class publisher final : public pattern {
public:
    using wish_sink = std::function<void(const zmtp::subscription&)>;

    explicit publisher(const socket_options& options) : options_(options) {}

    // Sets where merged subscriptions go: the first to each prefix, and the cancellation of the last.
    void pass_on(wish_sink upstream) { upstream_ = std::move(upstream); }
    const subscriptions& current() const noexcept { return subscriptions_; }

    bool join(connection& peer) override;
    void leave(connection& peer) override;
    bool ready() const override { return !options_.xpub_nodrop || full_ == 0; }
    delivery deliver(const outgoing& message) override;
    bool takes_runs() const override { return !options_.xpub_nodrop; }
    std::size_t deliver_run(std::string_view bytes, const zmtp::run& run) override { return publish(bytes, run), run.messages; }
    void subscribe(connection& peer, const zmtp::subscription& wish) override;
    std::size_t subscriptions_of(const connection& peer) const override { return subscriptions_.count(peer); }
    void room(connection&) override { full_ = 0; }
    // Sets the rights of a peer that has joined. Its subscriptions begin and end as they say.
    void permit(connection& peer, std::shared_ptr<const user_rights> now);

    // How many messages at least one receiver had room for, and how many none of their receivers had room for.
    struct outcome {
        std::size_t sent = 0, dropped = 0;
    };
    outcome publish(std::string_view bytes, const zmtp::run& run);

    bool has_subscribers() const noexcept { return options_.invert_matching ? !all_.empty() : !subscriptions_.empty(); }
    // The peers that get messages with this first frame. Valid until a subscription changes.
    const std::vector<connection*>& receivers(std::string_view topic);

    counter drops;      // copies that a subscriber had no room for
    counter unmatched;  // messages without a receiver

private:
    using wishes = std::set<std::string, std::less<>>;

    void apply(connection& peer, const zmtp::subscription& wish);
    void subscribe_within(connection& peer, const zmtp::subscription& wish);
    zmtp::run same_receivers(std::string_view bytes, const zmtp::run& run);
    void deliver_each(std::string_view bytes, outcome& result);
    void invert(std::vector<connection*>& found) const;

    const socket_options& options_;
    wish_sink upstream_;
    subscriptions subscriptions_;
    std::unordered_map<const connection*, wishes> asked_;  // of the peers with rights: what they subscribed to
    std::vector<connection*> all_;
    std::vector<connection*> found_;  // of topic_
    std::string topic_;
    bool known_ = false;    // found_ is valid for topic_
    std::size_t full_ = 0;  // with xpub_nodrop: subscribers without room
};

class upstream final : public pattern {
public:
    // `wishes` visits the subscriptions to send to a new publisher.
    using wishes = std::function<void(const std::function<void(std::string_view)>&)>;
    explicit upstream(wishes all) : wishes_(std::move(all)) {}

    bool join(connection& peer) override;
    void leave(connection& peer) override;
    bool ready() const override { return true; }
    delivery deliver(const outgoing& message) override;  // of a message other than a subscription: to every publisher with room
    void ask(const zmtp::subscription& wish);

    counter drops;  // copies that a publisher had no room for

private:
    wishes wishes_;
    std::vector<connection*> publishers_;
};

// The body of the first frame of a message.
std::string_view topic_of(std::string_view message) noexcept;
std::string_view topic_of(const outgoing& message) noexcept;

}  // namespace zdev::wire

#endif
