// DEALER and PUSH: each message goes to one of the connections that have room, in turn.

#ifndef ZDEV_SRC_WIRE_BALANCER_HPP
#define ZDEV_SRC_WIRE_BALANCER_HPP

#include <deque>

#include "pattern.hpp"

namespace zdev::wire {

class balancer final : public pattern {
public:
    bool join(connection& peer) override;
    void leave(connection& peer) override;
    void room(connection& peer) override;
    bool ready() const override { return !open_.empty(); }
    delivery deliver(const outgoing& message) override;
    bool takes_runs() const override { return open_.size() == 1; }
    std::size_t deliver_run(std::string_view bytes, const zmtp::run& run) override;
    bool take_back(std::string&& message) override;
    std::size_t taken_back() const override { return returned_.size(); }

private:
    void remove_if_full(std::size_t at);
    void deal_returned();

    std::vector<connection*> open_;     // connections with room
    std::size_t next_ = 0;              // index of the next connection
    std::deque<std::string> returned_;  // messages for peers that left; they are sent first
};

}  // namespace zdev::wire

#endif
