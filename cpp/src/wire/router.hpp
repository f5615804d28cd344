// ROUTER: each message goes to the peer whose routing id is its first frame.

#ifndef ZDEV_SRC_WIRE_ROUTER_HPP
#define ZDEV_SRC_WIRE_ROUTER_HPP

#include <unordered_map>

#include "pattern.hpp"

namespace zdev::wire {

class router final : public pattern {
public:
    explicit router(bool handover);

    bool join(connection& peer) override;
    void leave(connection& peer) override;
    bool ready() const override { return true; }
    delivery deliver(const outgoing& message) override;
    connection* receiver(std::string_view routing_id) const;  // null: none

private:
    std::string make_up_id();

    const bool handover_;
    std::uint32_t last_made_up_;
    std::unordered_map<std::string_view, connection*> peers_;  // by the routing id that the connection stores
};

}  // namespace zdev::wire

#endif
