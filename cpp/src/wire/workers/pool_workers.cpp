// The workers of a pool, and what they send.

#include <algorithm>

#include "pool.hpp"

namespace zdev::wire {

bool worker_pool::join(connection& peer) {
    auto made = std::make_unique<worker>(peer);
    peer.as_worker = made.get();
    made->heard = now();
    worker& added = *(workers_[&peer] = std::move(made));
    if (!rules_->registers()) {
        register_worker(added, {meaning::ready, {}, {}});
    } else if (!beat_timer_.running()) {
        arm_beat();
    }
    return true;
}

void worker_pool::register_worker(worker& ready, const said& message) {
    if (ready.of) return give_up_requests(ready), deal(*ready.of);
    ready.of = &service_named(message.content);
    ready.dialect = message.dialect;
    ++ready.of->workers;
    list(ready);
    deal(*ready.of);
}

// It receives nothing more, but there may be replies to read.
void worker_pool::leave(connection& peer) {
    worker& gone = *peer.as_worker;
    gone.leaving = true;
    if (!gone.of) return;
    relist(gone);
    return_unsent(gone);
    deal(*gone.of);
}

// Requests that were not sent yet wait again, in front. In the queue of the connection they are in the order of `requests`,
// with other messages between them.
void worker_pool::return_unsent(worker& from) {
    std::vector<std::string> unsent;
    from.peer.queue().give_back(unsent);
    request* next = from.requests.last();
    for (auto each = unsent.rbegin(); each != unsent.rend() && next; ++each) {
        const std::string& head = head_of(*next, from);
        if (each->compare(0, head.size(), head) != 0) continue;
        request& returned = *std::exchange(next, places::previous(*next));
        const bool is_wanted = !returned.ended();
        take_from_worker(returned);
        if (!is_wanted) {
            forget(returned);
            continue;
        }
        if (!returned.kept) {
            returned.copy = each->substr(head.size());
            returned.content = returned.copy;
            returned.kept = true;
        }
        wait(returned, true);
    }
}

// The connection has ended.
void worker_pool::end(connection& peer) {
    const auto known = workers_.find(&peer);
    if (known == workers_.end()) return;
    worker& gone = *known->second;
    give_up_requests(gone);
    service* const of = gone.of;
    served_.add_all(gone.served);
    aside_.erase(std::remove(aside_.begin(), aside_.end(), &gone), aside_.end());
    peer.as_worker = nullptr;
    workers_.erase(known);
    if (!of) return;
    --of->workers;
    deal(*of);
    drop_if_unused(*of);
}

// Those of its requests that have no reply fail, or another worker gets them.
void worker_pool::give_up_requests(worker& of) {
    while (request* const last = of.requests.last()) {
        const bool is_wanted = !last->ended();
        take_from_worker(*last);
        if (!is_wanted) {
            forget(*last);
        } else if (last->retries > 0 && !over_) {
            --last->retries;
            ++counts_.retried;
            wait(*last, true);
        } else {
            fail(*last, &request_statistics::dead, "its worker left");
        }
    }
}

void worker_pool::room(connection& peer) {
    worker& of = *peer.as_worker;
    list(of);
    if (of.of) deal(*of.of);
}

worker* worker_pool::free_worker(service& of) noexcept {
    while (worker* const first = of.free.first()) {
        if (first->peer.has_room()) return first;
        of.free.remove(*first);  // room() lists it again
    }
    return nullptr;
}

// Lists it as free, if it is. Then it may take requests that were held back.
void worker_pool::list(worker& each) noexcept {
    if (!each.of || each.listed || each.leaving || each.draining || !may_get_more(each) || each.aside_until > now() ||
        !each.peer.has_room()) {
        return;
    }
    each.of->free.add(each);
    by_.room();
}

// After only the number of its requests has changed, so that a listed one needs no other check.
void worker_pool::relist_by_load(worker& each) noexcept {
    if (!each.listed) return list(each);
    each.of->free.remove(each);
    if (may_get_more(each)) each.of->free.add(each);
}

// After something about it has changed.
void worker_pool::relist(worker& each) noexcept {
    if (each.of) each.of->free.remove(each);
    list(each);
}

void worker_pool::take_from_worker(request& gone) noexcept {
    worker& from = *gone.at;
    from.requests.remove(gone);
    if (gone.ended()) {
        --from.ended;
        if (!gone.released) ended_.remove(gone);
    } else {
        at_work_.remove(gone);
        --counts_.at_work;
    }
    if (!gone.released) --from.load;
    gone.at = nullptr;
    drop_parts(gone);
    relist_by_load(from);
}

worker_pool::answer worker_pool::read(connection& from, std::string_view bytes) {
    if (from.dead()) return {};
    worker& by = *from.as_worker;
    by.heard = now();
    const said message = rules_->read(bytes);
    if (rules_->registers() && !is_expected(by, message)) return dismiss_for(by, message), answer{};
    switch (message.what) {
        case meaning::heartbeat: return {};
        case meaning::ready: return register_worker(by, message), answer{};
        case meaning::leaving: {
            by.draining = true;
            relist(by);
            if (rules_->registers()) from.close(ending::closed, "it said that it leaves");
            return {};
        }
        case meaning::misplaced:
        case meaning::invalid: return ++counts_.unsolicited, answer{};
        case meaning::reply:
        case meaning::partial_reply: break;
    }
    request* const of = find(by, message);
    if (!of) {
        ++counts_.unsolicited;
        if (rules_->registers()) dismiss(by, ending::worker_protocol, "its reply belongs to none of its requests");
        return {};
    }
    if (!of->ended() && !of->client->writable()) end_at_work(*of, &request_statistics::abandoned);  // it is about to leave
    const bool partial = message.what == meaning::partial_reply;
    if (!of->ended()) {
        if (partial && !rules_->takes_parts(of->envelope)) return collect(*of, message.content), answer{};
        reply_head_.clear();
        rules_->append_reply_head(reply_head_, of->envelope, partial);
        if (!of->parts.empty()) reply_head_.append(of->parts);
        return {of, reply_head_, message.content, partial};
    }
    if (partial) return {};
    if (of->expired) ++counts_.late, ++by.late;
    return finish(*of), answer{};
}

// Its worker is done with it, and may take another one.
void worker_pool::finish(request& of) {
    worker& by = *of.at;
    take_from_worker(of);
    forget(of);
    deal(*by.of);
}

// The oldest request that this is the reply to. A worker that does not return the envelope must have only one of the client.
request* worker_pool::find(worker& of, const said& reply) const noexcept {
    request* same_client = nullptr;
    bool is_only_one = true;
    for (request* each = of.requests.first(); each; each = places::next(*each)) {
        if (each->asked_by() != reply.client) continue;
        if (each->tagged || rules_->answers(reply.content, each->envelope)) return each;
        is_only_one = same_client == nullptr;
        same_client = each;
    }
    return is_only_one && rules_->is_anonymous(reply.content) ? same_client : nullptr;
}

void worker_pool::settle(const answer& delivered) {
    if (delivered.partial) return void(delivered.of->retries = 0);  // its client would get the first parts twice
    request& of = *delivered.of;
    worker& by = *of.at;
    const auto took = now() - of.began;
    by.served.add(took);
    latency_.add(now() - of.arrived);
    ++by.done;
    by.failures = 0;
    ++counts_.answered;
    finish(of);
}

bool worker_pool::drain_worker(std::uint64_t number, bool on) {
    for (const auto& [peer, each] : workers_) {
        if (peer->origin.number != number) continue;
        each->draining = on;
        relist(*each);
        if (each->of) deal(*each->of);
        return true;
    }
    return false;
}

worker_state worker_pool::state_of(const worker& each) const noexcept {
    if (each.leaving) return worker_state::leaving;
    if (!each.of) return worker_state::starting;
    if (each.draining) return each.requests.empty() ? worker_state::drained : worker_state::draining;
    if (each.aside_until > now()) return worker_state::set_aside;
    return each.requests.empty() ? worker_state::idle : worker_state::busy;
}

worker_status worker_pool::describe(const worker& each) const {
    worker_status found;
    found.number = each.peer.origin.number;
    found.state = state_of(each);
    found.address = each.peer.origin.address.empty() ? *each.peer.origin.endpoint : each.peer.origin.address;
    found.routing_id = each.peer.peer().routing_id;
    found.user = by_.user_of(each.peer);
    found.service = each.of ? each.of->name : std::string();
    found.at_work = each.load;
    found.done = each.done;
    found.failed = each.failed;
    found.late = each.late;
    found.mean = each.served.mean();
    found.p50 = each.served.quantile(0.5);
    found.p99 = each.served.quantile(0.99);
    found.since = each.peer.origin.since;
    if (each.aside_until > now()) found.set_aside_for = std::chrono::ceil<milliseconds>(each.aside_until - now());
    return found;
}

workers_report worker_pool::report() const {
    workers_report found{counts_, {}};
    found.requests.waited = waited_.report();
    found.requests.latency = latency_.report();
    histogram served = served_;
    for (const auto& [peer, each] : workers_) {
        found.workers.push_back(describe(*each));
        served.add_all(each->served);
    }
    found.requests.served = served.report();
    std::sort(found.workers.begin(), found.workers.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
    return found;
}

}  // namespace zdev::wire
