// What a device does for a queue that knows its workers.

#include "../device_impl.hpp"

namespace zdev::wire {

socket_spec device::impl::out_of(const wire::spec& spec) {
    socket_spec out = *spec.out;
    const bool pings = spec.workers && spec.workers->protocol == worker_protocol::plain;
    if (pings && spec.workers->heartbeat.count() > 0) {
        out.options.heartbeat_ivl = out.options.heartbeat_timeout = spec.workers->heartbeat;
    }
    return out;
}

std::unique_ptr<role> device::impl::make_out(const wire::spec& spec) {
    if (!spec.out) return nullptr;
    std::unique_ptr<worker_pool> pool;
    if (spec.workers) pool = std::make_unique<worker_pool>(loop_, *spec.workers);
    pool_ = pool.get();
    return std::make_unique<role>(loop_, "out", out_of(spec), [this] { room_ = true; }, std::move(pool));
}

void device::impl::serve_workers(const wire::spec& spec) {
    pool_->surround({[this] { return !forward_->tap_is_full(); },
                     [this](const outgoing& message, const zmtp::run& counted) { forward_->count_sent(message, counted); },
                     [this] { room_ = true; },
                     [this](const connection& of) { return out_.admission().user_of(of.peer_id()); }});
    backward_->read_for(*pool_);
    in_->on_leave([this](connection& gone) { pool_->forget_client(gone); });
    if (dead_letter_) pool_->send_dead_letters_to(dead_letter_->pattern(), spec.workers->dead_letter->options.sndhwm);
}

workers_report device::impl::workers(milliseconds timeout) {
    {
        const std::lock_guard<std::mutex> lock(report_guard_);
        if (!running_) return last_report_;
    }
    workers_report found;
    call(
        [&] {
            if (pool_) found = pool_->report();
        },
        timeout);
    return found;
}

void device::impl::keep_report() {
    if (!pool_) return;
    const std::lock_guard<std::mutex> lock(report_guard_);
    last_report_ = pool_->report();
    last_report_.workers.clear();
}

bool device::impl::drain_worker(std::uint64_t number, bool on, milliseconds timeout) {
    bool found = false;
    call([&] { found = pool_ && pool_->drain_worker(number, on); }, timeout);
    return found;
}

}  // namespace zdev::wire
