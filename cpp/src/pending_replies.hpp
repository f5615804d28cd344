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
    // Eight bytes at a time, as in Fowler's hash, folded so that all bits reach the upper ones.
    static std::uint64_t hash(const char* bytes, std::size_t size) noexcept {
        constexpr std::uint64_t odd = 0x9e3779b97f4a7c15;  // 2^64 / the golden ratio
        std::uint64_t result = size;
        for (; size > 0; bytes += sizeof result) {
            const std::size_t part = size < sizeof result ? size : sizeof result;
            std::uint64_t word = 0;
            std::memcpy(&word, bytes, part);
            result = (result ^ word) * odd;
            result ^= result >> 29;
            size -= part;
        }
        return result * odd;
    }

    const unsigned bits_;
    std::vector<std::uint32_t> pending_;
    counter total_;
};

}  // namespace zdev

#endif
