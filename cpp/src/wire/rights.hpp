// What the users of a role may publish and subscribe to, as prefixes of topics.
//
// Threads: the loop's alone, but for the constructors.

#ifndef ZDEV_SRC_WIRE_RIGHTS_HPP
#define ZDEV_SRC_WIRE_RIGHTS_HPP

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <zdev/wire_spec.hpp>

namespace zdev::wire {

// Prefixes, of which none begins another: a longer one would add nothing.
class prefixes {
public:
    using range = std::pair<std::vector<std::string>::const_iterator, std::vector<std::string>::const_iterator>;

    explicit prefixes(std::vector<std::string> all);

    bool cover(std::string_view topic) const noexcept;     // one of them begins it
    range within(std::string_view prefix) const noexcept;  // those that begin with it

private:
    std::vector<std::string> sorted_;
};

struct user_rights {
    explicit user_rights(const topic_rights& asked) : publish(asked.publish), subscribe(asked.subscribe) {}

    // Whether a subscription brings nothing: it neither begins with an allowed prefix nor contains one.
    bool deny_subscription(std::string_view prefix) const noexcept;

    prefixes publish, subscribe;
};

class rights_table {
public:
    explicit rights_table(rights_by_user asked = {}) { set(std::move(asked)); }
    void set(rights_by_user asked);                                        // without a change, of() returns the same as before
    bool limited() const noexcept { return !users_.empty(); }              // some user may not do everything
    std::shared_ptr<const user_rights> of(const std::string& user) const;  // null: everything

private:
    rights_by_user asked_;
    std::map<std::string, std::shared_ptr<const user_rights>> users_;
};

}  // namespace zdev::wire

#endif
