// How a role takes over another description while it runs.

#include <zmq.h>

#include <algorithm>
#include <iterator>

#include "change.hpp"
#include "role.hpp"

namespace zdev::wire {

namespace {

constexpr milliseconds departure_look{10};

// Puts `present`, made for the endpoints `before`, and those `made` in the order of `wanted`. Returns the others.
template <class Part>
std::vector<std::unique_ptr<Part>> arrange(std::vector<std::unique_ptr<Part>>& present, std::vector<std::string> before,
                                           const std::vector<std::string>& wanted, std::vector<std::unique_ptr<Part>>&& made) {
    std::vector<std::unique_ptr<Part>> arranged;
    auto next = made.begin();
    for (const auto& endpoint : wanted) {
        const auto known = std::find(before.begin(), before.end(), endpoint);
        if (known == before.end()) {
            arranged.push_back(std::move(*next++));
            continue;
        }
        const auto at = present.begin() + (known - before.begin());
        arranged.push_back(std::move(*at));
        present.erase(at);
        before.erase(known);
    }
    std::swap(present, arranged);
    return arranged;
}

}  // namespace

role::parts role::prepare(const socket_spec& wanted) {
    parts made;
    auto ready = wanted.listening;
    for (const auto& each : without(wanted.binds, spec_.binds)) made.listeners.push_back(listen(each, ready));
    for (const auto& each : without(wanted.connects, spec_.connects)) made.connectors.push_back(make_connector(each));
    return made;
}

void role::take_over(parts&& made, const socket_spec& wanted) {
    forget_removed();
    std::vector<connector*> added;
    added.reserve(made.connectors.size());
    for (const auto& each : made.connectors) added.push_back(each.get());
    parts gone;
    {
        const std::lock_guard<std::mutex> lock(guard_);
        gone.listeners = arrange(listeners_, spec_.binds, wanted.binds, std::move(made.listeners));
        gone.connectors = arrange(connectors_, spec_.connects, wanted.connects, std::move(made.connectors));
    }
    spec_.binds = wanted.binds;
    spec_.connects = wanted.connects;
    take_over_options(wanted.options);
    for (auto& each : gone.listeners) {
        each->close();
        removed_.listeners.push_back(std::move(each));
    }
    for (auto& each : gone.connectors) {
        each->cancel();
        for (const auto& with : connections_) {
            if (with->via == each.get()) depart(*with);
        }
        removed_.connectors.push_back(std::move(each));
    }
    for (connector* const each : added) each->start();
}

// Removed listeners and connectors stay as long as connections refer to them; and for this turn of the loop, which may still
// have events for them.
void role::forget_removed() {
    const auto unused = [this](const auto& refers) {
        return [this, refers](const auto& each) {
            return std::none_of(connections_.begin(), connections_.end(), [&](const auto& of) { return refers(*of, *each); });
        };
    };
    const auto accepted = [](const connection& of, const listener& by) { return of.origin.endpoint == &by.bound(); };
    const auto made = [](const connection& of, const connector& by) { return of.via == &by; };
    auto& [listeners, connectors] = removed_;
    listeners.erase(std::remove_if(listeners.begin(), listeners.end(), unused(accepted)), listeners.end());
    connectors.erase(std::remove_if(connectors.begin(), connectors.end(), unused(made)), connectors.end());
}

void role::take_over_options(const socket_options& wanted) {
    const socket_options before = std::exchange(spec_.options, wanted);
    const auto& now = spec_.options;
    if (upstream_) {
        for (const auto& each : without(now.subscribe, before.subscribe)) upstream_->ask({true, each});
        for (const auto& each : without(before.subscribe, now.subscribe)) upstream_->ask({false, each});
        filters_ = filters();
    }
    if (before.max_connections_per_address != now.max_connections_per_address) count_addresses();
    if (before.idle_timeout != now.idle_timeout) {
        idle_.cancel();
        for (const auto& each : connections_) each->activity = {};
        if (now.idle_timeout.count() > 0) end_idle();
    }
    for (const auto& each : connections_) each->set_hwm(now.sndhwm);
    for (const auto& each : connectors_) each->adopt_options();
    on_room_();
}

// A connection whose endpoint was removed gets what waits for it, and no more; the device reads what it has sent, and the
// replies to what it has got. All that for `linger` at most: then what waits for it goes to others if the pattern allows.
void role::depart(connection& of) {
    constexpr auto never = clock::time_point::max();
    if (!of.joined()) return of.close(ending::closed, "its endpoint was removed");
    const milliseconds linger = spec_.options.linger;
    of.departs_by = linger.count() < 0 ? never : loop_.now() + linger;
    if (spec_.type != ZMQ_ROUTER) detach(of);  // a ROUTER sends it the replies to its requests
    see_off();
}

void role::see_off() {
    bool any = false;
    for (const auto& each : connections_) {
        if (!each->departs_by || each->dead()) continue;
        any = true;
        if (loop_.now() >= *each->departs_by) {
            lost_.add(each->count_unread());
            each->close(ending::closed, "its endpoint was removed");
        } else if (in_flight(*each) == 0) {
            detach(*each);
            each->finish_sending();
        }
    }
    if (any) departures_.start(loop_.now() + departure_look, [this] { see_off(); });
}

}  // namespace zdev::wire
