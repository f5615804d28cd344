// Random clients and workers of a queue that knows its workers, and what must hold: a request reaches no more workers than its
// retries allow, gets one final reply, at its client, and is counted once at every moment; no worker has more than it may.
//
//     PROGRAM [RUNS [SEED]]

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "topology.hpp"

namespace zdev::test {

namespace {

struct one_client {
    std::unique_ptr<wire_peer> wire;
    std::set<std::string> asked, ended;  // by id
    bool left = false;
};

struct one_worker {
    std::unique_ptr<wire_peer> wire;
    std::deque<std::string> at_work;  // messages
    bool left = false;
};

[[noreturn]] void broken(const std::string& rule) { throw std::runtime_error(rule); }

std::string framed(const message& frames) {
    std::string bytes;
    for (std::size_t i = 0; i < frames.size(); ++i)
        zmtp::append_frame(bytes, i + 1 < frames.size() ? zmtp::more_flag : 0, frames[i]);
    return bytes;
}

class workers_run {
public:
    explicit workers_run(std::uint64_t seed)
        : random_(seed), spec_(spec_of()), device_(spec_), thread_([this] { device_.run(), over_ = true; }) {}
    ~workers_run() {
        device_.stop();
        thread_.join();
    }

    void play() {
        for (std::size_t left = 50 + random_.below(200); left > 0; --left) step();
        device_.resume();
        come_to_rest();
        for (auto& each : clients_) hear(each);
        for (const auto& each : clients_) {
            if (!each.left && each.ended != each.asked) broken("a request has no final reply");
        }
    }
    std::uint64_t answered() { return device_.workers().requests.answered; }

private:
    wire::spec spec_of() {
        wire::spec spec;
        spec.in.type = ZMQ_ROUTER;
        spec.out.emplace().type = ZMQ_DEALER;
        for (auto* const each : {&spec.in, &*spec.out}) {
            each->binds = {"tcp://" + own_host() + ":*"};
            each->options.linger = milliseconds(200);
        }
        if (random_.one_in(3)) spec.out->options.sndbuf = 4096;
        spec.on_full = random_.one_in(2) ? on_full::drop : on_full::block;  // as in zdev-background
        auto& set = spec.workers.emplace();
        set.balance = random_.one_in(2) ? wire::balance::round_robin : wire::balance::least_requests;
        set.max_requests = random_.pick(std::initializer_list<std::size_t>{1, 1, 2, 10});
        set.queue_limit = random_.pick(std::initializer_list<std::size_t>{0, 1, 5, 100});
        set.queue_bytes = random_.one_in(3) ? 3000 : 1 << 20;
        set.reject_when_full = random_.one_in(3);
        set.retries = static_cast<std::uint32_t>(random_.below(3));
        if (random_.one_in(2)) set.queue_timeout = milliseconds(5);
        if (random_.one_in(2)) set.request_timeout = milliseconds(5);
        set.max_failures = static_cast<std::uint32_t>(random_.below(3));
        set.set_aside = milliseconds(5);
        set.reply_on_failure = {"failed"};
        return spec;
    }
    const wire::workers& settings() const { return *spec_.workers; }

    template <class Peers>
    auto* someone(Peers& peers) {
        std::vector<typename Peers::value_type*> present;
        for (auto& each : peers) {
            if (!each.left) present.push_back(&each);
        }
        return present.empty() ? nullptr : random_.pick(present);
    }

    void join(bool is_client) {
        if (clients_.size() + workers_.size() > 60) return;
        auto made = std::make_unique<wire_peer>(device_.endpoints(is_client ? "in" : "out")[0]);
        made->say(say_hello(ZMQ_DEALER, is_client && random_.one_in(2) ? "c" + std::to_string(clients_.size()) : "", 1));
        is_client ? void(clients_.emplace_back().wire = std::move(made)) : void(workers_.emplace_back().wire = std::move(made));
    }

    void step() {
        one_client* const client = someone(clients_);
        one_worker* const worker = someone(workers_);
        switch (random_.below(16)) {
            case 0: join(true); break;
            case 1: join(false); break;
            case 2:
                if (client && random_.one_in(4)) hear(*client), client->left = true, leave(*client->wire);
                break;
            case 3:
                if (worker && random_.one_in(2)) hear(*worker), worker->left = true, leave(*worker->wire);
                break;
            case 4: random_.one_in(2) ? device_.pause() : device_.resume(); break;
            case 5: std::this_thread::sleep_for(milliseconds(random_.below(8))); break;
            case 6:
                if (worker)
                    worker->wire->say(
                        framed({random_.pick(std::initializer_list<const char*>{"c0", "c1", "x"}), "0", "", "y"}));
                break;
            case 7:
            case 8:
            case 9:
                if (worker) work(*worker);
                break;
            default:
                if (client) ask(*client);
        }
        talk();
    }
    void leave(wire_peer& who) { random_.one_in(2) ? who.reset() : who.close(); }

