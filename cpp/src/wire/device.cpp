#include <zmq.h>

#include <cerrno>

#include "device_impl.hpp"
#include "spec.hpp"

namespace zdev::wire {

namespace {

std::unique_ptr<role> make_role(loop& loop, const char* name, const socket_spec* spec, bool& room) {
    if (!spec) return nullptr;
    return std::make_unique<role>(loop, name, *spec, [&room] { room = true; });
}

const socket_spec* dead_letter_of(const wire::spec& spec) noexcept {
    return spec.workers && spec.workers->dead_letter ? &*spec.workers->dead_letter : nullptr;
}

}  // namespace

device::impl::impl(const wire::spec& spec)
    : in_((check(spec), make_role(loop_, "in", &spec.in, room_))),
      own_out_(make_out(spec)),
      mon_(make_role(loop_, "mon", spec.mon ? &spec.mon->socket : nullptr, room_)),
      dead_letter_(make_role(loop_, "dead_letter", dead_letter_of(spec), room_)),
      out_(own_out_ ? *own_out_ : *in_),
      on_full_(spec.on_full) {
    take_over_policies(spec);
    build_relays(spec);
    if (pool_) serve_workers(spec);
    loop_.before_flush([this] { publish(); });
}

tap device::impl::tap_of(const std::optional<std::string>& prefix) const {
    return mon_ ? tap{&mon_->pattern(), mon_->publisher(), prefix, monitor_->dropped_prefix, monitor_->on_full} : tap{};
}

void device::impl::build_relays(const wire::spec& spec) {
    const auto make = [&](role& from, role& to, const std::optional<std::string>& prefix) {
        const auto type = [this](const role& of) { return pool_ && &of == &out_ ? ZMQ_DEALER : of.type(); };
        auto made = std::make_unique<relay>(type(from), type(to), !own_out_, to.pattern(), tap_of(prefix), policy_to(to));
        from.feed(made.get());
        return made;
    };
    if (goes_forward(spec)) forward_ = make(*in_, out_, spec.mon ? spec.mon->in_prefix : std::nullopt);
    if (goes_backward(spec)) backward_ = make(out_, *in_, spec.mon ? spec.mon->out_prefix : std::nullopt);
    if (!forward_ || !backward_ || pool_) return;
    if (expects_replies(spec)) {
        replies_.emplace(in_->type() == ZMQ_ROUTER);
        forward_->count_replies(*replies_, true);
        backward_->count_replies(*replies_, false);
        in_->count_replies(*replies_, true);
        out_.count_replies(*replies_, false);
    }
    pass_subscriptions(out_, *in_, *backward_);
    pass_subscriptions(*in_, out_, *forward_);
}

// Subscriptions that arrive at an XPUB go to the publishers of an XSUB; each counts as a message of that direction.
void device::impl::pass_subscriptions(role& from, role& to, relay& direction) {
    if (!from.publisher() || !to.upstream()) return;
    to.relay_subscriptions_of(*from.publisher());
    from.publisher()->pass_on([&to, &direction](const zmtp::subscription& wish) {
        std::string framed;
        zmtp::append_subscription(framed, 0, wish);
        to.upstream()->ask(wish);
        direction.note(framed, 1 + wish.prefix.size());
    });
}

zdev::statistics device::impl::statistics() const noexcept {
    const auto read = [](const std::unique_ptr<relay>& of) { return of ? of->counters.read() : flow_statistics{}; };
    return {state_, read(forward_), read(backward_), owed(), loop_iterations_.get()};
}

role* device::impl::find(const std::string& name) const noexcept {
    if (name == "out") return &out_;
    if (name == "dead_letter") return dead_letter_.get();
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

void device::set_credentials(const std::string& role, credentials now) {
    auto* const found = impl_->find(role);
    if (!found || !found->admission().is_server()) {
        throw error(EINVAL, "device: " + role + " has no credentials: it is not a server of CURVE or PLAIN");
    }
    if (now.rights) refuse_rights(role, found->type(), found->options());
    found->admission().set(std::move(now));
    impl_->new_credentials = true;
    impl_->steering.wakeup().signal();
}

std::vector<refused_peer> device::take_refused(const std::string& role) {
    auto* const found = impl_->find(role);
    return found ? found->admission().take_refused() : std::vector<refused_peer>{};
}

std::optional<denied_topic> device::take_denied(const std::string& role) {
    auto* const found = impl_->find(role);
    return found ? found->admission().take_denied() : std::nullopt;
}

std::vector<connect_status> device::connects(const std::string& role) const {
    const auto* const found = impl_->find(role);
    return found ? found->connects() : std::vector<connect_status>{};
}

role_statistics device::connections(const std::string& role) const noexcept {
    const auto* const found = impl_->find(role);
    return found ? found->statistics() : role_statistics{};
}

std::vector<std::string> device::change(const wire::spec& wanted, milliseconds timeout) {
    return impl_->change(wanted, timeout);
}

std::vector<peer_status> device::peers(milliseconds timeout) const { return impl_->peers(timeout); }
workers_report device::workers(milliseconds timeout) const { return impl_->workers(timeout); }
bool device::drain_worker(std::uint64_t number, bool on, milliseconds timeout) {
    return impl_->drain_worker(number, on, timeout);
}
bool device::kick(std::uint64_t number, milliseconds timeout) { return impl_->kick(number, timeout); }
void device::stop_accepting(milliseconds timeout) { impl_->stop_accepting(timeout); }

std::vector<std::string> device::endpoints(const std::string& role) const {
    const auto* const found = impl_->find(role);
    return found ? found->endpoints() : std::vector<std::string>{};
}

}  // namespace zdev::wire
