#include <zmq.h>

#include "device_impl.hpp"
#include "spec.hpp"

namespace zdev::wire {

namespace {

std::unique_ptr<role> make_role(loop& loop, const char* name, const socket_spec* spec, bool& room) {
    if (!spec) return nullptr;
    return std::make_unique<role>(loop, name, *spec, [&room] { room = true; });
}

}  // namespace

device::impl::impl(const wire::spec& spec)
    : in_((check(spec), make_role(loop_, "in", &spec.in, room_))),
      own_out_(make_role(loop_, "out", spec.out ? &*spec.out : nullptr, room_)),
      mon_(make_role(loop_, "mon", spec.mon ? &spec.mon->socket : nullptr, room_)),
      out_(own_out_ ? *own_out_ : *in_) {
    build_relays(spec);
    loop_.before_flush([this] {
        forward_->publish();
        if (backward_) backward_->publish();
    });
}

tap device::impl::tap_of(const wire::spec& spec, const std::optional<std::string>& prefix) {
    return mon_ ? tap{&mon_->pattern(), mon_->publisher(), prefix, spec.mon->dropped_prefix, spec.mon->on_full} : tap{};
}

void device::impl::build_relays(const wire::spec& spec) {
    const auto in_prefix = spec.mon ? spec.mon->in_prefix : std::nullopt,
               out_prefix = spec.mon ? spec.mon->out_prefix : std::nullopt;
    const auto on_full = [&](const role& to) { return to.options().router_mandatory ? spec.on_full : zdev::on_full::drop; };
    forward_ =
        std::make_unique<relay>(in_->type(), out_.type(), !own_out_, out_.pattern(), tap_of(spec, in_prefix), on_full(out_));
    in_->feed(forward_.get());
    if (!goes_both_ways(spec)) return;
    backward_ =
        std::make_unique<relay>(out_.type(), in_->type(), false, in_->pattern(), tap_of(spec, out_prefix), on_full(*in_));
    out_.feed(backward_.get());
    if (expects_replies(spec)) {
        replies_.emplace(in_->type() == ZMQ_ROUTER);
        forward_->count_replies(*replies_, true);
        backward_->count_replies(*replies_, false);
    }
    if (!out_.publisher() || !in_->upstream()) return;
    in_->relay_subscriptions_of(*out_.publisher());
    out_.publisher()->pass_on([this](const zmtp::subscription& wish) {
        std::string framed;
        zmtp::append_subscription(framed, 0, wish);
        in_->upstream()->ask(wish);
        backward_->note(framed, 1 + wish.prefix.size());
    });
}

zdev::statistics device::impl::statistics() const noexcept {
    return {state_, forward_->counters.read(), backward_ ? backward_->counters.read() : flow_statistics{},
            replies_ ? replies_->total() : 0, loop_iterations_.get()};
}

const role* device::impl::find(const std::string& name) const noexcept {
    if (name == "out") return &out_;
    return name == "in" ? in_.get() : name == "mon" ? mon_.get() : nullptr;
}

device::device(const wire::spec& spec) : impl_(std::make_unique<impl>(spec)) {}
device::~device() = default;

outcome device::run(const zdev::device::interrupt_check& check) { return impl_->run(check); }
void device::pause() noexcept { impl_->steering.ask_pause(true); }
void device::resume() noexcept { impl_->steering.ask_pause(false); }
void device::stop(milliseconds grace) noexcept { impl_->stop(grace); }
void device::drain(milliseconds timeout) noexcept { impl_->steering.ask_drain(timeout); }
zdev::statistics device::statistics() const noexcept { return impl_->statistics(); }

std::vector<connect_status> device::connects(const std::string& role) const {
    const auto* const found = impl_->find(role);
    return found ? found->connects() : std::vector<connect_status>{};
}

role_statistics device::connections(const std::string& role) const noexcept {
    const auto* const found = impl_->find(role);
    return found ? found->statistics() : role_statistics{};
}

std::vector<std::string> device::endpoints(const std::string& role) const {
    const auto* const found = impl_->find(role);
    return found ? found->endpoints() : std::vector<std::string>{};
}

}  // namespace zdev::wire
