#include "crypto.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <zdev/device.hpp>

#ifdef ZDEV_HAS_SODIUM
#include <sodium.h>
#endif

namespace zdev::zmtp::crypto {

secret_key::secret_key(std::string_view bytes) {
    if (bytes.size() != key_size) throw error(EINVAL, "invalid key: it must have 32 bytes");
    std::copy(bytes.begin(), bytes.end(), bytes_.begin());
}

secret_key::~secret_key() { wipe(bytes_.data(), bytes_.size()); }

bool equal(std::string_view a, std::string_view b) noexcept {
    unsigned different = a.size() == b.size() ? 0 : 1;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        different |= static_cast<unsigned>(static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]));
    }
    return different == 0;
}

void wipe(void* bytes, std::size_t size) noexcept {
    auto* const at = static_cast<volatile unsigned char*>(bytes);  // volatile: these writes are kept
    for (std::size_t i = 0; i < size; ++i) at[i] = 0;
}

#ifdef ZDEV_HAS_SODIUM

static_assert(crypto_box_PUBLICKEYBYTES == key_size && crypto_box_SECRETKEYBYTES == key_size);
static_assert(crypto_box_BEFORENMBYTES == key_size && crypto_secretbox_KEYBYTES == key_size);
static_assert(crypto_box_NONCEBYTES == nonce_size && crypto_secretbox_NONCEBYTES == nonce_size);
static_assert(crypto_box_MACBYTES == mac_size && crypto_secretbox_MACBYTES == mac_size);
static_assert(crypto_core_hsalsa20_INPUTBYTES == numbered_boxes::prefix_size && crypto_core_hsalsa20_OUTPUTBYTES == key_size);
static_assert(crypto_stream_salsa20_NONCEBYTES == numbered_boxes::number_size && crypto_stream_salsa20_KEYBYTES == key_size);
static_assert(crypto_onetimeauth_BYTES == mac_size && crypto_onetimeauth_KEYBYTES == numbered_boxes::front);

namespace {

const unsigned char* bytes_of(std::string_view text) noexcept { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(char* text) noexcept { return reinterpret_cast<unsigned char*>(text); }

}  // namespace

bool available() noexcept {
    static const bool is = sodium_init() >= 0;
    return is;
}

key_pair make_keys() {
    key_pair made{std::string(key_size, '\0'), {}};
    crypto_box_keypair(bytes_of(made.public_key.data()), made.secret.data());
    return made;
}

std::string public_key_of(const secret_key& secret) {
    std::string found(key_size, '\0');
    crypto_scalarmult_base(bytes_of(found.data()), secret.data());
    return found;
}

bool agree(secret_key& shared, std::string_view theirs, const secret_key& ours) {
    return theirs.size() == key_size && crypto_box_beforenm(shared.data(), bytes_of(theirs), ours.data()) == 0;
}

void seal(char* to, std::string_view plain, const nonce& with, const secret_key& key) {
    crypto_secretbox_easy(bytes_of(to), bytes_of(plain), plain.size(), with.data(), key.data());
}

bool open(char* to, std::string_view box, const nonce& with, const secret_key& key) noexcept {
    return box.size() >= mac_size &&
           crypto_secretbox_open_easy(bytes_of(to), bytes_of(box), box.size(), with.data(), key.data()) == 0;
}

numbered_boxes::numbered_boxes(const secret_key& shared, std::string_view prefix) {
    if (prefix.size() != prefix_size) throw error(EINVAL, "invalid nonce: its prefix must have 16 bytes");
    crypto_core_hsalsa20(key_.data(), bytes_of(prefix), shared.data(), nullptr);
}

// The first 32 bytes of the stream are the key of the authenticator, the next ones encrypt. So one call makes both.
void numbered_boxes::seal(char* plain, std::size_t size, const char* number) const noexcept {
    auto *const text = bytes_of(plain), *const begin = text - front;
    std::memset(begin, 0, front);
    crypto_stream_salsa20_xor(begin, begin, front + size, reinterpret_cast<const unsigned char*>(number), key_.data());
    unsigned char mac[mac_size];
    crypto_onetimeauth(mac, text, size, begin);
    std::memcpy(text - mac_size, mac, mac_size);
}

// The box is not changed before it is known to be genuine: its first bytes are decrypted elsewhere, with the authenticator's
// key. Behind them, the next block of the stream begins.
bool numbered_boxes::open(char* to, std::string_view box, const char* number) const noexcept {
    if (box.size() < mac_size) return false;
    constexpr std::size_t most = std::size_t{64} * 80;
    unsigned char first[most];
    unsigned char rest_of_nonce[number_size];  // `number` may be where `to` is
    std::memcpy(rest_of_nonce, number, number_size);
    const unsigned char* const text = bytes_of(box) + mac_size;
    const std::size_t size = box.size() - mac_size, begun = std::min(size, most - front);
    std::memset(first, 0, front);
    std::memcpy(first + front, text, begun);
    crypto_stream_salsa20_xor(first, first, front + begun, rest_of_nonce, key_.data());
    const bool genuine = crypto_onetimeauth_verify(bytes_of(box), text, size, first) == 0;
    if (genuine) {
        auto* const rest = bytes_of(to) + begun;
        std::memcpy(to, first + front, begun);
        std::memmove(rest, text + begun, size - begun);
        if (size > begun) crypto_stream_salsa20_xor_ic(rest, rest, size - begun, rest_of_nonce, most / 64, key_.data());
    }
    sodium_memzero(first, front);
    return genuine;
}

void fill_randomly(void* to, std::size_t size) { randombytes_buf(to, size); }

#else

namespace {

[[noreturn]] void refuse() { throw error(ENOTSUP, "CURVE needs libsodium, and zdev was built without it"); }

}  // namespace

bool available() noexcept { return false; }
key_pair make_keys() { refuse(); }
std::string public_key_of(const secret_key&) { refuse(); }
bool agree(secret_key&, std::string_view, const secret_key&) { refuse(); }
void seal(char*, std::string_view, const nonce&, const secret_key&) { refuse(); }
bool open(char*, std::string_view, const nonce&, const secret_key&) noexcept { return false; }
numbered_boxes::numbered_boxes(const secret_key&, std::string_view) { refuse(); }
void numbered_boxes::seal(char*, std::size_t, const char*) const noexcept {}
bool numbered_boxes::open(char*, std::string_view, const char*) const noexcept { return false; }
void fill_randomly(void*, std::size_t) { refuse(); }

#endif

}  // namespace zdev::zmtp::crypto
