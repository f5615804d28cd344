// The prefixes that peers have subscribed to. Nothing recurses, so a prefix may have any length.
//
// A topic is hashed once, from its front; at each length that some prefix has, the hash so far is looked up. The cost of a
// match is the length of the topic plus one look-up for each length of a prefix; it does not depend on the number of prefixes.
// Most look-ups find nothing, so the table has open addressing: that takes one access to memory.

#ifndef ZDEV_SRC_WIRE_SUBSCRIPTIONS_HPP
#define ZDEV_SRC_WIRE_SUBSCRIPTIONS_HPP

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
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
    std::vector<std::string> of(const connection& peer) const;
    bool empty() const noexcept { return used_ == 0; }

    // Bytes at the front of a topic beyond which it cannot matter.
    std::size_t longest() const noexcept { return lengths_.empty() ? 0 : lengths_.rbegin()->first; }

    // Appends the peers that subscribed to a prefix of the topic, each once.
    void match(std::string_view topic, std::vector<connection*>& found) const;

    template <class Visit>
    void for_each(Visit&& visit) const {
        for (const auto& each : slots_) {
            if (each.held) visit(each.held->prefix);
        }
    }

private:
    struct entry {
        std::string prefix;
        std::vector<connection*> peers;
    };
    struct slot {
        std::uint64_t hash = 0;
        std::unique_ptr<entry> held;  // null: free
    };

    std::uint64_t hash(std::string_view bytes, std::uint64_t before) const noexcept;
    std::size_t home(std::uint64_t hash) const noexcept { return (hash ^ hash >> 32) & (slots_.size() - 1); }
    std::size_t after(std::size_t at) const noexcept { return (at + 1) & (slots_.size() - 1); }
    std::size_t find(std::uint64_t hash, std::string_view prefix) const;  // its slot, or the free one where it would be
    void resize(std::size_t slots);
    void erase(std::size_t at);
    bool erase(std::string_view prefix, const connection& peer);

    const std::uint64_t seed_;  // random, so that a peer cannot choose prefixes that collide
    std::vector<slot> slots_;   // a power of 2, at most half of them used; an entry is at its home or shortly after it
    std::size_t used_ = 0;
    std::map<std::size_t, std::size_t> lengths_;  // lengths of prefixes, and how many prefixes have each
    std::unordered_map<const connection*, std::unordered_set<const entry*>> by_peer_;
};

}  // namespace zdev::wire

#endif
