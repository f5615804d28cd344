#include "crypto.hpp"

#include <algorithm>
#include <cerrno>
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
void fill_randomly(void*, std::size_t) { refuse(); }

#endif

}  // namespace zdev::zmtp::crypto
