// The device that relays on the caller's sockets: what its files share.
//
// device.cpp has its life cycle, device_run.cpp its loop, device_wait.cpp what the loop waits for.

#ifndef ZDEV_SRC_SOCKETS_DEVICE_IMPL_HPP
#define ZDEV_SRC_SOCKETS_DEVICE_IMPL_HPP

#include <array>
#include <atomic>
#include <chrono>
#include <optional>
#include <zdev/device.hpp>

#include "../counter.hpp"
#include "../pending_replies.hpp"
#include "../steering.hpp"
#include "control.hpp"
#include "flow.hpp"
#include "pairs.hpp"
#include "relay_socket.hpp"

namespace zdev {

class device::impl {
public:
    using clock = std::chrono::steady_clock;
    using milliseconds = std::chrono::milliseconds;

    impl(zmq::socket_ref in, zmq::socket_ref out, const options& options);
    outcome run(const interrupt_check& check);
    int discard();
    zdev::statistics statistics() const noexcept;

    zdev::steering steering;

private:
    void check_separate() const;
    void make_flows(const options& options);

    // The loop.
    outcome loop(const interrupt_check& check);
    void charge_blocked_time(clock::time_point now);
    void adopt_state(clock::time_point now);
    std::optional<zdev::statistics> execute(const command& command);
    bool move_messages();
    void housekeeping(clock::time_point now);
    void discard_unread();
    bool drained() const noexcept;
    bool may_read(const flow& flow) const noexcept;

    // Waiting.
    void wait(const interrupt_check& check);
    void on_readable(relay_socket& socket);
    milliseconds longest_wait(const interrupt_check& check) const;
    int wanted_events(const relay_socket& socket) const;
    template <typename Do>
    void for_each_socket(Do&& act);
    template <typename Do>
    void for_each_flow(Do&& act);

    relay_socket in_;
    std::optional<relay_socket> own_out_;  // none: `in` is both ends
    relay_socket& out_;
    std::optional<relay_socket> mon_;
    std::optional<control> control_;
    const directions ways_;
    std::optional<pending_replies> replies_;  // none: one direction, or publish and subscribe
    std::optional<flow> forward_;
    std::optional<flow> backward_;
    const milliseconds drain_timeout_;       // of a DRAIN without a timeout
    std::array<relay_socket*, 3> unread_{};  // XPUBs whose subscriptions are discarded, so that they do not accumulate

    std::atomic<bool> running_{false};
    std::atomic<zdev::state> state_{zdev::state::idle};
    clock::time_point next_housekeeping_;
    clock::time_point next_check_;
    clock::time_point drain_began_;
    clock::time_point last_turn_;
    counter loop_iterations_;
};

template <typename Do>
void device::impl::for_each_socket(Do&& act) {
    act(in_);
    if (own_out_) act(*own_out_);
    if (mon_) act(*mon_);
    if (control_) act(control_->socket());
}

template <typename Do>
void device::impl::for_each_flow(Do&& act) {
    if (forward_) act(*forward_);
    if (backward_) act(*backward_);
}

}  // namespace zdev

#endif
