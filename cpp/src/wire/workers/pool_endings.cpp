// Requests that fail, workers that fail them, and the time that both have.

#include <algorithm>

#include "pool.hpp"

namespace zdev::wire {

namespace {

constexpr milliseconds longest_set_aside{60000};

std::string framed(const std::vector<std::string>& frames) {
    std::string bytes;
    for (std::size_t i = 0; i < frames.size(); ++i) {
        zmtp::append_frame(bytes, i + 1 < frames.size() ? zmtp::more_flag : 0, frames[i]);
    }
    return bytes;
}

}  // namespace

// Its client does not wait any more. Its worker may still answer, and keeps the place for it until then.
void worker_pool::end_at_work(request& gone, fate as) {
    detach_from_client(gone);
    at_work_.remove(gone);
    --counts_.at_work;
    ++(counts_.*as);
    gone.began = now();
    gone.owner.reset();
    gone.content = {};
    gone.kept = false;
    drop_parts(gone);
    ended_.push_back(gone);
    ++gone.at->ended;
    if (settings_.request_timeout.count() > 0) arm_for(gone.began + settings_.request_timeout);
}

// It neither waits nor is at work.
void worker_pool::fail(request& gone, fate as, const char* reason) {
    service& of = *gone.of;
    ++(counts_.*as);
    report_failure(gone, reason);
    forget(gone);
    drop_if_unused(of);
    by_.room();
}

void worker_pool::fail_at_work(request& gone, fate as, const char* reason) {
    report_failure(gone, reason);
    end_at_work(gone, as);
}

void worker_pool::report_failure(const request& of, const char* reason) {
    inform_client(*of.client, of.envelope);
    send_dead_letter(of.client->routing_id(), of.envelope, of.content, reason);
}

void worker_pool::inform_client(connection& client, std::string_view envelope) {
    if (!settings_.reply_on_failure || !client.writable()) return;
    if (!client.has_room()) return void(++counts_.unsent_failures);
    client.send(rules_->failure_head(envelope), framed(*settings_.reply_on_failure));
}

void worker_pool::send_dead_letter(std::string_view client, std::string_view envelope, std::string_view content,
                                   const char* reason) {
    if (!dead_letters_) return;
    std::string letter;
    zmtp::append_frame(letter, zmtp::more_flag, reason);
    zmtp::append_frame(letter, zmtp::more_flag, client);
    letter.append(envelope).append(content);
    outgoing message;
    message.body = letter;
    bool sent = dead_letters_->deliver(message) == delivery::sent;
    if (!sent && dead_letters_->taken_back() < most_dead_letters_) sent = dead_letters_->take_back(std::move(letter));
    ++(sent ? counts_.dead_letters : counts_.unsent_dead_letters);
}

// A worker that fails again and again is set aside. Requests that it had before may still fail then, which says nothing new.
void worker_pool::note_failure(worker& of) {
    ++of.failed;
    if (of.aside_until > now()) return;
    ++of.failures;
    const milliseconds aside = set_aside_of(of);
    if (aside.count() == 0) return;
    of.aside_until = now() + aside;
    relist(of);
    if (std::find(aside_.begin(), aside_.end(), &of) == aside_.end()) aside_.push_back(&of);
    arm_for(of.aside_until);
}

milliseconds worker_pool::set_aside_of(const worker& failing) const noexcept {
    if (settings_.max_failures == 0 || failing.failures < settings_.max_failures) return {};
    const std::uint32_t doubled = std::min<std::uint32_t>(failing.failures - settings_.max_failures, 16);
    return std::min(settings_.set_aside * (std::int64_t{1} << doubled), longest_set_aside);
}

// Other settings may set workers aside for a shorter time, or not at all.
void worker_pool::shorten_set_aside() {
    for (worker* const each : aside_) each->aside_until = std::min(each->aside_until, now() + set_aside_of(*each));
    end_set_aside();
}

void worker_pool::expire() {
    if (paused_) return;
    expire_requests();
    end_set_aside();
    deal();
    arm();
}

void worker_pool::expire_requests() {
    const milliseconds queue = settings_.queue_timeout, work = settings_.request_timeout;
    const auto is_due = [this](const request* of, milliseconds timeout) {
        return of && timeout.count() > 0 && now() - of->began >= timeout;
    };
    while (is_due(waiting_.first(), queue)) {
        request& late = *waiting_.first();
        stop_waiting(late);
        fail(late, &request_statistics::expired, "it waited longer than queue_timeout");
    }
    while (is_due(at_work_.first(), work)) {
        request& late = *at_work_.first();
        fail_at_work(late, &request_statistics::expired, "its worker took longer than request_timeout");
        late.expired = true;
        note_failure(*late.at);
    }
    // A worker that has dropped a request would never answer it, so its place is free after the same time once more.
    while (is_due(ended_.first(), work)) {
        request& silent = *ended_.first();
        ended_.remove(silent);
        silent.released = true;
        --silent.at->load;
        relist(*silent.at);
    }
}

void worker_pool::end_set_aside() {
    const auto is_over = [this](const worker* each) { return each->aside_until <= now(); };
    for (worker* const each : aside_) {
        if (is_over(each)) list(*each);
    }
    aside_.erase(std::remove_if(aside_.begin(), aside_.end(), is_over), aside_.end());
}

void worker_pool::arm_for(clock::time_point deadline) {
    if (paused_ || (timer_.running() && armed_for_ <= deadline)) return;
    armed_for_ = deadline;
    timer_.start(deadline, [this] { expire(); });
}

void worker_pool::arm() {
    const auto arm_after = [this](const request* first, milliseconds timeout) {
        if (first && timeout.count() > 0) arm_for(first->began + timeout);
    };
    arm_after(waiting_.first(), settings_.queue_timeout);
    arm_after(at_work_.first(), settings_.request_timeout);
    arm_after(ended_.first(), settings_.request_timeout);
    for (const worker* const each : aside_) arm_for(each->aside_until);
}

}  // namespace zdev::wire
