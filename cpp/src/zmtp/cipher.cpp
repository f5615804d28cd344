#include "cipher.hpp"

#include <cstring>

namespace zdev::zmtp {

namespace {

constexpr std::string_view message_name{"\7MESSAGE", 8};
constexpr std::size_t number_at = message_name.size(), box_at = number_at + crypto::numbered_boxes::number_size;
constexpr std::size_t plain_at = box_at + crypto::mac_size;
constexpr unsigned char sealed_command = 2;  // within a MESSAGE, where a frame has command_flag
constexpr std::string_view of_server = "CurveZMQMESSAGES", of_client = "CurveZMQMESSAGEC";  // nonces begin with them

static_assert(plain_at == crypto::numbered_boxes::front && plain_at + 1 == cipher::overhead);

}  // namespace

cipher::cipher(const crypto::secret_key& shared, bool as_server, std::uint64_t sent, std::uint64_t received)
    : ours_(shared, as_server ? of_server : of_client),
      theirs_(shared, as_server ? of_client : of_server),
      sent_(sent),
      received_(received) {}

// The frame around it has no command flag, whatever the RFC says: libzmq would add that flag to the frame inside.
std::size_t cipher::seal(char* to, unsigned char flags, std::string_view body) noexcept {
    const std::size_t header = write_header(to, 0, body.size() + overhead);
    char *const at = to + header, *const plain = at + plain_at;  // sealed where it is
    plain[0] = static_cast<char>((flags & more_flag) | ((flags & command_flag) != 0 ? sealed_command : 0));
    if (!body.empty()) std::memcpy(plain + 1, body.data(), body.size());
    char number[crypto::numbered_boxes::number_size];
    detail::put_big_endian(number, ++sent_);
    ours_.seal(plain, body.size() + 1, number);
    std::memcpy(at, message_name.data(), message_name.size());
    std::memcpy(at + number_at, number, sizeof number);
    return header + overhead + body.size();
}

std::size_t cipher::open(char* to, std::string_view body) noexcept {
    if (body.size() < overhead || body.substr(0, message_name.size()) != message_name) return 0;
    const std::uint64_t number = detail::big_endian(body.data() + number_at, 8);
    if (number <= received_) return 0;
    const std::size_t size = body.size() - overhead, header = size <= 255 ? 2 : longest_header;
    char* const plain = to + header - 1;  // the flags, where the header ends, and then the body
    if (!theirs_.open(plain, body.substr(box_at), body.data() + number_at)) return 0;
    received_ = number;
    const auto inside = static_cast<unsigned char>(*plain);
    const auto command = (inside & sealed_command) != 0 ? command_flag : 0;
    write_header(to, static_cast<unsigned char>((inside & more_flag) | command), size);
    return header + size;
}

}  // namespace zdev::zmtp
