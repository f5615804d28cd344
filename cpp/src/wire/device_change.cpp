// How a device takes over another description while it runs.

#include <cerrno>

#include "change.hpp"
#include "device_impl.hpp"
#include "spec.hpp"

namespace zdev::wire {

namespace {

void compare(const std::string& name, role* now, const socket_spec* wanted, differences& found) {
    if (!now != !wanted) found.fixed.push_back(name + (wanted ? ": the socket is new" : ": the socket was removed"));
    if (!now || !wanted) return;
    compare(name, now->spec(), *wanted, found);
    if (!now->admission().has_keys_of(wanted->security)) found.fixed.push_back(name + ": its security or keys changed");
}

[[noreturn]] void refuse(const std::vector<std::string>& fixed) {
    std::string text = "device: cannot be changed while it runs: ";
    for (std::size_t i = 0; i < fixed.size(); ++i) text.append(i > 0 ? "; " : "").append(fixed[i]);
    throw error(ENOTSUP, text);
}

}  // namespace

std::vector<std::string> device::impl::change(const wire::spec& wanted, milliseconds timeout) {
    check(wanted);
    wire::spec as_opened = wanted;
    if (as_opened.out) as_opened.out = out_of(wanted);
    std::vector<std::string> changes;
    if (!call([&] { take_over(as_opened, changes); }, timeout)) throw error(EAGAIN, "device: it is not running");
    return changes;
}

// In the loop's thread. Whatever may fail precedes the first change.
void device::impl::take_over(const wire::spec& wanted, std::vector<std::string>& changes) {
    if (ending_) throw error(EAGAIN, "device: it is ending");
    const std::pair<role*, const socket_spec*> sockets[] = {
        {in_.get(), &wanted.in},
        {own_out_.get(), wanted.out ? &*wanted.out : nullptr},
        {mon_.get(), wanted.mon ? &wanted.mon->socket : nullptr},
    };
    differences found;
    compare("in", sockets[0].first, sockets[0].second, found);
    compare("out", sockets[1].first, sockets[1].second, found);
    compare("mon", sockets[2].first, sockets[2].second, found);
    if (mon_ && wanted.mon) wire::compare(*monitor_, *wanted.mon, found);
    wire::compare(on_full_, wanted.on_full, "on_full", found);
    if (!pool_ != !wanted.workers) found.fixed.emplace_back(pool_ ? "the workers were removed" : "the workers were added");
    if (pool_ && wanted.workers) wire::compare(pool_->settings(), *wanted.workers, found);
    if (!found.fixed.empty()) refuse(found.fixed);

    role::parts made[3];
    for (std::size_t i = 0; i < 3; ++i) {
        if (sockets[i].first) made[i] = sockets[i].first->prepare(*sockets[i].second);
    }
    for (std::size_t i = 0; i < 3; ++i) {
        if (sockets[i].first) sockets[i].first->take_over(std::move(made[i]), *sockets[i].second);
    }
    take_over_policies(wanted);
    if (pool_) pool_->take_over(*wanted.workers);
    changes = std::move(found.live);
}

void device::impl::take_over_policies(const wire::spec& wanted) {
    on_full_ = wanted.on_full;
    if (wanted.mon) {
        monitor_ = wanted.mon;
        monitor_->socket = {};
    }
    const auto none = std::optional<std::string>();
    if (forward_) forward_->set_policies(tap_of(monitor_ ? monitor_->in_prefix : none), policy_to(out_));
    if (backward_) backward_->set_policies(tap_of(monitor_ ? monitor_->out_prefix : none), policy_to(*in_));
    room_ = true;
}

}  // namespace zdev::wire
