#include "subscriptions.hpp"

#include <algorithm>

namespace zdev::wire {

namespace {

std::size_t common_prefix(std::string_view a, std::string_view b) noexcept {
    const auto differs =
        std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(std::min(a.size(), b.size())), b.begin());
    return static_cast<std::size_t>(differs.first - a.begin());
}

}  // namespace

subscriptions::change subscriptions::add(connection& peer, std::string_view prefix) {
    auto entry = all_.find(prefix);
    const bool first = entry == all_.end();
    if (first) entry = all_.emplace(std::string(prefix), std::vector<connection*>()).first;
    if (!by_peer_[&peer].emplace(entry->first, entry).second) return change::none;
    entry->second.push_back(&peer);
    return first ? change::of_all : change::of_peer;
}

subscriptions::change subscriptions::remove(connection& peer, std::string_view prefix) {
    const auto own = by_peer_.find(&peer);
    if (own == by_peer_.end()) return change::none;
    const auto at = own->second.find(prefix);
    if (at == own->second.end()) return change::none;
    const auto entry = at->second;
    own->second.erase(at);
    return erase(entry, peer) ? change::of_all : change::of_peer;
}

std::vector<std::string> subscriptions::remove(connection& peer) {
    std::vector<std::string> orphaned;
    const auto own = by_peer_.find(&peer);
    if (own == by_peer_.end()) return orphaned;
    for (const auto& [prefix, entry] : own->second) {
        if (entry->second.size() == 1) orphaned.emplace_back(prefix);
    }
    const auto entries = std::move(own->second);
    by_peer_.erase(own);
    for (const auto& each : entries) erase(each.second, peer);
    return orphaned;
}

// Returns whether nobody has that prefix any more.
bool subscriptions::erase(table::iterator entry, const connection& peer) {
    auto& peers = entry->second;
    const auto at = std::find(peers.begin(), peers.end(), &peer);
    *at = peers.back();
    peers.pop_back();
    if (!peers.empty()) return false;
    all_.erase(entry);
    return true;
}

std::size_t subscriptions::count(const connection& peer) const {
    const auto own = by_peer_.find(&peer);
    return own == by_peer_.end() ? 0 : own->second.size();
}

// The greatest entry that is not beyond the topic begins with every prefix of the topic that is an entry at all.
void subscriptions::match(std::string_view topic, std::vector<connection*>& found) const {
    const std::size_t before = found.size();
    int entries = 0;
    for (auto at = all_.upper_bound(topic); at != all_.begin(); at = all_.upper_bound(topic)) {
        const auto& [prefix, peers] = *--at;
        const std::size_t shared = common_prefix(prefix, topic);
        if (shared < prefix.size()) {
            topic = topic.substr(0, shared);
            continue;
        }
        found.insert(found.end(), peers.begin(), peers.end());
        ++entries;
        if (prefix.empty()) break;
        topic = topic.substr(0, prefix.size() - 1);
    }
    if (entries < 2) return;
    const auto first = found.begin() + static_cast<std::ptrdiff_t>(before);
    std::sort(first, found.end());
    found.erase(std::unique(first, found.end()), found.end());
}

}  // namespace zdev::wire
