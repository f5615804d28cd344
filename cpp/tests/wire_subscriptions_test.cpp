// Subscribers of a topic, compared with a model that looks at every prefix.

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "../src/wire/subscriptions.hpp"

namespace zdev::wire {
namespace {

// Never dereferenced. NOLINTNEXTLINE(performance-no-int-to-ptr)
connection& peer(std::size_t number) { return *reinterpret_cast<connection*>(1 + number); }

TEST(Subscriptions, MatchWhatAModelMatches) {
    for (unsigned seed = 0; seed < 50; ++seed) {
        std::mt19937 random(seed);
        const auto word = [&random](std::size_t most) {
            std::string made(random() % (most + 1), 'a');
            for (char& c : made) c = static_cast<char>('a' + random() % 2);
            return made;
        };
        subscriptions all;
        std::set<std::pair<std::string, std::size_t>> model;
        const auto subscribed = [&model](const std::string& prefix) {
            return std::any_of(model.begin(), model.end(), [&](const auto& each) { return each.first == prefix; });
        };
        for (int i = 0; i < 300; ++i) {
            const std::size_t who = random() % 4;
            const std::string prefix = word(5);
            if (random() % 20 == 0) {
                for (auto at = model.begin(); at != model.end();) at = at->second == who ? model.erase(at) : std::next(at);
                for (const auto& orphan : all.remove(peer(who))) ASSERT_FALSE(subscribed(orphan));
            } else if (random() % 2) {
                const bool known = subscribed(prefix), own = !model.emplace(prefix, who).second;
                const auto expected = own     ? subscriptions::change::none
                                      : known ? subscriptions::change::of_peer
                                              : subscriptions::change::of_all;
                ASSERT_EQ(all.add(peer(who), prefix), expected);
            } else {
                const bool own = model.erase({prefix, who}) > 0;
                const auto expected = !own                 ? subscriptions::change::none
                                      : subscribed(prefix) ? subscriptions::change::of_peer
                                                           : subscriptions::change::of_all;
                ASSERT_EQ(all.remove(peer(who), prefix), expected);
            }
            const std::string topic = word(8);
            std::set<connection*> expected;
            for (const auto& [each, number] : model) {
                if (topic.compare(0, each.size(), each) == 0) expected.insert(&peer(number));
            }
            std::vector<connection*> found;
            all.match(topic, found);
            ASSERT_EQ(std::set<connection*>(found.begin(), found.end()), expected);
            ASSERT_EQ(found.size(), expected.size());
            ASSERT_EQ(all.empty(), model.empty());
        }
    }
}

}  // namespace
}  // namespace zdev::wire
