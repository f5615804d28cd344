// The messages waiting to be sent to one peer: their bytes, and where each message ends.
//
// Small messages are copied to the end of a chunk; large ones stay in the buffer that they were received in, which several
// queues may share. The number of waiting messages is exact: when a write ends within a chunk, the frames written are counted
// once.
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

// Unused chunks, for all queues of a loop: returning them to the system would cost page faults.
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
    // One message: a copy of `head`, then `body`, which is part of `owner`. The owner must not change any more.
    void append(std::string_view head, std::string_view body, std::shared_ptr<buffer> owner);
    // Bytes of a handshake, which are not counted as frames.
    void append_raw(std::string_view bytes);
    // A run of messages whose first `sent` bytes have been written already; at least one byte has not.
    void append_rest(std::string_view bytes, std::size_t sent, std::size_t messages);

    // Fills `to` with the next bytes to write, and returns the number of elements.
    std::size_t gather(iovec* to, std::size_t most) const noexcept;
    // Calls visit(bytes, framed) for the bytes not written yet, in pieces: whole frames, or bytes of a handshake. Ends when it
    // returns false.
    template <class Visit>
    void for_each(Visit&& visit) const {
        for (std::size_t i = head_; i < segments_.size(); ++i) {
            const segment& each = segments_[i];
            const std::string_view bytes(each.data ? each.data->data() + each.begin : nullptr, each.end - each.begin);
            if (!bytes.empty() && !visit(bytes, each.framed)) return;
        }
    }
    // The first `bytes` have been written.
    void consume(std::size_t bytes) noexcept;

    // Empties the queue, and moves every message of which no byte was written into `whole`, in order. Returns how many messages
    // were written in part and are lost: 1 or 0. Commands are discarded.
    std::size_t give_back(std::vector<std::string>& whole);
    void clear() noexcept;

private:
    struct segment {
        std::shared_ptr<buffer> data;
        std::size_t begin = 0, end = 0;  // the bytes not written yet
        std::size_t frame = 0;           // the beginning of the first frame that is not completely written
        std::size_t messages = 0;        // how many end in it
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
    std::size_t head_ = 0;  // the segments before it are written
    std::size_t messages_ = 0, bytes_ = 0;
    bool inside_ = false;  // the first waiting frame is not the first of its message
};

}  // namespace zdev::wire

#endif
