// Random topologies of a device of the wire engine, and a model that says which messages may arrive where: whole, once, in
// order from one sender to one receiver, at the right peer; and at the end every message is accounted for.
//
//     PROGRAM [RUNS [SEED]]

#include "model.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace zdev::test {

// Everybody reads, and everything arrives.
void model_run::come_to_rest() {
    device_.resume();
    for (const auto name : {in, out, mon}) {
        if (has(name) && !someone(name)) join(name);
    }
    for (auto& each : peers_) each.reads = true;
    settle_peers();
    std::uint64_t before = 0;
    int quiet = 0;
    wait_for(
        [&] {
            const auto statistics = device_.statistics();
            std::uint64_t now = statistics.in.messages_received + statistics.out.messages_received;
            bool all_said = true;
            for (const auto& each : peers_) {
                all_said = all_said && (each.left || each.wire->all_said());
                now += each.wire->heard().size();
            }
            quiet = now == before && all_said ? quiet + 1 : 0;
            before = now;
            return quiet > 4;
        },
        "rest");
}

void model_run::end() {
    const bool drains = random_.one_in(3);
    for (const auto name : {in, out, mon}) {
        if (has(name) && !someone(name)) join(name);
    }
    const auto begun = std::chrono::steady_clock::now();
    ending_ = true;
    drains ? device_.drain(milliseconds(20)) : device_.stop();
    for (auto& each : peers_) each.reads = true;
    wait_for([&] { return over_.load(); }, "the end of the run");
    lingered_ = std::chrono::steady_clock::now() - begun >= linger_time;
    wait_for([&] { return std::all_of(peers_.begin(), peers_.end(), [](const auto& each) { return each.left; }); },
             "the end of the connections");
    require(drains || outcome_ == outcome::stopped, "a stop had another outcome");
}

spoken model_run::understood(const model_peer& who) const {
    const std::size_t hello = say_hello(peer_type(type(who.at)), who.id, 0).size();
    const std::string& said = who.wire->said();
    return said.size() < hello ? spoken{} : understand(std::string_view(said).substr(hello), {});
}

void model_run::check() {
    check_direction(in, out);
    if (both_ways()) check_direction(out, in);
    check_counts();
    if (has(mon)) check_monitor();
    for (const auto name : {in, out, mon}) {
        if (!has(name)) continue;
        require(device_.connections(role_names[name]).connections == 0, "a connection is left");
    }
}

void model_run::dump() const {
    const auto show = [](const char* what, const std::vector<std::string>& messages) {
        for (const auto& each : messages) {
            std::string shown = each.substr(0, 60);
            std::replace_if(shown.begin(), shown.end(), [](char c) { return c < ' ' || c > '~'; }, '.');
            std::fprintf(stderr, "    %s %zu B %s\n", what, each.size(), shown.c_str());
        }
    };
    for (const auto& each : peers_) {
        std::fprintf(stderr, "  %s at %s%s%s\n", each.id.c_str(), role_names[each.at],
                     each.went       ? ", went"
                     : each.accepted ? ", accepted"
                                     : "",
                     each.reset ? ", reset" : "");
        show("said", understood(each).messages);
        show("heard", each.wire->heard());
    }
}

void model_run::check_direction(role_name from, role_name to) {
    const direction way{type(from), type(to), false};
    arrivals sent;
    for (std::size_t i = 0; i < peers_.size(); ++i) {
        if (peers_[i].at != from) continue;
        for (const auto& said : understood(peers_[i]).messages) {
            ++said_;
            auto letter = way.relayed(said, peers_[i].id);
            if (!letter) {
                ++malformed_;
                continue;
            }
            auto copy = *letter;
            if (way.to == ZMQ_ROUTER) {
                std::string address;
                zmtp::append_frame(address, zmtp::more_flag, *letter->address);
                copy = {address + letter->text, std::nullopt};
            }
            if (has(mon)) copies_[from].sent(static_cast<int>(i), std::move(copy));
            sent.sent(static_cast<int>(i), *std::move(letter));
        }
    }
    const bool ordered =
        std::none_of(peers_.begin(), peers_.end(), [&](const auto& each) { return each.at == to && each.went; });
    for (std::size_t i = 0; i < peers_.size(); ++i) {
        if (peers_[i].at != to) continue;
        const int number = static_cast<int>(i);
        for (const auto& text : peers_[i].wire->heard()) {
            ++heard_;
            if (publishes(way.to) && wish_in(text)) continue;
            const auto rule = publishes(way.to) ? sent.published(number, text) : sent.once(number, peers_[i].id, text, ordered);
            if (rule) dump();
            require(!rule, rule.value_or(""));
            if (publishes(way.to))
                require(first_frame(text).compare(0, peers_[i].prefix.size(), peers_[i].prefix) == 0,
                        "a topic without a subscription");
        }
        require(peers_[i].went || lingered_ || !peers_[i].wire->inside_message(), "a message has no end");
    }
}

