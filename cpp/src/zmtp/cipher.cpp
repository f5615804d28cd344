#include "cipher.hpp"

#include <cstring>

namespace zdev::zmtp {

namespace {

constexpr std::string_view message_name{"\7MESSAGE", 8};
constexpr std::size_t prefix = 16, number_at = message_name.size(), box_at = number_at + 8;
constexpr unsigned char sealed_command = 2;  // within a MESSAGE, where a frame has command_flag

crypto::nonce prefix_of(std::string_view text) noexcept {
    crypto::nonce made{};
    std::memcpy(made.data(), text.data(), prefix);
    return made;
}

}  // namespace

cipher::cipher(const crypto::secret_key& shared, bool as_server, std::uint64_t sent, std::uint64_t received)
    : shared_(shared),
      ours_(prefix_of(as_server ? "CurveZMQMESSAGES" : "CurveZMQMESSAGEC")),
      theirs_(prefix_of(as_server ? "CurveZMQMESSAGEC" : "CurveZMQMESSAGES")),
      sent_(sent),
      received_(received) {}

// The frame around it has no command flag, whatever the RFC says: libzmq would add that flag to the frame inside.
std::size_t cipher::seal(char* to, unsigned char flags, std::string_view body) {
    const std::size_t header = write_header(to, 0, body.size() + overhead);
    char* const at = to + header;
    std::memcpy(at, message_name.data(), message_name.size());
    detail::put_big_endian(at + number_at, ++sent_);
    std::memcpy(ours_.data() + prefix, at + number_at, 8);
    char* const plain = at + box_at + crypto::mac_size;  // sealed where it is
    plain[0] = static_cast<char>((flags & more_flag) | ((flags & command_flag) != 0 ? sealed_command : 0));
    if (!body.empty()) std::memcpy(plain + 1, body.data(), body.size());
    crypto::seal(at + box_at, {plain, body.size() + 1}, ours_, shared_);
    return header + overhead + body.size();
}

std::size_t cipher::open(char* to, unsigned char flags, std::string_view body) noexcept {
    if ((flags & more_flag) != 0 || body.size() < overhead || body.substr(0, message_name.size()) != message_name) return 0;
    const std::uint64_t number = detail::big_endian(body.data() + number_at, 8);
    if (number <= received_) return 0;
    std::memcpy(theirs_.data() + prefix, body.data() + number_at, 8);
    const std::size_t size = body.size() - overhead, header = size <= 255 ? 2 : longest_header;
    char* const plain = to + header - 1;  // the flags, where the header ends, and then the body
    if (!crypto::open(plain, body.substr(box_at), theirs_, shared_)) return 0;
    received_ = number;
    const auto inside = static_cast<unsigned char>(*plain);
    const auto command = (inside & sealed_command) != 0 ? command_flag : 0;
    write_header(to, static_cast<unsigned char>((inside & more_flag) | command), size);
    return header + size;
}

}  // namespace zdev::zmtp
