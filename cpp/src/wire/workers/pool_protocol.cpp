// The conversation with workers that register: what they may send, heartbeats, and how it ends.

#include "frames.hpp"
#include "pool.hpp"

namespace zdev::wire {

namespace {

constexpr int missed_beats = 3;  // heartbeats without a sign of life, after which a worker has left

}  // namespace

bool worker_pool::is_expected(const worker& from, const said& message) const noexcept {
    switch (message.what) {
        case meaning::misplaced:
        case meaning::invalid: return false;
        case meaning::leaving: return true;  // "at any time, including before READY"
        case meaning::ready: return !from.of || rules_->restarts();
        default: return from.of && from.dialect == message.dialect;
    }
}

// The peer broke the protocol.
void worker_pool::dismiss_for(worker& of, const said& message) {
    const bool is_early = !of.of && message.dialect != 0 && message.what != meaning::misplaced;
    if (!of.of) of.dialect = message.dialect;
    dismiss(of, ending::worker_protocol,
            is_early ? "its first command is not READY" : "it sent a command that it may not send, or that does not exist");
}

// It gets nothing more, and nothing more is read from it. Requests that were not sent yet are for others.
void worker_pool::dismiss(worker& of, ending why, const char* reason) {
    leave(of.peer);
    of.peer.close_with(rules_->goodbye(of.dialect), why, reason);
}

void worker_pool::say_goodbye() {
    beat_timer_.cancel();
    for (const auto& [peer, each] : workers_) {
        const std::string bytes = rules_->goodbye(each->dialect);
        if (!bytes.empty() && peer->has_room()) peer->send({}, bytes);
    }
}

// Heartbeats of the protocol, to and from workers: a paused device sends them too. A worker that this device did not read from
// is not late, nor is any worker if this process was stopped for a while.
void worker_pool::beat() {
    const bool is_late = now() - beat_due_ > heartbeat_;
    for (const auto& [peer, each] : workers_) {
        if (peer->dead()) continue;
        const request* const last = each->requests.last();
        const bool was_spoken_to = last && now() - last->began < heartbeat_;
        if (paused_ || is_late || peer->held_by_relay) each->heard = now();
        if (now() - each->heard > heartbeat_ * missed_beats) {
            dismiss(*each, ending::heartbeat_timeout, "it sent no heartbeat");
        } else if (each->of && peer->has_room() && !was_spoken_to) {
            peer->send({}, rules_->heartbeat(each->dialect));
        }
    }
    if (!workers_.empty()) arm_beat();
}

void worker_pool::arm_beat() {
    beat_due_ = now() + heartbeat_;
    beat_timer_.start(beat_due_, [this] { beat(); });
}

// A part of a reply for a client that gets all of them as one message: with the last one.
void worker_pool::collect(request& of, std::string_view part) {
    if (parts_bytes_ + part.size() > settings_.queue_bytes) {
        return fail_at_work(of, &request_statistics::dead, "the parts of its reply are larger than queue_bytes");
    }
    parts_bytes_ += part.size();
    append_unfinished(of.parts, part);
}

void worker_pool::drop_parts(request& of) noexcept {
    if (of.parts.empty()) return;
    parts_bytes_ -= of.parts.size();
    std::string().swap(of.parts);
}

}  // namespace zdev::wire
