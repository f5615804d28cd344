// The requests of a pool: from their clients, through the waiting room, to a worker.

#include "pool.hpp"

#include <charconv>

#include "frames.hpp"

namespace zdev::wire {

namespace {

constexpr std::uint32_t most_retries = 100;  // that a request may ask for

std::size_t levels(const workers& settings) noexcept {
    return settings.balance == balance::round_robin ? 1 : settings.max_requests;
}

// Workers of these protocols need heartbeats (RFC 7: "Both broker and worker MUST send heartbeats"). The intervals are those of
// the Guide.
milliseconds heartbeat_of(const workers& settings) noexcept {
    if (settings.heartbeat.count() > 0) return settings.heartbeat;
    return milliseconds(settings.protocol == worker_protocol::ppp ? 1000 : 2500);
}

// Takes a frame like "zdev retries=2" off the content of a request.
void take_options(asked& from, std::uint32_t& retries) noexcept {
    constexpr std::string_view name = "zdev retries=";
    std::string_view rest = from.content;
    const auto first = take_frame(rest);
    if (!first || !first->more || first->content.substr(0, name.size()) != name) return;
    const char *const begin = first->content.data() + name.size(), *const end = first->content.data() + first->content.size();
    std::uint32_t wanted = 0;
    if (const auto read = std::from_chars(begin, end, wanted); read.ec != std::errc() || read.ptr != end) return;
    retries = std::min(wanted, most_retries);
    from.content = rest;
}

}  // namespace

worker_pool::worker_pool(loop& loop, const workers& settings)
    : loop_(loop),
      settings_(settings),
      heartbeat_(heartbeat_of(settings)),
      rules_(make_rules(settings.protocol, [this](std::string_view name) { return has_workers(name); })),
      timer_(loop.timers()),
      beat_timer_(loop.timers()) {
    if (settings_.protocol != worker_protocol::mdp) only_ = &service_named("");
}

worker_pool::~worker_pool() = default;

// Requests that wait or are at work stay, even if there are more than the new limits allow.
void worker_pool::take_over(const workers& wanted) {
    settings_ = wanted;
    for (const auto& [name, each] : services_) each->free.set_levels(levels(settings_));
    for (const auto& [peer, each] : workers_) {
        if (each->listed && !may_get_more(*each)) each->of->free.remove(*each);
        list(*each);  // one that is listed keeps its place
    }
    shorten_set_aside();
    timer_.cancel();
    arm();
    deal();
    by_.room();
}

service& worker_pool::service_named(std::string_view name) {
    if (only_) return *only_;
    auto& found = services_[std::string(name)];
    if (!found) found = std::make_unique<service>(std::string(name), levels(settings_));
    return *found;
}

bool worker_pool::has_workers(std::string_view name) const {
    const auto found = services_.find(std::string(name));
    return found != services_.end() && found->second->workers > 0;
}

void worker_pool::drop_if_unused(service& of) {
    if (&of == only_ || of.workers > 0 || !of.waiting.empty()) return;
    services_.erase(services_.find(of.name));
}

bool worker_pool::has_place(std::size_t bytes) const noexcept {
    return !over_ && counts_.waiting < settings_.queue_limit && bytes <= settings_.queue_bytes &&
           counts_.waiting_bytes <= settings_.queue_bytes - bytes;
}

bool worker_pool::ready() const {
    if (over_) return false;
    return settings_.reject_when_full || has_place(0) || !only_ || (only_->waiting.empty() && free_worker(*only_));
}

delivery worker_pool::deliver(const outgoing& message) {
    connection& from = *message.sender;
    asked next;
    if (!rules_->read_request(message.body, next))
        return from.close(ending::worker_protocol, "its request breaks the protocol of the workers"), delivery::malformed;
    if (!from.in_pattern || from.dead()) return ++counts_.received, ++counts_.abandoned, delivery::kept;
    if (!next.answer.empty()) {
        ++counts_.received;
        if (!from.has_room()) return ++counts_.rejected, delivery::kept;  // nobody waits for one that does not read
        from.send(rules_->failure_head(next.envelope), next.answer);
        return ++counts_.answered, delivery::kept;
    }
    std::uint32_t retries = settings_.retries;
    if (settings_.allow_request_options) take_options(next, retries);

    service& of = service_named(next.service);
    worker* const to = of.waiting.empty() && !over_ ? free_worker(of) : nullptr;
    if (!to && !has_place(next.content.size())) {
        drop_if_unused(of);
        return settings_.reject_when_full ? reject(from, next), delivery::kept : delivery::full;
    }
    request& made = make_request(from, next, of);
    made.retries = retries;
    if (!to || keeps_all()) keep(made, message.owner);
    if (!to) return wait(made, false), delivery::kept;
    made.forwarded = true;
    send(*to, made, &message);
    return delivery::sent;
}

void worker_pool::reject(connection& client, const asked& refused) {
    ++counts_.received;
    ++counts_.rejected;
    inform_client(client, refused.envelope);
    send_dead_letter(client.routing_id(), refused.envelope, refused.content, "the queue is full");
}

request& worker_pool::make_request(connection& from, const asked& asked, service& of) {
    if (unused_.empty()) unused_.push_back(&requests_.emplace_back());
    request& made = *unused_.back();
    unused_.pop_back();
    ++counts_.received;
    made.of = &of;
    made.client = &from;
    if (made.envelope != asked.envelope) made.envelope = asked.envelope;  // often that of the request before
    made.content = asked.content;
    made.arrived = made.began = now();
    made.kept = made.forwarded = made.expired = made.released = false;
    made.tagged = from.routing_id().size() == 5 && from.routing_id()[0] == '\0';
    if (made.tagged) set_tag(made);
    if (!from.as_client) from.as_client = (clients_[&from] = std::make_unique<client>()).get();
    from.as_client->requests.push_back(made);
    ++from.as_client->count;
    return made;
}

// Workers get an id of the request in place of the routing id that was made up for its client: so each reply, and even one that
// comes late and over another connection, shows which request it belongs to.
void worker_pool::set_tag(request& made) noexcept {
    made.tag = {zmtp::more_flag, 5, '\0'};
    ++last_tag_;
    for (std::size_t i = 0; i < 4; ++i) made.tag[3 + i] = static_cast<char>(last_tag_ >> (24 - 8 * i) & 0xff);
}

// Keeps the content for as long as the request.
void worker_pool::keep(request& made, const std::shared_ptr<buffer>& owner) const {
    if (owner) {
        made.owner = owner;
    } else {
        made.copy = made.content;
        made.content = made.copy;
    }
    made.kept = true;
}

void worker_pool::wait(request& next, bool at_front) {
    next.at = nullptr;
    next.began = now();
    at_front ? next.of->waiting.push_front(next) : next.of->waiting.push_back(next);
    waiting_.push_back(next);
    ++counts_.waiting;
    counts_.waiting_bytes += next.content.size();
    if (settings_.queue_timeout.count() > 0) arm_for(next.began + settings_.queue_timeout);
}

void worker_pool::stop_waiting(request& gone) noexcept {
    gone.of->waiting.remove(gone);
    waiting_.remove(gone);
    --counts_.waiting;
    counts_.waiting_bytes -= gone.content.size();
}

void worker_pool::deal() {
    if (only_) return deal(*only_);
    for (const auto& [name, each] : services_) deal(*each);
}

void worker_pool::deal_waiting(service& of) {
    while (!of.waiting.empty() && !paused_ && by_.may_deal()) {
        worker* const to = free_worker(of);
        if (!to) return;
        request& next = *of.waiting.first();
        stop_waiting(next);
        send(*to, next, nullptr);
        by_.room();
    }
}

// `as_asked`: the message, if it has just arrived.
void worker_pool::send(worker& to, request& next, const outgoing* as_asked) {
    ++to.load;
    to.requests.push_back(next);
    next.at = &to;
    send_frames(to, next, as_asked);
    waited_.add(now() - next.began);
    next.began = now();
    at_work_.push_back(next);
    ++counts_.at_work;
    if (!next.kept) next.content = {};
    if (settings_.request_timeout.count() > 0) arm_for(next.began + settings_.request_timeout);
    relist_by_load(to);
}

void worker_pool::send_frames(worker& to, request& next, const outgoing* as_asked) {
    const auto& owner = as_asked ? as_asked->owner : next.owner;
    if (as_asked && passes_on()) {
        const std::string_view client = next.tagged ? std::string_view(next.tag.data(), next.tag.size()) : as_asked->head;
        return to.peer.send(client, as_asked->body, owner);
    }
    to.peer.send(head_of(next, to), next.content, owner);
    if (!std::exchange(next.forwarded, true)) report_dealt(next);
}

// What a worker gets in front of the content.
const std::string& worker_pool::head_of(const request& next, const worker& to) {
    head_.clear();
    std::string frame;
    zmtp::append_frame(frame, zmtp::more_flag, next.asked_by());
    rules_->append_request_head(head_, frame, next.envelope, to.dialect);
    return head_;
}

// For the counters and the monitor: a request that had to wait is sent now.
void worker_pool::report_dealt(const request& sent) {
    head_.assign(sent.client->routing_frame()).append(sent.envelope);
    std::string_view head = head_;
    outgoing message;
    message.head = head;
    message.body = sent.content;
    message.owner = sent.owner;
    zmtp::run counted = zmtp::first_message(sent.content);
    while (const auto each = take_frame(head)) {
        ++counted.frames;
        counted.content += each->content.size();
    }
    by_.dealt(message, counted);
}

void worker_pool::pause(bool on) {
    paused_ = on;
    if (on) return timer_.cancel();
    deal();
    arm();
}

void worker_pool::detach_from_client(request& gone) noexcept {
    if (gone.ended()) return;
    client& of = *gone.client->as_client;
    of.requests.remove(gone);
    --of.count;
    if (gone.at) gone.client_id = gone.client->routing_id();
    gone.client = nullptr;
}

void worker_pool::forget(request& gone) noexcept {
    detach_from_client(gone);
    gone.owner.reset();
    if (gone.copy.capacity() > 4096) std::string().swap(gone.copy);
    gone.content = {};
    unused_.push_back(&gone);
}

void worker_pool::forget_client(connection& gone) {
    const auto known = clients_.find(&gone);
    if (known == clients_.end()) return;
    for (request* next; (next = known->second->requests.first()) != nullptr;) {
        if (next->at) {
            end_at_work(*next, &request_statistics::abandoned);
        } else {
            service& of = *next->of;
            stop_waiting(*next);
            ++counts_.abandoned;
            forget(*next);
            drop_if_unused(of);
        }
    }
    gone.as_client = nullptr;
    clients_.erase(known);
    by_.room();
}

void worker_pool::end_all() {
    constexpr const char* reason = "the device ended";
    over_ = true;
    const std::uint64_t owed_before = owed();
    while (request* const next = waiting_.first()) {
        stop_waiting(*next);
        fail(*next, &request_statistics::dead, reason);
    }
    while (request* const next = at_work_.first()) fail_at_work(*next, &request_statistics::dead, reason);
    owed_at_end_ = owed_before;
}

}  // namespace zdev::wire
