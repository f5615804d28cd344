#include "curve.hpp"

#include <cstring>
#include <utility>

namespace zdev::zmtp {

namespace {

using crypto::key_size;
using crypto::mac_size;
using crypto::secret_key;

constexpr std::size_t number_size = 8, long_nonce = 16;
constexpr std::string_view version{"\1\0", 2};
constexpr std::size_t hello_size = 2 + 72 + key_size + number_size + 64 + mac_size;
constexpr std::size_t cookie_size = long_nonce + 2 * key_size + mac_size;
constexpr std::size_t welcome_size = long_nonce + key_size + cookie_size + mac_size;
constexpr std::size_t vouch_size = long_nonce + 2 * key_size + mac_size;
constexpr std::size_t shortest_initiate = cookie_size + number_size + key_size + vouch_size + mac_size;

// A nonce that begins with `prefix`, 8 or 16 characters.
crypto::nonce full_nonce(std::string_view prefix, std::string_view rest) noexcept {
    crypto::nonce made;
    std::memcpy(made.data(), prefix.data(), prefix.size());
    std::memcpy(made.data() + prefix.size(), rest.data(), rest.size());
    return made;
}

std::string number_text(std::uint64_t number) {
    std::string text(number_size, '\0');
    detail::put_big_endian(text.data(), number);
    return text;
}

std::string random_text(std::size_t size) {
    std::string text(size, '\0');
    crypto::fill_randomly(text.data(), size);
    return text;
}

std::string sealed(std::string_view plain, const crypto::nonce& with, const secret_key& key) {
    std::string box(plain.size() + mac_size, '\0');
    crypto::seal(box.data(), plain, with, key);
    return box;
}

std::optional<std::string> opened(std::string_view box, const crypto::nonce& with, const secret_key& key) {
    if (box.size() < mac_size) return std::nullopt;
    std::string plain(box.size() - mac_size, '\0');
    return crypto::open(plain.data(), box, with, key) ? std::make_optional(std::move(plain)) : std::nullopt;
}

std::string_view take_bytes(std::string_view& from, std::size_t size) noexcept {
    const auto taken = from.substr(0, size);
    from.remove_prefix(taken.size());
    return taken;
}

class curve : public mechanism {
public:
    std::string_view name() const noexcept override { return "CURVE"; }
    bool is_costly() const noexcept override { return true; }
    std::unique_ptr<cipher> make_cipher() override { return std::make_unique<cipher>(session_, as_server(), sent_, received_); }

protected:
    explicit curve(const crypto::key_pair& ours) : ours_(ours) {}

    std::string next_number() { return number_text(++sent_); }
    // The numbers of a peer's commands grow, and messages continue them. False: this one is not greater than the last.
    bool count(std::string_view number) noexcept {
        const std::uint64_t found = detail::big_endian(number.data(), number_size);
        if (found <= received_) return false;
        received_ = found;
        return true;
    }

    const crypto::key_pair& ours_;
    crypto::key_pair short_term_;  // of this connection only
    secret_key session_;           // agreed between the short-term keys
    std::uint64_t sent_ = 0, received_ = 0;
};

class curve_client final : public curve {
public:
    curve_client(const crypto::key_pair& ours, std::string_view server_key) : curve(ours), server_key_(server_key) {}

    void begin(std::string_view, std::string& output) override {
        short_term_ = crypto::make_keys();
        agreed_ = crypto::agree(hello_key_, server_key_, short_term_.secret);
        const std::string number = next_number();
        const auto signature = sealed(std::string(64, '\0'), full_nonce("CurveZMQHELLO---", number), hello_key_);
        std::string hello(version);
        hello.append(72, '\0').append(short_term_.public_key).append(number).append(signature);
        append_command(output, "HELLO", hello);
    }
    step take(const command& received, std::string_view ours, std::string& output) override {
        return welcomed_ ? take_ready(received) : take_welcome(received, ours, output);
    }

private:
    step take_welcome(const command& received, std::string_view ours, std::string& output) {
        if (received.name != "WELCOME" || received.data.size() != welcome_size)
            return broken("it sent no valid WELCOME of CURVE");
        std::string_view data = received.data;
        const auto nonce = take_bytes(data, long_nonce);
        const auto plain = opened(data, full_nonce("WELCOME-", nonce), hello_key_);
        if (!agreed_ || !plain) return failed(failure::authentication, "it does not have the expected key");
        std::string_view rest = *plain;
        const auto server_short_term = take_bytes(rest, key_size);
        secret_key vouching;
        if (!crypto::agree(session_, server_short_term, short_term_.secret) ||
            !crypto::agree(vouching, server_short_term, ours_.secret)) {
            return broken("its WELCOME has no usable key");
        }
        const std::string vouch_nonce = random_text(long_nonce), number = next_number();
        std::string inside = ours_.public_key;
        inside.append(vouch_nonce)
            .append(sealed(short_term_.public_key + server_key_, full_nonce("VOUCH---", vouch_nonce), vouching))
            .append(ours);
        std::string initiate(rest);
        initiate.append(number).append(sealed(inside, full_nonce("CurveZMQINITIATE", number), session_));
        append_command(output, "INITIATE", initiate);
        welcomed_ = true;
        return {};
    }
    step take_ready(const command& received) {
        if (received.name != "READY" || received.data.size() < number_size + mac_size || !count(received.data)) {
            return broken("it sent no valid READY of CURVE");
        }
        std::string_view data = received.data;
        const auto number = take_bytes(data, number_size);
        auto properties = opened(data, full_nonce("CurveZMQREADY---", number), session_);
        if (!properties) return failed(failure::authentication, "its READY was not sealed with the session's key");
        return finished(*std::move(properties));
    }