// Every message that was said arrived, or was dropped for a reason, or is counted as lost. If peers left, what was under way
// between them and the device is missing too.
void model_run::check_counts() {
    const auto statistics = device_.statistics();
    std::uint64_t received = 0, sent = 0, dropped = 0, malformed = 0;
    for (const auto& flow : {statistics.in, statistics.out}) {
        require(flow.pending() == 0, "a message is neither sent nor dropped");
        received += flow.messages_received;
        sent += flow.messages_sent;
        malformed += flow.malformed;
        dropped += flow.malformed + flow.unroutable + flow.overflowed;
    }
    const auto lost_at = [this](const char* role) {
        const auto counts = device_.connections(role);
        return counts.messages_lost + counts.drain_discards + counts.departed_copies;
    };
    const auto lost_in = lost_at("in"), lost_out = lost_at("out");
    std::uint64_t lost = lost_in + lost_out;
    const std::string figures = ": said " + std::to_string(said_) + ", received " + std::to_string(received) + ", sent " +
                                std::to_string(sent) + ", dropped " + std::to_string(dropped) + ", lost " +
                                std::to_string(lost) + ", arrived " + std::to_string(heard_);
    const bool publishing = publishes(type(out));
    if (publishing) received = statistics.in.messages_received, heard_ = statistics.in.messages_sent, lost = lost_in;
    require(received <= said_, "a message was invented" + figures);
    require(malformed <= malformed_, "a message is not malformed" + figures);
    const std::uint64_t found = heard_ + dropped + lost;
    for (auto& each : peers_) each.reset = each.reset || !each.wire->ready();  // it may never have been accepted
    const bool none_reset = !lingered_ && none(in, &model_peer::reset) && none(out, &model_peer::reset);
    const bool none_went = publishing || (none(in, &model_peer::went) && none(out, &model_peer::went));
    require(found <= said_, "more messages are accounted for than there were" + figures);
    if (none_reset && none_went && found != said_) dump();
    if (none_reset && none_went) require(found == said_, "a message is not accounted for" + figures);
    if (none_reset && lost == 0) require(malformed == malformed_, "a malformed message is not counted" + figures);
}

// Each copy is of a message that was sent on.
void model_run::check_monitor() {
    const bool publishing = publishes(type(mon));
    std::uint64_t heard = 0, readers = 0;
    for (std::size_t i = 0; i < peers_.size(); ++i) {
        if (peers_[i].at != mon) continue;
        if (peers_[i].wire->ready()) ++readers;
        for (std::string text : peers_[i].wire->heard()) {
            ++heard;
            const auto prefix = take_first(text);
            require(prefix == "in" || prefix == "out", "a copy without a prefix");
            if (prefix == "out" && subscribes(type(in))) continue;
            auto& copies = copies_[prefix == "in" ? in : out];
            const auto rule =
                publishing ? copies.published(static_cast<int>(i), text) : copies.once(static_cast<int>(i), {}, text, false);
            require(!rule, "monitor: " + rule.value_or(""));
        }
    }
    std::uint64_t copied = 0, dropped = 0, sent = 0;
    const auto statistics = device_.statistics();
    for (const auto& flow : {statistics.in, statistics.out}) {
        copied += flow.monitor_sent;
        dropped += flow.monitor_dropped;
        sent += flow.messages_sent;
    }
    const auto counts = device_.connections("mon");
    const std::string figures = ": sent " + std::to_string(sent) + ", copied " + std::to_string(copied) + ", dropped " +
                                std::to_string(dropped) + ", lost " + std::to_string(counts.messages_lost) +
                                ", subscriber drops " + std::to_string(counts.subscriber_drops) + ", arrived " +
                                std::to_string(heard);
    require(copied + dropped <= sent, "a copy was invented" + figures);
    if (!none(mon, &model_peer::went)) return;
    if (!publishing) require(copied + dropped == sent, "a message without a copy" + figures);
    if (!publishing) require(copied == heard + counts.messages_lost, "a copy is not accounted for" + figures);
    if (publishing && readers == 1)
        require(copied + dropped == heard + counts.messages_lost + counts.departed_copies + counts.subscriber_drops,
                "a copy is not accounted for" + figures);
}

int run(std::uint64_t runs, std::uint64_t seed) {
    std::uint64_t messages = 0;
    for (std::uint64_t i = seed; i < seed + runs; ++i) {
        std::string text;
        try {
            model_run one(i);
            text = one.text();
            one.play();
            messages += one.messages();
        } catch (const std::exception& error) {
            std::fprintf(stderr, "seed %llu (%s): %s\n", static_cast<unsigned long long>(i), text.c_str(), error.what());
            return EXIT_FAILURE;
        }
    }
    std::printf("%llu topologies, %llu messages: every rule was kept\n", static_cast<unsigned long long>(runs),
                static_cast<unsigned long long>(messages));
    return EXIT_SUCCESS;
}

}  // namespace zdev::test

int main(int argc, char** argv) {
    const auto number = [&](int i, std::uint64_t otherwise) {
        return argc > i ? std::strtoull(argv[i], nullptr, 10) : otherwise;
    };
    return zdev::test::run(number(1, 200), number(2, 1));
}
