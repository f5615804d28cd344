// The bytes of a connection whose messages are encrypted: frames from the network are opened, those of its queue are sealed.
//
// The queue keeps a frame until all of it, sealed, has been written, so that it remains exact about what was sent.
// Threads: the loop's alone.

#ifndef ZDEV_SRC_WIRE_SEALED_STREAM_HPP
#define ZDEV_SRC_WIRE_SEALED_STREAM_HPP

#include <sys/uio.h>

#include <memory>
#include <vector>

#include "../zmtp/cipher.hpp"
#include "../zmtp/scanner.hpp"
#include "buffer.hpp"
#include "send_queue.hpp"

namespace zdev::wire {

class sealed_stream {
public:
    sealed_stream(std::unique_ptr<zmtp::cipher> cipher, const zmtp::limits& limits)
        : cipher_(std::move(cipher)), largest_(std::min(limits.frame_bytes, limits.message_bytes)) {}

    // Opens the whole frames in place, and keeps the rest. Returns how many bytes of frames are at the front now.
    std::size_t open(char* data, std::size_t size);
    // Why it stopped: `partial`, or `invalid` or `too_large` because of the frame that follows those opened; nothing after it
    // is opened.
    zmtp::stop why() const noexcept { return why_; }

    buffer& rest() noexcept { return rest_; }                // a frame that has not arrived completely
    std::size_t needed() const noexcept { return needed_; }  // its size, as far as that is known

    // Sets `to` to the next bytes to write. Returns how many elements were set, 1 or 0.
    std::size_t gather(const send_queue& queue, iovec* to);
    void written(std::size_t bytes, send_queue& queue);

private:
    struct part {  // a frame, or bytes of the handshake
        std::size_t sealed, plain;
    };

    void fill(const send_queue& queue);
    void seal(std::string_view frame);

    std::unique_ptr<zmtp::cipher> cipher_;
    const std::uint64_t largest_;
    buffer rest_, out_;
    std::size_t needed_ = 0;
    zmtp::stop why_ = zmtp::stop::partial;
    std::vector<part> parts_;                      // of out_
    std::size_t next_ = 0, done_ = 0, taken_ = 0;  // the part under way, its bytes written, and those taken from the queue
};

}  // namespace zdev::wire

#endif
