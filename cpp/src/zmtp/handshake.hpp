// The handshake of one connection, from its first byte until messages may flow: greeting, then the mechanism's commands.
//
// A state machine over bytes. Feed it what arrives, send what it puts out, until it is done or has failed.
//
// Threads: a handshake belongs to one connection.

#ifndef ZDEV_SRC_ZMTP_HANDSHAKE_HPP
#define ZDEV_SRC_ZMTP_HANDSHAKE_HPP

#include <string>
#include <string_view>

#include "command.hpp"
#include "greeting.hpp"
#include "mechanism.hpp"

namespace zdev::zmtp {

// The properties that we send.
struct identity {
    int socket_type = -1;    // ZMQ_PULL ...
    std::string routing_id;  // 0 to 255 bytes; only DEALER, REQ and ROUTER send one
    metadata properties;     // more of them, "X-..."
};

// The properties that the peer sent.
struct peer_identity {
    int socket_type = -1;
    unsigned char minor = 0;  // of ZMTP 3
    std::string routing_id;
    metadata properties;
};

class handshake {
public:
    explicit handshake(identity ours, std::unique_ptr<zmtp::mechanism> mechanism = make_null());

    // Takes bytes and returns how many it used: all of them until it is done or has failed. The rest belongs to the first
    // message. A command of more than 8 KiB fails before it is gathered.
    std::size_t feed(std::string_view bytes);

    // While it waits for the gate, it takes no command. decide() asks the gate again.
    bool waits() const noexcept { return waits_; }
    void decide();

    bool done() const noexcept { return state_ == state::done; }
    bool failed() const noexcept { return state_ == state::failed; }
    zmtp::failure failure() const noexcept { return failure_; }
    const std::string& reason() const noexcept { return reason_; }  // for a log: why it failed

    // Returns the bytes to send, and clears them.
    std::string take_output() { return std::exchange(output_, {}); }

    peer_identity& peer() noexcept { return peer_; }
    zmtp::mechanism& mechanism() noexcept { return *mechanism_; }

private:
    enum class state { greeting, commands, done, failed };

    std::size_t advance(std::string_view bytes);
    std::size_t take_greeting(std::string_view bytes);
    std::size_t take_command(std::string_view bytes);
    void apply(zmtp::step made, const std::string& output);
    bool take_properties(std::string_view data);
    std::size_t fail(zmtp::failure why, std::string reason);

    std::unique_ptr<zmtp::mechanism> mechanism_;
    int socket_type_;
    std::string properties_;  // ours, as they are sent
    peer_identity peer_;
    state state_ = state::greeting;
    zmtp::failure failure_ = failure::none;
    std::string reason_;
    bool waits_ = false;
    std::string input_;  // bytes fed and not used yet
    std::string output_;
};

}  // namespace zdev::zmtp

#endif
