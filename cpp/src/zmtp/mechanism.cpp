#include "mechanism.hpp"

#include <utility>

#include "crypto.hpp"

namespace zdev::zmtp {

namespace {

class no_security final : public mechanism {
public:
    std::string_view name() const noexcept override { return "NULL"; }
    void begin(std::string_view ours, std::string& output) override { append_command(output, "READY", ours); }
    step take(const command& received, std::string_view, std::string&) override {
        return received.name == "READY" ? finished(std::string(received.data)) : broken("its first command is not READY");
    }
};

class plain_client final : public mechanism {
public:
    plain_client(std::string_view name, std::string_view password) {
        for (const auto text : {name, password}) hello_.append(1, static_cast<char>(text.size())).append(text);
    }
    ~plain_client() override { crypto::wipe(hello_.data(), hello_.size()); }
    plain_client(const plain_client&) = delete;
    plain_client& operator=(const plain_client&) = delete;

    std::string_view name() const noexcept override { return "PLAIN"; }
    void begin(std::string_view, std::string& output) override { append_command(output, "HELLO", hello_); }
    step take(const command& received, std::string_view ours, std::string& output) override {
        if (!welcome_) {
            if (received.name != "WELCOME" || !received.data.empty()) return broken("it sent no WELCOME of PLAIN");
            welcome_ = true;
            append_command(output, "INITIATE", ours);
            return {};
        }
        return received.name == "READY" ? finished(std::string(received.data)) : broken("it sent no READY of PLAIN");
    }

private:
    std::string hello_;
    bool welcome_ = false;
};

class plain_server final : public mechanism {
public:
    explicit plain_server(gate& door) : door_(door) {}
    ~plain_server() override { crypto::wipe(password_.data(), password_.size()); }
    plain_server(const plain_server&) = delete;
    plain_server& operator=(const plain_server&) = delete;

    std::string_view name() const noexcept override { return "PLAIN"; }
    bool as_server() const noexcept override { return true; }
    void begin(std::string_view, std::string&) override {}
    step take(const command& received, std::string_view ours, std::string& output) override {
        if (welcomed_) {
            if (received.name != "INITIATE") return broken("it sent no INITIATE of PLAIN");
            // The password may have changed since HELLO.
            if (const verdict now = door_.admit(name_, password_, true); now != verdict::accepted) return refuse(now);
            append_command(output, "READY", ours);
            return finished(std::string(received.data));
        }
        if (received.name != "HELLO" || !name_.empty() || !parse_hello(received.data)) {
            return broken("it sent no valid HELLO of PLAIN");
        }
        return decide(ours, output);
    }
    step decide(std::string_view, std::string& output) override {
        const verdict now = door_.admit(name_, password_, false);
        if (now == verdict::later) return waiting();
        if (now != verdict::accepted) return refuse(now);
        welcomed_ = true;
        append_command(output, "WELCOME", {});
        return {};
    }
    std::string_view peer_id() const noexcept override { return name_; }

private:
    static step refuse(verdict why) { return refusal(why, "Wrong name or password"); }
    bool parse_hello(std::string_view data) {
        for (std::string* const to : {&name_, &password_}) {
            const std::size_t size = data.empty() ? 256 : static_cast<unsigned char>(data[0]);
            if (data.size() < 1 + size) return false;
            *to = data.substr(1, size);
            data.remove_prefix(1 + size);
        }
        return data.empty();
    }

    gate& door_;
    std::string name_, password_;
    bool welcomed_ = false;
};

}  // namespace

step failed(failure why, const char* reason) { return {std::nullopt, why, reason, false, 0}; }
step broken(const char* reason) { return failed(failure::protocol, reason); }
step finished(std::string properties) { return {std::move(properties), failure::none, {}, false, 0}; }
step waiting() { return {std::nullopt, failure::none, {}, true, 0}; }

// RFC 27 and libzmq: status 300 ends the connection without an ERROR, so that the peer tries again.
step refusal(verdict why, const char* refused) {
    const int status = static_cast<int>(why);
    const char* const reason = why == verdict::refused ? refused
                               : why == verdict::error ? "the credentials cannot be read"
                                                       : "it cannot be admitted now";
    return {std::nullopt, failure::authentication, reason, false, why == verdict::temporary ? 0 : status};
}

std::unique_ptr<mechanism> make_null() { return std::make_unique<no_security>(); }
std::unique_ptr<mechanism> make_plain_client(std::string_view name, std::string_view password) {
    return std::make_unique<plain_client>(name, password);
}
std::unique_ptr<mechanism> make_plain_server(gate& door) { return std::make_unique<plain_server>(door); }

}  // namespace zdev::zmtp
