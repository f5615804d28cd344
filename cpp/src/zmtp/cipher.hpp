// The MESSAGE commands of CURVE (RFC 26): every frame after the handshake, a command or part of a message, is sealed in one.
//
// Threads: a cipher belongs to one connection.

#ifndef ZDEV_SRC_ZMTP_CIPHER_HPP
#define ZDEV_SRC_ZMTP_CIPHER_HPP

#include <cstdint>
#include <string_view>

#include "crypto.hpp"
#include "frame.hpp"

namespace zdev::zmtp {

class cipher {
public:
    // What a body grows by in its MESSAGE: name, nonce, authenticator and flags.
    static constexpr std::size_t overhead = 8 + 8 + crypto::mac_size + 1;

    // `sent` and `received`: the last nonces used in the handshake, which messages continue.
    cipher(const crypto::secret_key& shared, bool as_server, std::uint64_t sent, std::uint64_t received);

    // Writes the frame that contains a frame of these flags and body, and returns its size: at most the body,
    // `longest_header` and `overhead`.
    std::size_t seal(char* to, unsigned char flags, std::string_view body) noexcept;

    // Opens the body of a frame with MESSAGE, and writes the frame that it contains. The flags of the frame around it mean
    // nothing: pyomq repeats those of the frame inside, and libzmq has none. `to` may be the beginning of the frame
    // that `body` is in, or before it. Returns the size, or 0: it was forged, changed, replayed or left out of its order.
    std::size_t open(char* to, std::string_view body) noexcept;

private:
    const crypto::numbered_boxes ours_, theirs_;
    std::uint64_t sent_, received_;
};

}  // namespace zdev::zmtp

#endif