    const std::string server_key_;
    secret_key hello_key_;
    bool agreed_ = false, welcomed_ = false;
};

class curve_server final : public curve {
public:
    curve_server(const crypto::key_pair& ours, gate& door) : curve(ours), door_(door) {}

    bool as_server() const noexcept override { return true; }
    void begin(std::string_view, std::string&) override {}
    step take(const command& received, std::string_view ours, std::string& output) override {
        return cookie_.empty() ? take_hello(received, output) : take_initiate(received, ours, output);
    }
    step decide(std::string_view ours, std::string& output) override {
        const verdict now = door_.admit(client_key_, {}, false);
        if (now == verdict::later) return waiting();
        if (now != verdict::accepted) return refusal(now, "Unknown key");
        const std::string number = next_number();
        append_command(output, "READY", number + sealed(ours, full_nonce("CurveZMQREADY---", number), session_));
        return finished(std::move(properties_));
    }
    std::string_view peer_id() const noexcept override { return client_key_; }

private:
    step take_hello(const command& received, std::string& output) {
        std::string_view data = received.data;
        if (received.name != "HELLO" || data.size() != hello_size || take_bytes(data, 2) != version) {
            return broken("it sent no valid HELLO of CURVE");
        }
        data.remove_prefix(72);
        client_short_term_ = take_bytes(data, key_size);
        const auto number = take_bytes(data, number_size);
        secret_key hello_key;
        const bool agreed = crypto::agree(hello_key, client_short_term_, ours_.secret);
        if (!agreed || !count(number) || !opened(data, full_nonce("CurveZMQHELLO---", number), hello_key)) {
            return failed(failure::authentication, "it does not know this socket's key");
        }
        short_term_ = crypto::make_keys();  // not before: they cost as much as the rest of HELLO
        const std::string nonce = random_text(long_nonce);
        cookie_ = random_text(cookie_size);  // this connection keeps all it needs: a cookie only has to come back
        append_command(output, "WELCOME",
                       nonce + sealed(short_term_.public_key + cookie_, full_nonce("WELCOME-", nonce), hello_key));
        return {};
    }
    step take_initiate(const command& received, std::string_view ours, std::string& output) {
        std::string_view data = received.data;
        if (received.name != "INITIATE" || data.size() < shortest_initiate || !client_key_.empty()) {
            return broken("it sent no valid INITIATE of CURVE");
        }
        if (!crypto::equal(take_bytes(data, cookie_size), cookie_)) return broken("its INITIATE has another cookie");
        const auto number = take_bytes(data, number_size);
        if (!count(number) || !crypto::agree(session_, client_short_term_, short_term_.secret)) {
            return broken("its INITIATE is out of order");
        }
        const auto plain = opened(data, full_nonce("CurveZMQINITIATE", number), session_);
        if (!plain) return broken("its INITIATE was not sealed with the session's key");
        std::string_view inside = *plain;
        const auto key = take_bytes(inside, key_size);
        if (!vouches(key, take_bytes(inside, vouch_size))) {
            return failed(failure::authentication, "its vouch is not that of its key");
        }
        client_key_ = key;
        properties_ = inside;
        return decide(ours, output);
    }
    // Whether the owner of the key vouches for the short-term key, and for this server: a vouch for another is worth nothing.
    bool vouches(std::string_view key, std::string_view vouch) const {
        const auto nonce = take_bytes(vouch, long_nonce);
        secret_key vouching;
        if (!crypto::agree(vouching, key, short_term_.secret)) return false;
        const auto plain = opened(vouch, full_nonce("VOUCH---", nonce), vouching);
        return plain && crypto::equal(*plain, client_short_term_ + ours_.public_key);
    }

    gate& door_;
    std::string client_short_term_, cookie_, client_key_, properties_;
};

}  // namespace

std::unique_ptr<mechanism> make_curve_client(const crypto::key_pair& ours, std::string_view server_key) {
    return std::make_unique<curve_client>(ours, server_key);
}

std::unique_ptr<mechanism> make_curve_server(const crypto::key_pair& ours, gate& door) {
    return std::make_unique<curve_server>(ours, door);
}

}  // namespace zdev::zmtp
