// Which prefixes are subscribed to, and by whom. Nothing recurses, so a prefix may have any length.

#ifndef ZDEV_SRC_WIRE_SUBSCRIPTIONS_HPP
#define ZDEV_SRC_WIRE_SUBSCRIPTIONS_HPP

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace zdev::wire {

class connection;

class subscriptions {
public:
    // What changed: nothing; this peer's own subscriptions; also whether anybody at all has subscribed to that prefix.
    enum class change { none, of_peer, of_all };

    change add(connection& peer, std::string_view prefix);
    change remove(connection& peer, std::string_view prefix);
    // Removes all of a peer; returns the prefixes that nobody has any more.
    std::vector<std::string> remove(connection& peer);

    std::size_t count(const connection& peer) const;
    bool empty() const noexcept { return all_.empty(); }

    // Appends the peers that subscribed to a prefix of the topic, each once.
    void match(std::string_view topic, std::vector<connection*>& found) const;

    template <class Visit>
    void for_each(Visit&& visit) const {
        for (const auto& [prefix, peers] : all_) visit(prefix);
    }

private:
    // Ordered, so that one search finds the longest prefix of a topic, and each next search a shorter one.
    using table = std::map<std::string, std::vector<connection*>, std::less<>>;

    bool erase(table::iterator entry, const connection& peer);

    table all_;
    std::unordered_map<const connection*, std::map<std::string_view, table::iterator>> by_peer_;  // views into the table's keys
};

}  // namespace zdev::wire

#endif
