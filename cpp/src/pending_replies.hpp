// Requests that were sent on and have no reply yet: what a drain waits for.
//
// Behind a ROUTER they are counted by the routing id of the peer that asked, in a table of fixed size: so a reply that nobody
// waits for pays for none. Two peers may share one of its 4,096 places, and a reply to one then pays for the other too.
// Threads: the loop's alone, but for total().

#ifndef ZDEV_SRC_PENDING_REPLIES_HPP
#define ZDEV_SRC_PENDING_REPLIES_HPP

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

    // The place of a peer.
    std::size_t place_of(const zmq::message_t& routing_id) const noexcept {
        return bits_ == 0 ? 0 : static_cast<std::size_t>(hash(routing_id.data<char>(), routing_id.size()) >> (64 - bits_));
    }

    void asked(std::size_t place) noexcept {
        ++pending_[place];
        total_.add(1);
    }

    void answered(std::size_t place) noexcept {
        if (pending_[place] == 0) return;
        --pending_[place];
        total_.set(total_.get() - 1);
    }

    std::uint64_t total() const noexcept { return total_.get(); }

private:
    template <typename Word>
    static std::uint64_t load(const char* bytes) noexcept {
        Word word;
        std::memcpy(&word, bytes, sizeof word);
        return word;
    }

    // Eight bytes at a time, the last of them overlapping: a routing id that libzmq made has five.
    static std::uint64_t hash(const char* bytes, std::size_t size) noexcept {
        constexpr std::uint64_t odd = 0x9e3779b97f4a7c15;  // 2^64 / the golden ratio
        if (size >= 8) {
            std::uint64_t result = size;
            for (std::size_t i = 0; i + 8 < size; i += 8) result = mix(result ^ load<std::uint64_t>(bytes + i), odd);
            return mix(result ^ load<std::uint64_t>(bytes + size - 8), odd) * odd;
        }
        if (size >= 4) return mix(load<std::uint32_t>(bytes) << 32 | load<std::uint32_t>(bytes + size - 4), odd) * odd;
        std::uint64_t result = size;
        for (std::size_t i = 0; i < size; ++i) result = result << 8 | load<unsigned char>(bytes + i);
        return mix(result, odd) * odd;
    }

    static std::uint64_t mix(std::uint64_t word, std::uint64_t odd) noexcept {
        word *= odd;
        return word ^ word >> 29;
    }

    const unsigned bits_;
    std::vector<std::uint32_t> pending_;
    counter total_;
};

}  // namespace zdev

#endif
