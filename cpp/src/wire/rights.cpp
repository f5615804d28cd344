#include "rights.hpp"

#include <algorithm>

namespace zdev::wire {

namespace {

bool begins(std::string_view prefix, std::string_view text) noexcept { return text.substr(0, prefix.size()) == prefix; }

}  // namespace

prefixes::prefixes(std::vector<std::string> all) : sorted_(std::move(all)) {
    std::sort(sorted_.begin(), sorted_.end());
    const auto adds_nothing = [](const std::string& shorter, const std::string& longer) { return begins(shorter, longer); };
    sorted_.erase(std::unique(sorted_.begin(), sorted_.end(), adds_nothing), sorted_.end());
}

// As none begins another, only the last one that does not come after the topic can begin it.
bool prefixes::cover(std::string_view topic) const noexcept {
    const auto next = std::upper_bound(sorted_.begin(), sorted_.end(), topic);
    return next != sorted_.begin() && begins(*std::prev(next), topic);
}

prefixes::range prefixes::within(std::string_view prefix) const noexcept {
    const auto first = std::lower_bound(sorted_.begin(), sorted_.end(), prefix);
    return {first, std::find_if_not(first, sorted_.end(), [prefix](const auto& each) { return begins(prefix, each); })};
}

bool user_rights::deny_subscription(std::string_view prefix) const noexcept {
    const auto [first, last] = subscribe.within(prefix);
    return first == last && !subscribe.cover(prefix);
}

void rights_table::set(rights_by_user asked) {
    if (asked == asked_) return;
    asked_ = std::move(asked);
    users_.clear();
    if (!asked_) return;
    users_[anybody_else] = std::make_shared<user_rights>(topic_rights{});
    for (const auto& [user, each] : *asked_) users_[user] = std::make_shared<user_rights>(each);
}

std::shared_ptr<const user_rights> rights_table::of(const std::string& user) const {
    if (users_.empty()) return nullptr;
    const auto found = users_.find(user);
    return found == users_.end() ? users_.at(anybody_else) : found->second;
}

}  // namespace zdev::wire
