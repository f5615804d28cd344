#include "admission.hpp"

#include <cerrno>
#include <iterator>
#include <utility>

#include "errors.hpp"

namespace zdev::wire {

namespace {

constexpr std::size_t most_refused = 100;
constexpr std::size_t most_shown = 64;  // bytes of a topic

void wipe_passwords(credentials& old) noexcept {
    for (auto& [name, password] : old.known) zmtp::crypto::wipe(password.data(), password.size());
}

}  // namespace

bool curve_available() noexcept { return zmtp::crypto::available(); }

admission::admission(const std::string& role, const wire::security& asked)
    : server_(std::holds_alternative<curve_server>(asked) || std::holds_alternative<plain_server>(asked)),
      plain_(std::holds_alternative<plain_client>(asked) || std::holds_alternative<plain_server>(asked)) {
    try {
        adopt_keys(asked);
    } catch (const error& fault) {
        throw explained("cannot protect " + role, fault);
    }
}

void admission::adopt_keys(const wire::security& asked) {
    const auto use_key = [this](const std::string& secret) {
        if (!curve_available()) throw error(ENOTSUP, "CURVE needs libsodium, and zdev was built without it");
        keys_.emplace();
        keys_->secret = zmtp::crypto::secret_key(secret);
        keys_->public_key = zmtp::crypto::public_key_of(keys_->secret);
    };
    if (const auto* const curve = std::get_if<curve_server>(&asked)) {
        use_key(curve->secret_key);
        current_ = curve->clients;
        on_peer_ = curve->on_peer;
    } else if (const auto* const client = std::get_if<curve_client>(&asked)) {
        use_key(client->secret_key);
        server_key_ = client->server_key;
        if (server_key_.size() != zmtp::crypto::key_size) throw error(EINVAL, "invalid server_key: it must have 32 bytes");
    } else if (const auto* const plain = std::get_if<plain_server>(&asked)) {
        current_ = plain->clients;
        on_peer_ = plain->on_peer;
    } else if (const auto* const named = std::get_if<plain_client>(&asked)) {
        name_ = named->name;
        password_ = named->password;
        if (name_.size() > 255 || password_.size() > 255) {
            throw error(EINVAL, "invalid name or password: at most 255 bytes each");
        }
    }
    rights_.set(current_.rights);
}

bool admission::has_keys_of(const wire::security& asked) const {
    const auto same = [](const zmtp::crypto::secret_key& mine, const std::string& given) {
        return zmtp::crypto::equal({reinterpret_cast<const char*>(mine.data()), zmtp::crypto::key_size}, given);
    };
    if (const auto* const curve = std::get_if<curve_server>(&asked)) {
        return server_ && keys_ && same(keys_->secret, curve->secret_key);
    }
    if (const auto* const client = std::get_if<curve_client>(&asked)) {
        return !server_ && keys_ && same(keys_->secret, client->secret_key) && server_key_ == client->server_key;
    }
    if (std::holds_alternative<plain_server>(asked)) return server_ && plain_;
    if (const auto* const named = std::get_if<plain_client>(&asked)) {
        return !server_ && plain_ && name_ == named->name && password_ == named->password;
    }
    return !keys_ && !plain_;
}

admission::~admission() {
    zmtp::crypto::wipe(password_.data(), password_.size());
    for (credentials* const each : {&current_, &former_, &next_}) wipe_passwords(*each);
}

std::unique_ptr<zmtp::mechanism> admission::make_mechanism() {
    if (keys_) return server_ ? zmtp::make_curve_server(*keys_, *this) : zmtp::make_curve_client(*keys_, server_key_);
    if (plain_) return server_ ? zmtp::make_plain_server(*this) : zmtp::make_plain_client(name_, password_);
    return zmtp::make_null();
}

zmtp::verdict admission::admit(std::string_view id, std::string_view password, bool again) {
    if (on_peer_ && asking_ && !again && !current_.anyone) return on_peer_(), zmtp::verdict::later;
    const auto found = current_.known.find(std::string(id));
    if (!current_.unreadable) {
        if (!plain_ && (current_.anyone || found != current_.known.end())) return zmtp::verdict::accepted;
        if (plain_ && found != current_.known.end() && zmtp::crypto::equal(found->second, password)) {
            return zmtp::verdict::accepted;
        }
    }
    return current_.unreadable ? zmtp::verdict::error : zmtp::verdict::refused;
}

void admission::set(credentials now) {
    const std::lock_guard<std::mutex> lock(guard_);
    wipe_passwords(next_);
    next_ = std::move(now);
    changed_ = true;
}

bool admission::adopt() {
    if (!changed_.load(std::memory_order_relaxed)) return false;
    const std::lock_guard<std::mutex> lock(guard_);
    changed_ = false;
    if (!current_.unreadable) {
        wipe_passwords(former_);
        former_ = std::move(current_);
    }
    current_ = std::exchange(next_, {});
    rights_.set(current_.rights);
    asking_ = false;
    return true;
}

// While the credentials cannot be read, nobody has lost any.
bool admission::withdrawn(const std::string& id) const {
    if (current_.unreadable || (!plain_ && current_.anyone)) return false;
    const auto now = current_.known.find(id), then = former_.known.find(id);
    if (now == current_.known.end()) return true;
    return plain_ && (then == former_.known.end() || !zmtp::crypto::equal(now->second, then->second));
}

std::string admission::user_of(const std::string& id) const {
    if (plain_ || !server_) return plain_ ? id : std::string();
    const auto& known = current_.unreadable ? former_.known : current_.known;
    const auto found = known.find(id);
    return found == known.end() ? std::string() : found->second;
}

void admission::note_refused(const std::string& address, const std::string& id, const std::string& reason) {
    const std::lock_guard<std::mutex> lock(guard_);
    if (refused_.size() == most_refused) refused_.pop_front();
    refused_.push_back({address, plain_ ? std::string() : id, reason});
}

void admission::note_denied(const std::string& address, const std::string& id, bool subscription, std::string_view topic) {
    if (has_denied_) return;
    const std::lock_guard<std::mutex> lock(guard_);
    denied_ = {address, user_of(id), subscription, std::string(topic.substr(0, most_shown))};
    has_denied_ = true;
}

std::optional<denied_topic> admission::take_denied() {
    if (!has_denied_) return std::nullopt;
    const std::lock_guard<std::mutex> lock(guard_);
    has_denied_ = false;
    return std::move(denied_);
}

std::vector<refused_peer> admission::take_refused() {
    const std::lock_guard<std::mutex> lock(guard_);
    const auto taken = std::exchange(refused_, {});
    return {taken.begin(), taken.end()};
}

}  // namespace zdev::wire
