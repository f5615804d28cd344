// The prefixes that peers have subscribed to. Nothing recurses, so a prefix may have any length.
//
// A topic is hashed once, from its front; at each length that some prefix has, the hash so far is looked up. The cost of a
// match is the length of the topic plus one look-up for each length of a prefix; it does not depend on the number of prefixes.

#ifndef ZDEV_SRC_WIRE_SUBSCRIPTIONS_HPP
#define ZDEV_SRC_WIRE_SUBSCRIPTIONS_HPP

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace zdev::wire {

class connection;

class subscriptions {
public:
    subscriptions();

    // What a call changed: nothing; only this peer's subscriptions; or also whether any peer has subscribed to that prefix.
    enum class change { none, of_peer, of_all };

    change add(connection& peer, std::string_view prefix);
    change remove(connection& peer, std::string_view prefix);
    // Removes all subscriptions of a peer; returns the prefixes without any subscriber left.
    std::vector<std::string> remove(connection& peer);

    std::size_t count(const connection& peer) const;
    bool empty() const noexcept { return all_.empty(); }

    // Bytes at the front of a topic beyond which it cannot matter.
    std::size_t longest() const noexcept { return lengths_.empty() ? 0 : lengths_.rbegin()->first; }

    // Appends the peers that subscribed to a prefix of the topic, each once.
    void match(std::string_view topic, std::vector<connection*>& found) const;

    template <class Visit>
    void for_each(Visit&& visit) const {
        for (const auto& each : all_) visit(each.second.prefix);
    }

private:
    struct entry {
        std::string prefix;
        std::vector<connection*> peers;
    };
    using table = std::unordered_multimap<std::uint64_t, entry>;

    std::uint64_t hash(std::string_view bytes, std::uint64_t before) const noexcept;
    table::const_iterator find(std::uint64_t hash, std::string_view prefix) const;
    bool erase(std::string_view prefix, const connection& peer);

    const std::uint64_t seed_;  // random, so that a peer cannot choose prefixes that collide
    table all_;
    std::map<std::size_t, std::size_t> lengths_;  // lengths of prefixes, and how many prefixes have each
    std::unordered_map<const connection*, std::unordered_set<const entry*>> by_peer_;
};

}  // namespace zdev::wire

#endif
