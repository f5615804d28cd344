// Requests that were sent on and have no reply yet: what a drain waits for.
//
// Behind a ROUTER they are counted by the routing id of the peer that asked, in a table of fixed size: so a reply that nobody
// waits for pays for none. Two peers may share one of its 4,096 places, and a reply to one then pays for the other too.
// Threads: the loop's alone, but for total().

#ifndef ZDEV_SRC_PENDING_REPLIES_HPP
#define ZDEV_SRC_PENDING_REPLIES_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>
#include <zmq.hpp>

#include "counter.hpp"

namespace zdev {

class pending_replies {
public:
    // by_peer: messages begin with the routing id of the peer that asks; else there is one count for all.
    explicit pending_replies(bool by_peer) : bits_(by_peer ? 12 : 0), pending_(std::size_t{1} << bits_) {}

    using place = std::size_t;

    // The place of a peer. The size is that of the frame, which the caller has: asking libzmq costs more than all the rest.
    place place_of(const zmq::message_t& routing_id, std::size_t size) const noexcept {
        return place_of(routing_id.data<char>(), size);
    }
    place place_of(const char* bytes, std::size_t size) const noexcept {
        if (bits_ == 0) return 0;
        return static_cast<place>((size == 5 ? hash_of_five(bytes) : hash(bytes, size)) >> (64 - bits_));
    }

    void asked(place peer, std::uint32_t requests = 1) noexcept {
        pending_[peer] += requests;
        total_.add(requests);
    }

    void answered(place peer, std::uint32_t replies = 1) noexcept {
        const std::uint32_t expected = std::min(pending_[peer], replies);
        if (expected == 0) return;
        pending_[peer] -= expected;
        total_.set(total_.get() - expected);
    }

    std::uint32_t of(place peer) const noexcept { return pending_[peer]; }
    std::uint64_t total() const noexcept { return total_.get(); }

private:
    static constexpr std::uint64_t odd = 0x9e3779b97f4a7c15;  // 2^64 / the golden ratio

    template <typename Word>
    static std::uint64_t load(const char* bytes) noexcept {
        Word word;
        std::memcpy(&word, bytes, sizeof word);
        return word;
    }

    // The usual case: libzmq makes routing ids of a zero and a number of four bytes.
    static std::uint64_t hash_of_five(const char* bytes) noexcept {
        return (load<std::uint32_t>(bytes + 1) + (load<unsigned char>(bytes) << 12)) * odd;
    }

    // Eight bytes at a time, the last of them overlapping.
    [[gnu::noinline]] static std::uint64_t hash(const char* bytes, std::size_t size) noexcept {
        if (size >= 8) {
            std::uint64_t result = size;
            for (std::size_t i = 0; i + 8 < size; i += 8) result = mix(result ^ load<std::uint64_t>(bytes + i));
            return mix(result ^ load<std::uint64_t>(bytes + size - 8)) * odd;
        }
        if (size >= 4) return mix(load<std::uint32_t>(bytes) << 32 | load<std::uint32_t>(bytes + size - 4)) * odd;
        std::uint64_t result = size;
        for (std::size_t i = 0; i < size; ++i) result = result << 8 | load<unsigned char>(bytes + i);
        return mix(result) * odd;
    }

    static std::uint64_t mix(std::uint64_t word) noexcept {
        word *= odd;
        return word ^ word >> 29;
    }

    const unsigned bits_;
    std::vector<std::uint32_t> pending_;
    counter total_;
};

}  // namespace zdev

#endif
