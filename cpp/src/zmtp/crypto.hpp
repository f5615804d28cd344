// The only code that calls libsodium: X25519 keys, and boxes of XSalsa20 and Poly1305, as CURVE has them (RFC 26).
//
// Without libsodium at build time, available() is false, and the other functions throw zdev::error with ENOTSUP.
// Threads: any.

#ifndef ZDEV_SRC_ZMTP_CRYPTO_HPP
#define ZDEV_SRC_ZMTP_CRYPTO_HPP

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace zdev::zmtp::crypto {

constexpr std::size_t key_size = 32, nonce_size = 24, mac_size = 16;

bool available() noexcept;

// 32 bytes that are overwritten when they are destroyed: a secret key, or one that two sides have agreed on.
class secret_key {
public:
    secret_key() = default;
    explicit secret_key(std::string_view bytes);  // throws zdev::error with EINVAL unless there are 32
    secret_key(const secret_key&) = default;
    secret_key& operator=(const secret_key&) = default;
    ~secret_key();

    unsigned char* data() noexcept { return bytes_.data(); }
    const unsigned char* data() const noexcept { return bytes_.data(); }
    std::string_view view() const noexcept { return {reinterpret_cast<const char*>(bytes_.data()), key_size}; }

private:
    std::array<unsigned char, key_size> bytes_{};
};

struct key_pair {
    std::string public_key;
    secret_key secret;
};

using nonce = std::array<unsigned char, nonce_size>;

key_pair make_keys();
std::string public_key_of(const secret_key& secret);
// The key of all boxes between two sides. False: `theirs` is not a usable key.
bool agree(secret_key& shared, std::string_view theirs, const secret_key& ours);

// Writes plain.size() + mac_size bytes. `to` and `plain` may overlap.
void seal(char* to, std::string_view plain, const nonce& with, const secret_key& key);
// Writes box.size() - mac_size bytes. False: it was not sealed with this key and nonce. `to` and `box` may overlap.
bool open(char* to, std::string_view box, const nonce& with, const secret_key& key) noexcept;

// The boxes of one direction of a connection: their nonces begin with the same 16 bytes and end with a number of 8. XSalsa20
// derives a key from those 16 bytes, which is done here once rather than for each box.
class numbered_boxes {
public:
    static constexpr std::size_t prefix_size = 16, number_size = 8;
    static constexpr std::size_t front = 32;  // bytes before the plain text that are needed to seal it

    numbered_boxes(const secret_key& shared, std::string_view prefix);

    // Seals the bytes where they are. Overwrites the `front` bytes before them, the last `mac_size` of which then belong to the
    // box.
    void seal(char* plain, std::size_t size, const char* number) const noexcept;
    // Writes box.size() - mac_size bytes. False: it was not sealed with this key and number, and nothing was written. `to` and
    // `box` may overlap if `to` is not behind it.
    bool open(char* to, std::string_view box, const char* number) const noexcept;

private:
    secret_key key_;
};

void fill_randomly(void* to, std::size_t size);
bool equal(std::string_view a, std::string_view b) noexcept;  // takes the same time wherever they differ
void wipe(void* bytes, std::size_t size) noexcept;

}  // namespace zdev::zmtp::crypto

#endif
