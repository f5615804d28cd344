// The security mechanisms of a handshake: NULL and PLAIN (RFC 23, RFC 24), and CURVE (RFC 25, RFC 26).
//
// State machines: commands in, commands out. They have no socket and no clock, and decide nothing about who may connect: a
// `gate` does. Threads: a mechanism belongs to one connection.

#ifndef ZDEV_SRC_ZMTP_MECHANISM_HPP
#define ZDEV_SRC_ZMTP_MECHANISM_HPP

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cipher.hpp"
#include "command.hpp"

namespace zdev::zmtp {

// Why a handshake failed: `version` is a peer of ZMTP 1.0 or 2.0, `mechanism` one that asks for another kind of security,
// `authentication` one without valid credentials, `type` a socket that may not talk to ours, `refused` that the peer sent an
// ERROR; `protocol` all that breaks the RFC.
enum class failure { none, protocol, version, mechanism, authentication, type, refused };

// The answers of ZAP (RFC 27), and `later`: ask again when the credentials have been read again.
enum class verdict { accepted = 200, temporary = 300, refused = 400, error = 500, later = 0 };

// Decides who may connect.
class gate {
public:
    virtual ~gate() = default;
    // `id`: the public key of a CURVE client, or the name of a PLAIN client, which has a password. `again`: of a peer that was
    // accepted already; the answer is not `later`.
    virtual verdict admit(std::string_view id, std::string_view password, bool again) = 0;
};

// What a mechanism made of a command.
struct step {
    std::optional<std::string> properties;  // the peer's; with them, the mechanism has finished
    zmtp::failure failure = zmtp::failure::none;
    std::string reason;
    bool waits = false;  // for the gate: decide() is to be called
    int status = 0;      // of ZAP, to be sent as an ERROR; 0: none is sent
};

class mechanism {
public:
    virtual ~mechanism() = default;

    virtual std::string_view name() const noexcept = 0;
    virtual bool as_server() const noexcept { return false; }
    virtual bool is_costly() const noexcept { return false; }  // a command takes much longer than a message

    // Both append commands to `output`. `ours`: our properties.
    virtual void begin(std::string_view ours, std::string& output) = 0;
    virtual step take(const command& received, std::string_view ours, std::string& output) = 0;
    virtual step decide(std::string_view, std::string&) { return {}; }  // after a step that waits

    virtual std::string_view peer_id() const noexcept { return {}; }   // as the gate knows it
    virtual std::unique_ptr<cipher> make_cipher() { return nullptr; }  // of messages; null: they are not encrypted
};

std::unique_ptr<mechanism> make_null();
std::unique_ptr<mechanism> make_plain_client(std::string_view name, std::string_view password);
std::unique_ptr<mechanism> make_plain_server(gate& door);

step failed(failure why, const char* reason);
step broken(const char* reason);  // the peer breaks the protocol
step finished(std::string properties);
step waiting();
// A peer that the gate has refused. `refused` is the reason for status 400.
step refusal(verdict why, const char* refused);

}  // namespace zdev::zmtp

#endif
