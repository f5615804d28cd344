// A queue that knows its workers: the receivers of requests. It remembers which worker has which request, keeps the others
// waiting until a worker is free, and decides what becomes of those that fail.
//
// Every request is in one of three lists: waiting_, at_work_, and ended_: those whose client does not wait for them any more,
// while their worker is still at work. A worker answers in any order; the envelope shows which request a reply belongs to.
//
// Threads: the loop's alone, but for report().

#ifndef ZDEV_SRC_WIRE_WORKERS_POOL_HPP
#define ZDEV_SRC_WIRE_WORKERS_POOL_HPP

#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <unordered_map>
#include <vector>

#include "../loop.hpp"
#include "../pattern.hpp"
#include "roster.hpp"
#include "rules.hpp"

namespace zdev::wire {

class worker_pool final : public pattern {
public:
    worker_pool(loop& loop, const workers& settings);
    ~worker_pool() override;

    // What the pool asks of its device.
    struct surroundings {
        std::function<bool()> may_deal;                                // the monitor has room
        std::function<void(const outgoing&, const zmtp::run&)> dealt;  // a request that had to wait was sent to a worker
        std::function<void()> room;                                    // requests may be offered again
        std::function<std::string(const connection&)> user_of;         // by which a worker authenticated
    };
    void surround(surroundings by) { by_ = std::move(by); }
    void send_dead_letters_to(pattern& to, std::size_t most_waiting) noexcept {
        dead_letters_ = &to;
        most_dead_letters_ = most_waiting;
    }

    const workers& settings() const noexcept { return settings_; }
    void take_over(const workers& wanted);  // with the same protocol, heartbeat and dead_letter

    // Requests.
    bool ready() const override;
    delivery deliver(const outgoing& message) override;
    void forget_client(connection& gone);
    void deal();          // gives what waits to the workers that are free
    void pause(bool on);  // no requests are given to workers, and none expire
    void end_all();       // all requests fail, at the end of a run
    void say_goodbye();   // to the workers
    // Replies that are still to come; at the end, those that did not come.
    std::uint64_t owed() const noexcept { return counts_.waiting + counts_.at_work + owed_at_end_; }

    // Workers.
    bool join(connection& peer) override;
    void leave(connection& peer) override;
    void end(connection& peer) override;
    void room(connection& peer) override;
    bool drain_worker(std::uint64_t number, bool on);

    // A message from a worker. `of` null: it is not for a client, and has been counted.
    struct answer {
        request* of = nullptr;
        std::string_view head;     // of the message to the client; valid until the next read()
        std::string_view content;  // after `head`
        bool partial = false;      // others follow
    };
    answer read(connection& from, std::string_view bytes);
    void settle(const answer& delivered);  // after its reply was delivered

    workers_report report() const;  // of the present

private:
    using fate = std::uint64_t request_statistics::*;
    static constexpr std::size_t most_ended = 64;  // requests that a worker may leave without a reply before it gets no more

    service& service_named(std::string_view name);
    bool has_workers(std::string_view name) const;
    void drop_if_unused(service& of);
    bool has_place(std::size_t bytes) const noexcept;
    void reject(connection& client, const asked& refused);
    void set_tag(request& made) noexcept;
    request& make_request(connection& client, const asked& from, service& of);
    void keep(request& made, const std::shared_ptr<buffer>& owner) const;
    bool keeps_all() const noexcept { return settings_.retries > 0 || settings_.allow_request_options || dead_letters_; }
    // Whether workers get requests as clients sent them.
    bool passes_on() const noexcept { return only_ && !settings_.allow_request_options; }
    void deal(service& of) {
        if (!of.waiting.empty()) deal_waiting(of);
    }
    void deal_waiting(service& of);
    void send(worker& to, request& next, const outgoing* as_asked);
    void send_frames(worker& to, request& next, const outgoing* as_asked);
    void report_dealt(const request& sent);
    const std::string& head_of(const request& next, const worker& to);
    void wait(request& next, bool at_front);
    void stop_waiting(request& gone) noexcept;
    void forget(request& gone) noexcept;
    void detach_from_client(request& gone) noexcept;

    static worker* free_worker(service& of) noexcept;
    bool may_get_more(const worker& each) const noexcept {
        return each.load < settings_.max_requests && each.ended < most_ended;
    }
    void list(worker& each) noexcept;
    void relist(worker& each) noexcept;
    void relist_by_load(worker& each) noexcept;
    void take_from_worker(request& gone) noexcept;
    void return_unsent(worker& from);
    void register_worker(worker& ready, const said& message);
    void finish(request& of);
    request* find(worker& of, const said& reply) const noexcept;
    bool is_expected(const worker& from, const said& message) const noexcept;
    void dismiss_for(worker& of, const said& message);
    void dismiss(worker& of, ending why, const char* reason);
    void give_up_requests(worker& of);
    void collect(request& of, std::string_view part);
    void drop_parts(request& of) noexcept;
    worker_state state_of(const worker& each) const noexcept;
    worker_status describe(const worker& each) const;

    void end_at_work(request& gone, fate as);  // only its worker goes on with it
    void fail(request& gone, fate as, const char* reason);
    void fail_at_work(request& gone, fate as, const char* reason);
    void report_failure(const request& of, const char* reason);
    void inform_client(connection& client, std::string_view envelope);
    void send_dead_letter(std::string_view client, std::string_view envelope, std::string_view content, const char* reason);
    void note_failure(worker& of);
    void expire();
    void expire_requests();
    milliseconds set_aside_of(const worker& failing) const noexcept;
    void shorten_set_aside();
    void end_set_aside();
    void beat();
    void arm_beat();
    void arm_for(clock::time_point deadline);
    void arm();
    clock::time_point now() const noexcept { return loop_.now(); }

    loop& loop_;
    workers settings_;
    const milliseconds heartbeat_;  // of a protocol that has it
    const std::unique_ptr<worker_rules> rules_;
    surroundings by_;
    pattern* dead_letters_ = nullptr;
    std::size_t most_dead_letters_ = 0;
    bool paused_ = false, over_ = false;
    std::uint64_t owed_at_end_ = 0;

    std::deque<request> requests_;  // all that were ever made
    std::vector<request*> unused_;  // of these
    std::unordered_map<std::string, std::unique_ptr<service>> services_;
    service* only_ = nullptr;  // with a protocol without services
    std::unordered_map<connection*, std::unique_ptr<worker>> workers_;
    std::unordered_map<connection*, std::unique_ptr<client>> clients_;
    ages waiting_, at_work_, ended_;
    std::vector<worker*> aside_;
    request_statistics counts_;
    histogram waited_, served_, latency_;  // served_: by workers that have left
    timer timer_;
    clock::time_point armed_for_, beat_due_;
    timer beat_timer_;
    std::size_t parts_bytes_ = 0;  // of replies whose clients get them whole
    std::uint32_t last_tag_ = std::random_device{}();
    std::string head_, reply_head_;
};

}  // namespace zdev::wire

#endif
