#include "subscriptions.hpp"

#include <algorithm>
#include <random>
#include <utility>

namespace zdev::wire {

namespace {

constexpr std::size_t fewest_slots = 16;

}  // namespace

subscriptions::subscriptions()
    : seed_(std::uint64_t{std::random_device{}()} << 32 | std::random_device{}()), slots_(fewest_slots) {}

// FNV-1a: each byte extends the hash of those before.
std::uint64_t subscriptions::hash(std::string_view bytes, std::uint64_t before) const noexcept {
    for (const char byte : bytes) before = (before ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    return before;
}

std::size_t subscriptions::find(std::uint64_t hash, std::string_view prefix) const {
    std::size_t at = home(hash);
    while (slots_[at].held && (slots_[at].hash != hash || slots_[at].held->prefix != prefix)) at = after(at);
    return at;
}

void subscriptions::resize(std::size_t slots) {
    auto before = std::exchange(slots_, std::vector<slot>(slots));
    for (slot& each : before) {
        if (each.held) slots_[find(each.hash, each.held->prefix)] = std::move(each);
    }
}

// Empties a slot, and moves up the entries that had found it occupied.
void subscriptions::erase(std::size_t at) {
    slots_[at].held.reset();
    for (std::size_t next = after(at); slots_[next].held; next = after(next)) {
        const std::size_t mask = slots_.size() - 1, away = (next - home(slots_[next].hash)) & mask;
        if (away < ((next - at) & mask)) continue;
        slots_[at] = std::move(slots_[next]);
        at = next;
    }
    if (--used_ * 8 < slots_.size() && slots_.size() > fewest_slots) resize(slots_.size() / 2);
}

subscriptions::change subscriptions::add(connection& peer, std::string_view prefix) {
    const std::uint64_t key = hash(prefix, seed_);
    std::size_t at = find(key, prefix);
    const bool first = !slots_[at].held;
    if (first) {
        if ((used_ + 1) * 2 > slots_.size()) {
            resize(slots_.size() * 2);
            at = find(key, prefix);
        }
        slots_[at] = {key, std::make_unique<entry>(entry{std::string(prefix), {}})};
        ++used_;
        ++lengths_[prefix.size()];
    }
    entry& to = *slots_[at].held;
    if (!by_peer_[&peer].insert(&to).second) return change::none;
    to.peers.push_back(&peer);
    return first ? change::of_all : change::of_peer;
}

subscriptions::change subscriptions::remove(connection& peer, std::string_view prefix) {
    const auto own = by_peer_.find(&peer);
    const entry* const known = slots_[find(hash(prefix, seed_), prefix)].held.get();
    if (own == by_peer_.end() || !known || own->second.erase(known) == 0) return change::none;
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
    const std::size_t at = find(hash(prefix, seed_), prefix);
    auto& peers = slots_[at].held->peers;
    *std::find(peers.begin(), peers.end(), &peer) = peers.back();
    peers.pop_back();
    if (!peers.empty()) return false;
    if (--lengths_[prefix.size()] == 0) lengths_.erase(prefix.size());
    erase(at);
    return true;
}

std::size_t subscriptions::count(const connection& peer) const {
    const auto own = by_peer_.find(&peer);
    return own == by_peer_.end() ? 0 : own->second.size();
}

std::vector<std::string> subscriptions::of(const connection& peer) const {
    std::vector<std::string> found;
    const auto own = by_peer_.find(&peer);
    if (own == by_peer_.end()) return found;
    for (const entry* const each : own->second) found.push_back(each->prefix);
    return found;
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
        const entry* const known = slots_[find(so_far, topic.substr(0, length))].held.get();
        if (!known) continue;
        found.insert(found.end(), known->peers.begin(), known->peers.end());
        ++entries;
    }
    if (entries < 2) return;
    const auto first = found.begin() + static_cast<std::ptrdiff_t>(before);
    std::sort(first, found.end());
    found.erase(std::unique(first, found.end()), found.end());
}

}  // namespace zdev::wire
