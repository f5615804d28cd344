#include "command_frame.hpp"

#include <array>
#include <cstring>
#include <string_view>

namespace zdev {

namespace {

using image = std::array<unsigned char, sizeof(zmq_msg_t)>;

image image_of(const zmq_msg_t& message) {
    image bytes{};
    std::memcpy(bytes.data(), &message, sizeof message);
    return bytes;
}

// Whether the flags `more` and `command` have the meaning that this file relies on.
bool is_known_libzmq() {
    int major = 0, minor = 0, patch = 0;
    zmq_version(&major, &minor, &patch);
    return major == 4 && (minor == 2 || minor == 3);
}

// zmq_msg_copy marks a long message as shared, in the byte of the flags and nowhere else.
std::size_t find_flags(std::size_t not_found) {
    constexpr unsigned char shared_flag = 128;
    constexpr std::size_t long_message = 256;
    zmq_msg_t original{};  // zeroed, for libzmq sets only what it needs
    if (zmq_msg_init_size(&original, long_message) != 0) throw zmq::error_t();
    const image before = image_of(original);
    zmq_msg_t copy;
    zmq_msg_init(&copy);
    const bool copied = zmq_msg_copy(&copy, &original) == 0;
    const image after = image_of(original);
    zmq_msg_close(&copy);
    zmq_msg_close(&original);

    std::size_t found = not_found;
    for (std::size_t i = 0; copied && i < before.size(); ++i) {
        if (before[i] == after[i]) continue;
        if (found != not_found || before[i] != 0 || after[i] != shared_flag) return not_found;
        found = i;
    }
    return found;
}

bool begins_like_a_command(const zmq::message_t& frame) {
    const std::string_view text = frame.to_string_view();
    const auto begins_with = [&](std::string_view name) { return text.substr(0, name.size()) == name; };
    return begins_with("\x09SUBSCRIBE") || begins_with(
                                               "\x06"
                                               "CANCEL");
}

}  // namespace

command_frame_filter::command_frame_filter() {
    static const std::size_t found = is_known_libzmq() ? find_flags(hidden) : hidden;
    flags_at_ = found;
}

unsigned command_frame_filter::flags_of_copy(zmq::message_t& frame) {
    const unsigned flags = frame.more() ? more : 0;
    if (begins_like_a_command(frame)) zmq::message_t(frame.data(), frame.size()).swap(frame);
    return flags;
}

unsigned command_frame_filter::confirm(unsigned flags, const zmq::message_t& frame) {
    return begins_like_a_command(frame) ? flags : flags & more;
}

}  // namespace zdev
