// The content of a load's messages, by which any loss, change or disorder is detected.

#ifndef ZDEV_LOAD_CONTENT_HPP
#define ZDEV_LOAD_CONTENT_HPP

#include <cstdint>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>
#include <zmq.hpp>

namespace zdev_load {

[[noreturn]] inline void fail(const std::string& text) { throw std::runtime_error(text); }

// Makes and checks frames. A frame has a number of 8 bytes, whose top bit marks the last message, followed by noise that
// differs from frame to frame. Frame k of message n has the number n * frames + k.
class content {
public:
    explicit content(std::size_t size) : size_(size), noise_(size + shifts) {
        if (size < sizeof(std::uint64_t)) fail("a frame must have at least 8 bytes");
        std::mt19937 random(1);  // NOLINT(bugprone-random-generator-seed): every run sends the same
        for (auto& byte : noise_) byte = static_cast<unsigned char>(random());
    }

    zmq::message_t make(std::uint64_t number, bool last) const {
        zmq::message_t frame(size_);
        const std::uint64_t header = number | (last ? last_bit : 0);
        std::memcpy(frame.data(), &header, sizeof header);
        std::memcpy(body(frame), noise(number), size_ - sizeof header);
        return frame;
    }

    // The number in a frame, unchecked.
    static std::uint64_t number(const zmq::message_t& frame) { return header(frame) & ~last_bit; }

    // Checks that this is the frame numbered `expected`, unchanged, and that more frames follow only if `more`; fails
    // otherwise. Returns whether it belongs to the last message.
    bool check(zmq::message_t& frame, std::uint64_t expected, bool more = false) const {
        if (frame.more() != more) fail("frame " + std::to_string(expected) + ": the message has the wrong number of frames");
        if (frame.size() != size_) fail("frame " + std::to_string(expected) + " has the wrong size");
        const std::uint64_t found = number(frame);
        if (found != expected) fail("frame " + std::to_string(found) + " came in place of " + std::to_string(expected));
        if (std::memcmp(body(frame), noise(expected), size_ - sizeof(std::uint64_t)) != 0)
            fail("the content of frame " + std::to_string(expected) + " was changed in transit");
        return (header(frame) & last_bit) != 0;
    }

private:
    static constexpr std::uint64_t last_bit = std::uint64_t{1} << 63;
    static constexpr std::size_t shifts = 251;
    static std::uint64_t header(const zmq::message_t& frame) {
        if (frame.size() < sizeof(std::uint64_t)) fail("a frame is too short");
        std::uint64_t value = 0;
        std::memcpy(&value, frame.data(), sizeof value);
        return value;
    }
    static unsigned char* body(zmq::message_t& m) { return static_cast<unsigned char*>(m.data()) + sizeof(std::uint64_t); }
    const unsigned char* noise(std::uint64_t number) const { return noise_.data() + number % shifts; }

    std::size_t size_;
    std::vector<unsigned char> noise_;
};

}  // namespace zdev_load

#endif
