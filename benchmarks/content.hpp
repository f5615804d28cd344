// What the messages of a load hold, so that any loss, change or disorder is found.

#ifndef ZDEV_BENCHMARKS_CONTENT_HPP
#define ZDEV_BENCHMARKS_CONTENT_HPP

#include <cstdint>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>
#include <zmq.hpp>

[[noreturn]] inline void fail(const std::string& text) { throw std::runtime_error(text); }

// Makes and checks messages: a number of 8 bytes, whose top bit marks the last message, and noise that differs from one
// message to the next.
class content {
public:
    explicit content(std::size_t size) : size_(size), noise_(size + shifts) {
        if (size < sizeof(std::uint64_t)) fail("a message has at least 8 bytes");
        std::mt19937 random(1);
        for (auto& byte : noise_) byte = static_cast<unsigned char>(random());
    }

    zmq::message_t make(std::uint64_t number, bool last) const {
        zmq::message_t message(size_);
        const std::uint64_t header = number | (last ? last_bit : 0);
        std::memcpy(message.data(), &header, sizeof header);
        std::memcpy(body(message), noise(number), size_ - sizeof header);
        return message;
    }

    // Returns whether this is the last message; fails unless it is the one numbered `number`, unharmed.
    bool check(zmq::message_t& message, std::uint64_t number) const {
        if (message.more()) fail("message " + std::to_string(number) + " has too many frames");
        if (message.size() != size_) fail("message " + std::to_string(number) + " has another size");
        std::uint64_t header = 0;
        std::memcpy(&header, message.data(), sizeof header);
        const std::uint64_t found = header & ~last_bit;
        if (found != number) fail("message " + std::to_string(found) + " came in place of " + std::to_string(number));
        if (std::memcmp(body(message), noise(number), size_ - sizeof header) != 0)
            fail("the content of message " + std::to_string(number) + " changed on its way");
        return (header & last_bit) != 0;
    }

private:
    static constexpr std::uint64_t last_bit = std::uint64_t{1} << 63;
    static constexpr std::size_t shifts = 251;
    static unsigned char* body(zmq::message_t& m) { return static_cast<unsigned char*>(m.data()) + sizeof(std::uint64_t); }
    const unsigned char* noise(std::uint64_t number) const { return noise_.data() + number % shifts; }

    std::size_t size_;
    std::vector<unsigned char> noise_;
};

#endif
