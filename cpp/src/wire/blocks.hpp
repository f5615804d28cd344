// Large blocks of memory that were freed, kept for the next large message: the system returns fresh memory page by page, which
// costs as much as reading and writing the message.
//
// Threads: each has its own blocks, at most 8 MiB in all.

#ifndef ZDEV_SRC_WIRE_BLOCKS_HPP
#define ZDEV_SRC_WIRE_BLOCKS_HPP

#include <array>
#include <cstddef>
#include <cstdlib>

namespace zdev::wire {

struct block {
    void* data = nullptr;
    std::size_t size = 0;
};

class kept_blocks {
public:
    static constexpr std::size_t smallest = std::size_t{64} << 10, most = std::size_t{8} << 20;

    // Returns a block of at least `size` bytes and at most twice that, or none.
    static block take(std::size_t size) noexcept {
        if (size < smallest || ended()) return {};
        kept_blocks& mine = of_this_thread();
        for (block& each : mine.blocks_) {
            if (each.size < size || each.size / 2 > size) continue;
            const block found = each;
            mine.total_ -= found.size;
            each = {};
            return found;
        }
        return {};
    }

    // Keeps the block, or frees it.
    static void give(block freed) noexcept {
        if (freed.size >= smallest && freed.size <= most && !ended() && of_this_thread().keep(freed)) return;
        std::free(freed.data);
    }

    kept_blocks(const kept_blocks&) = delete;
    kept_blocks& operator=(const kept_blocks&) = delete;

private:
    kept_blocks() = default;
    ~kept_blocks() {
        ended() = true;
        for (const block& each : blocks_) std::free(each.data);
    }
    static kept_blocks& of_this_thread() noexcept {
        static thread_local kept_blocks mine;
        return mine;
    }
    // Whether the thread is about to end, and its blocks are freed; objects with static storage are destroyed after that.
    static bool& ended() noexcept {
        static thread_local bool is = false;
        return is;
    }
    bool keep(block freed) noexcept {
        if (total_ + freed.size > most) return false;
        for (block& each : blocks_) {
            if (each.data) continue;
            each = freed;
            total_ += freed.size;
            return true;
        }
        return false;
    }

    std::array<block, 32> blocks_{};
    std::size_t total_ = 0;
};

}  // namespace zdev::wire

#endif
