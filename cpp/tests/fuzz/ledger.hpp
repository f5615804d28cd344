// A model of the relay contract: the messages that peers sent, what must happen to each, and what arrived.

#ifndef ZDEV_TESTS_FUZZ_LEDGER_HPP
#define ZDEV_TESTS_FUZZ_LEDGER_HPP

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "input.hpp"

namespace zdev::fuzz {

using message = std::vector<std::string>;

inline bool is_subscription(const std::string& frame) { return !frame.empty() && (frame[0] == 0 || frame[0] == 1); }

inline std::string text(const message& m) {
    std::string shown = "[";
    for (const auto& frame : m) {
        for (const char c : frame.substr(0, 40))
            shown += c >= ' ' && c <= '~' ? std::string(1, c) : "\\" + std::to_string(c & 255);
        shown += " | ";
    }
    return shown + "]";
}

// The message that a socket of `type` receives if a peer sends `sent`; nothing if a REQ or REP drops it for its missing
// envelope.
inline std::optional<message> received(int type, const std::string& sender, message sent) {
    if (type == ZMQ_ROUTER) sent.insert(sent.begin(), sender);
    if (type != ZMQ_REP && type != ZMQ_REQ) return sent;
    const auto delimiter = std::find(sent.begin(), sent.end() - 1, "");
    if (delimiter == sent.end() - 1 || (type == ZMQ_REQ && delimiter != sent.begin())) return std::nullopt;
    return message(delimiter + 1, sent.end());
}

// arrives: at one peer, or at every peer of a publisher. unseen: the device does not receive it.
enum class fate { arrives, malformed, unroutable, unseen };

struct entry {
    zdev::fuzz::fate fate = fate::unseen;
    std::size_t number = 0;  // from 1
    unsigned from = 0;       // 0: sent to `in`, 1: to `out`
    unsigned sender = 0;     // among the peers of that side
    std::string receiver;    // the peer that it is for; empty: any
    message onward;          // as the device sends it
    message form;            // as a peer receives it
    std::set<unsigned> receivers;
    bool watched = false;
};

struct route {
    int from, to;
    bool one_socket;
};

// Decides what must happen to a message that the device received.
inline void decide(entry& e, const route& way, message frames, const std::set<std::string>& known) {
    const bool swap = way.from == ZMQ_ROUTER && way.to == ZMQ_ROUTER && !way.one_socket;
    if (way.to == ZMQ_ROUTER) {
        e.fate = fate::malformed;
        if (frames.size() < (swap ? 3 : 2) || (swap && (frames[1].empty() || frames[1].size() > 255))) return;
        if (swap) std::swap(frames[0], frames[1]);
        e.receiver = frames[0];
    }
    if (way.to == ZMQ_XSUB && std::any_of(frames.begin() + 1, frames.end(), is_subscription)) {  // it would end others' topics
        e.fate = fate::malformed;
        return;
    }
    e.onward = e.form = frames;
    if (way.to == ZMQ_ROUTER) e.form.erase(e.form.begin());
    if (way.to == ZMQ_REQ) e.form.insert(e.form.begin(), "");
    e.fate = way.to == ZMQ_ROUTER && !known.count(e.receiver) ? fate::unroutable : fate::arrives;
}

// Numbers every message in its last frame, and recognises it by that number when it arrives.
class ledger {
public:
    entry& add(message& frames, const std::string& padding) {
        std::string number = std::to_string(entries_.size());
        frames.push_back("#" + std::string(4 - std::min<std::size_t>(number.size(), 4), '0') + number + padding);
        entries_.emplace_back();
        entries_.back().number = entries_.size();
        return entries_.back();
    }

    // A peer of a side, where the device has a socket of `type`, received a message. (A REP adds the request's envelope.)
    void arrived(unsigned side, unsigned receiver, const std::string& id, const message& m, int type) {
        entry* const e = find(m);
        if (!e) return expect(is_own_or_subscription(m, type), "a message that no peer sent: " + text(m));
        const auto extra = m.size() - std::min(m.size(), e->form.size());
        const bool whole = std::equal(e->form.rbegin(), e->form.rend(), m.rbegin(), m.rend() - static_cast<long>(extra));
        const bool framed = type == ZMQ_REP ? extra > 0 && m[extra - 1].empty() : extra == 0;
        expect(e->fate == fate::arrives, "a message arrived that must not: " + text(m));
        expect(whole && framed, "framing shifted: sent " + text(e->form) + " arrived " + text(m));
        expect(e->receiver.empty() || e->receiver == id, "a message reached the wrong peer: " + text(m));
        expect(e->receivers.insert(receiver).second, "a message arrived twice: " + text(m));
        in_order(last_[{side, receiver, e->from, e->sender}], *e, m);
    }

    // The monitor's subscriber received a copy.
    void watched(const message& m) {
        expect(m.size() > 1, "a copy without a prefix: " + text(m));
        entry* const e = find(m);
        const message rest(m.begin() + 1, m.end());
        if (!e)
            return expect(rest.size() == 1 && is_subscription(rest[0]), "a copy of a message that no peer sent: " + text(m));
        expect(m[0] == (e->from == 0 ? "in" : "out") && rest == e->onward,
               "a wrong copy " + text(m) + " of " + text(e->onward));
        expect(!std::exchange(e->watched, true), "a copy arrived twice: " + text(m));
        in_order(last_watched_[{e->from, e->sender}], *e, m);
    }

    std::size_t count(unsigned from, fate f) const {
        return static_cast<std::size_t>(
            std::count_if(entries_.begin(), entries_.end(), [&](const entry& e) { return e.from == from && e.fate == f; }));
    }
    // The number of missing arrivals, if every message from a side must arrive at `peers` peers.
    std::size_t missing(unsigned from, std::size_t peers) const {
        std::size_t lacking = 0;
        for (const entry& e : entries_) {
            if (e.from == from && e.fate == fate::arrives) lacking += peers - std::min(peers, e.receivers.size());
        }
        return lacking;
    }

private:
    // A subscription is relayed as another peer sent it. A peer that connects later receives it from the device, over inproc
    // without the first byte.
    static bool is_own_or_subscription(const message& m, int type) {
        if (type == ZMQ_XSUB || type == ZMQ_SUB) return m.size() == 1 && (m[0].empty() || m[0] == "a" || is_subscription(m[0]));
        const bool framed = type == ZMQ_REP || type == ZMQ_REQ ? m.size() > 1 && m[m.size() - 2].empty() : m.size() == 1;
        return framed && is_subscription(m.back());
    }
    entry* find(const message& m) {
        const auto& tag = m.back();
        if (tag.size() < 5 || tag[0] != '#') return nullptr;
        const auto number = std::strtoul(tag.substr(1, 4).c_str(), nullptr, 10);
        return number < entries_.size() ? &entries_[number] : nullptr;
    }
    static void in_order(std::size_t& last, const entry& e, const message& m) {
        expect(last < e.number, "out of order: " + text(m));
        last = e.number;
    }

    std::vector<entry> entries_;
    std::map<std::array<unsigned, 4>, std::size_t> last_;
    std::map<std::array<unsigned, 2>, std::size_t> last_watched_;
};

}  // namespace zdev::fuzz

#endif