    void ask(one_client& by) {
        for (std::size_t left = 1 + random_.below(6); left > 0; --left) {
            const std::string id = std::to_string(++ids_);
            by.asked.insert(id);
            by.wire->say(framed({id, "", std::string(random_.pick(std::initializer_list<std::size_t>{1, 300, 5000}), 'x')}));
        }
    }

    // Answers some of its requests, in any order, and some of them twice.
    void work(one_worker& by) {
        hear(by);
        while (!by.at_work.empty() && !random_.one_in(4)) {
            const auto at = by.at_work.begin() + static_cast<std::ptrdiff_t>(random_.below(by.at_work.size()));
            const std::string reply = std::move(*at);
            by.at_work.erase(at);
            by.wire->say(reply);
            if (random_.one_in(10)) by.wire->say(reply);
        }
    }

    static message frames_of(std::string_view text) {
        message found;
        for (zmtp::frame next; zmtp::parse_header(text, next) == zmtp::parsed::whole;) {
            found.emplace_back(text.substr(next.header, static_cast<std::size_t>(next.body)));
            text.remove_prefix(static_cast<std::size_t>(next.size()));
        }
        return found;
    }

    void hear(one_worker& by) {
        by.wire->read();
        for (auto& text : by.wire->take_heard()) {
            const auto frames = frames_of(text);
            if (frames.size() != 4) broken("a worker got something else than a request");
            if (++reached_[frames[1]] > 1 + settings().retries) broken("a request reached too many workers");
            by.at_work.push_back(std::move(text));
        }
        // A worker that fails requests by its silence gets others after a while.
        if (settings().request_timeout.count() == 0 && by.at_work.size() > settings().max_requests)
            broken("a worker has more requests than it may");
    }
    static void hear(one_client& by) {
        if (by.left) return;
        by.wire->read();
        for (const auto& text : by.wire->take_heard()) {
            const auto frames = frames_of(text);
            if (frames.size() != 3 || !frames[1].empty()) broken("a client got something else than a reply");
            if (by.asked.count(frames[0]) == 0) broken("a client got the reply of another");
            if (!by.ended.insert(frames[0]).second) broken("a request has two final replies");
        }
    }

    void talk() {
        for (auto& each : clients_) {
            if (!each.left) each.wire->write(), hear(each);
        }
        for (auto& each : workers_) {
            if (!each.left) each.wire->write(), hear(each);
        }
        const auto now = device_.workers().requests;
        const std::uint64_t sum =
            now.answered + now.waiting + now.at_work + now.expired + now.abandoned + now.rejected + now.dead;
        if (now.received != sum) broken("a request is not counted once");
    }

    // All that was asked is answered by a worker that stays.
    void come_to_rest() {
        join(false);
        const auto begun = std::chrono::steady_clock::now();
        for (int quiet = 0; quiet < 5;) {
            if (std::chrono::steady_clock::now() - begun > patience) broken("the queue does not come to rest");
            for (auto& each : workers_) {
                if (each.left) continue;
                hear(each);
                for (; !each.at_work.empty(); each.at_work.pop_front()) each.wire->say(each.at_work.front());
            }
            talk();
            bool rests = true;
            for (const auto& each : clients_)
                rests = rests && (each.left || (each.wire->all_said() && each.ended == each.asked));
            const auto now = device_.workers().requests;
            quiet = rests && now.waiting == 0 && now.at_work == 0 ? quiet + 1 : 0;
            std::this_thread::sleep_for(std::chrono::microseconds(200));
        }
    }

    dice random_;
    const wire::spec spec_;
    wire::device device_;
    std::atomic<bool> over_{false};
    std::thread thread_;
    std::deque<one_client> clients_;
    std::deque<one_worker> workers_;
    std::map<std::string, std::size_t> reached_;  // how many workers, by id
    std::uint64_t ids_ = 0;
};

int run(std::uint64_t runs, std::uint64_t seed) {
    std::uint64_t answered = 0;
    for (std::uint64_t i = seed; i < seed + runs; ++i) {
        try {
            workers_run one(i);
            one.play();
            answered += one.answered();
        } catch (const std::exception& error) {
            std::fprintf(stderr, "seed %llu: %s\n", static_cast<unsigned long long>(i), error.what());
            return EXIT_FAILURE;
        }
    }
    std::printf("%llu runs, %llu requests answered: every rule was kept\n", static_cast<unsigned long long>(runs),
                static_cast<unsigned long long>(answered));
    return EXIT_SUCCESS;
}

}  // namespace

}  // namespace zdev::test

int main(int argc, char** argv) {
    const auto number = [&](int i, std::uint64_t otherwise) {
        return argc > i ? std::strtoull(argv[i], nullptr, 10) : otherwise;
    };
    return zdev::test::run(number(1, 200), number(2, 1));
}
