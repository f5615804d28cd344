#include "subscriptions.hpp"

#include <algorithm>
#include <random>

namespace zdev::wire {

subscriptions::subscriptions() : seed_(std::uint64_t{std::random_device{}()} << 32 | std::random_device{}()) {}

// FNV-1a: each byte extends the hash of those before.
std::uint64_t subscriptions::hash(std::string_view bytes, std::uint64_t before) const noexcept {
    for (const char byte : bytes) before = (before ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    return before;
}

subscriptions::table::const_iterator subscriptions::find(std::uint64_t hash, std::string_view prefix) const {
    for (auto [at, end] = all_.equal_range(hash); at != end; ++at) {
        if (at->second.prefix == prefix) return at;
    }
    return all_.end();
}

subscriptions::change subscriptions::add(connection& peer, std::string_view prefix) {
    const std::uint64_t key = hash(prefix, seed_);
    const auto known = find(key, prefix);
    const bool first = known == all_.end();
    auto& to = first ? all_.emplace(key, entry{std::string(prefix), {}})->second : const_cast<entry&>(known->second);
    if (first) ++lengths_[prefix.size()];
    if (!by_peer_[&peer].insert(&to).second) return change::none;
    to.peers.push_back(&peer);
    return first ? change::of_all : change::of_peer;
}

subscriptions::change subscriptions::remove(connection& peer, std::string_view prefix) {
    const auto own = by_peer_.find(&peer);
    const auto known = find(hash(prefix, seed_), prefix);
    if (own == by_peer_.end() || known == all_.end() || own->second.erase(&known->second) == 0) return change::none;
    return erase(prefix, peer) ? change::of_all : change::of_peer;
}

std::vector<std::string> subscriptions::remove(connection& peer) {
    std::vector<std::string> orphaned;
    const auto own = by_peer_.find(&peer);
    if (own == by_peer_.end()) return orphaned;
    const auto entries = std::move(own->second);
    by_peer_.erase(own);
    for (const entry* const each : entries) {
        std::string prefix = each->prefix;
        if (erase(prefix, peer)) orphaned.push_back(std::move(prefix));
    }
    return orphaned;
}

// Returns whether the prefix has no subscriber left.
bool subscriptions::erase(std::string_view prefix, const connection& peer) {
    const auto at = find(hash(prefix, seed_), prefix);
    auto& peers = const_cast<entry&>(at->second).peers;
    *std::find(peers.begin(), peers.end(), &peer) = peers.back();
    peers.pop_back();
    if (!peers.empty()) return false;
    if (--lengths_[prefix.size()] == 0) lengths_.erase(prefix.size());
    all_.erase(at);
    return true;
}

std::size_t subscriptions::count(const connection& peer) const {
    const auto own = by_peer_.find(&peer);
    return own == by_peer_.end() ? 0 : own->second.size();
}

void subscriptions::match(std::string_view topic, std::vector<connection*>& found) const {
    const std::size_t before = found.size();
    std::uint64_t so_far = seed_;
    std::size_t hashed = 0;
    int entries = 0;
    for (const auto& [length, count] : lengths_) {
        if (length > topic.size()) break;
        so_far = hash(topic.substr(hashed, length - hashed), so_far);
        hashed = length;
        const auto at = find(so_far, topic.substr(0, length));
        if (at == all_.end()) continue;
        found.insert(found.end(), at->second.peers.begin(), at->second.peers.end());
        ++entries;
    }
    if (entries < 2) return;
    const auto first = found.begin() + static_cast<std::ptrdiff_t>(before);
    std::sort(first, found.end());
    found.erase(std::unique(first, found.end()), found.end());
}

}  // namespace zdev::wire
