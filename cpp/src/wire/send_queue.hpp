// What waits to be sent to one peer: bytes as they go out, and where each message ends.
//
// Small messages are copied to the end of a chunk; large ones stay in the buffer that they were received in, which several
// queues may share. How many messages wait is exact: when a write ends within a chunk, the frames written are walked once.
//
// Threads: the loop's alone.

#ifndef ZDEV_SRC_WIRE_SEND_QUEUE_HPP
#define ZDEV_SRC_WIRE_SEND_QUEUE_HPP

#include <sys/uio.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "buffer.hpp"

namespace zdev::wire {

// Chunks that are not in use, for all queues of a loop: what goes back to the system and comes again costs page faults.
class chunk_pool {
public:
    static constexpr std::size_t chunk_size = std::size_t{32} * 1024;

    std::shared_ptr<buffer> take() {
        if (free_.empty()) return std::make_shared<buffer>(chunk_size);
        auto chunk = std::move(free_.back());
        free_.pop_back();
        return chunk;
    }
    void give(std::shared_ptr<buffer>&& chunk) {
        constexpr std::size_t most = 32;
        if (chunk->capacity() == chunk_size && free_.size() < most) free_.push_back(std::move(chunk));
    }

private:
    std::vector<std::shared_ptr<buffer>> free_;
};

class send_queue {
public:
    explicit send_queue(chunk_pool& chunks) : chunks_(chunks) {}

    bool empty() const noexcept { return bytes_ == 0; }
    std::size_t messages() const noexcept { return messages_; }
    std::size_t bytes() const noexcept { return bytes_; }

    // Whole messages or commands: a copy.
    void append(std::string_view bytes, std::size_t messages) {
        char* const to = space(bytes.size());
        bytes.copy(to, bytes.size());
        written(bytes.size(), messages);
    }
    // One message that begins with `head`: a copy.
    void append(std::string_view head, std::string_view body) {
        char* const to = space(head.size() + body.size());
        head.copy(to, head.size());
        body.copy(to + head.size(), body.size());
        written(head.size() + body.size(), 1);
    }
    // One message, of which `head` is copied and `body` lies in `owner`, which nobody changes any more.
    void append(std::string_view head, std::string_view body, std::shared_ptr<buffer> owner);
    // Bytes that are no frames: of a handshake.
    void append_raw(std::string_view bytes);
    // A run of messages of which the first `sent` bytes, at least one of its last message less, have been written already.
    void append_rest(std::string_view bytes, std::size_t sent, std::size_t messages);

    // Fills `to` with what to write next, and returns how many elements.
    std::size_t gather(iovec* to, std::size_t most) const noexcept;
    // The first `bytes` have been written.
    void consume(std::size_t bytes) noexcept;

    // Empties the queue into `whole`: every message of which no byte was written, in order. Returns how many were begun, which
    // are lost: 1 or 0. Commands go too.
    std::size_t give_back(std::vector<std::string>& whole);
    void clear() noexcept;

private:
    struct segment {
        std::shared_ptr<buffer> data;
        std::size_t begin = 0, end = 0;  // what is still to be written
        std::size_t frame = 0;           // where the first frame begins that has not been written to its end
        std::size_t messages = 0;        // that end in it
        bool open = false;               // more may be appended
        bool framed = true;
        bool ends_inside = false;  // its last frame has more to follow, in the next segment
    };

    char* space(std::size_t bytes);
    void written(std::size_t bytes, std::size_t messages) noexcept {
        segment& last = segments_.back();
        last.ends_inside = messages == 0 && last.ends_inside;
        last.end += bytes;
        last.messages += messages;
        bytes_ += bytes;
        messages_ += messages;
    }
    segment& add(std::shared_ptr<buffer> data, std::size_t begin, std::size_t end);
    void walk(segment& partly) noexcept;
    void drop_first() noexcept;

    chunk_pool& chunks_;
    std::vector<segment> segments_;
    std::size_t head_ = 0;  // those before are written
    std::size_t messages_ = 0, bytes_ = 0;
    bool inside_ = false;  // the first frame that waits is not the first of its message
};

}  // namespace zdev::wire

#endif
