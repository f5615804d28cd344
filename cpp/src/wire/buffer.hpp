// Bytes that are appended at the end and consumed at the front. Unlike std::string, it does not initialise the space to read
// into.

#ifndef ZDEV_SRC_WIRE_BUFFER_HPP
#define ZDEV_SRC_WIRE_BUFFER_HPP

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include "blocks.hpp"

namespace zdev::wire {

class buffer {
public:
    buffer() = default;
    explicit buffer(std::size_t capacity) { reserve(capacity); }
    buffer(buffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)),
          begin_(std::exchange(other.begin_, 0)),
          end_(std::exchange(other.end_, 0)),
          capacity_(std::exchange(other.capacity_, 0)) {}
    buffer& operator=(buffer&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(begin_, other.begin_);
        std::swap(end_, other.end_);
        std::swap(capacity_, other.capacity_);
        return *this;
    }
    ~buffer() { kept_blocks::give({data_, capacity_}); }

    char* data() noexcept { return data_ + begin_; }
    const char* data() const noexcept { return data_ + begin_; }
    std::size_t size() const noexcept { return end_ - begin_; }
    bool empty() const noexcept { return begin_ == end_; }
    std::size_t capacity() const noexcept { return capacity_; }
    std::size_t space() const noexcept { return capacity_ - end_; }  // room at the end
    char* end() noexcept { return data_ + end_; }
    std::string_view view() const noexcept { return {data(), size()}; }

    void reserve(std::size_t capacity) {
        if (capacity <= capacity_) return;
        if (const block kept = data_ ? block{} : kept_blocks::take(capacity); kept.data) {
            data_ = static_cast<char*>(kept.data);
            capacity_ = kept.size;
            return;
        }
        void* const grown = std::realloc(data_, capacity);
        if (!grown) throw std::bad_alloc();
        data_ = static_cast<char*>(grown);
        capacity_ = capacity;
    }
    // Makes room for `bytes` more at the end.
    void make_space(std::size_t bytes) {
        if (space() < bytes) reserve_more(std::max(bytes, std::min(size(), grow_by)));
    }
    // The same, without room for more to come.
    void reserve_more(std::size_t bytes) {
        if (begin_ > 0) {
            std::memmove(data_, data_ + begin_, size());
            end_ = size();
            begin_ = 0;
        }
        reserve(end_ + bytes);
    }
    void written(std::size_t bytes) noexcept { end_ += bytes; }  // into the space at the end
    void append(std::string_view bytes) {
        if (bytes.empty()) return;
        make_space(bytes.size());
        std::memcpy(end(), bytes.data(), bytes.size());
        end_ += bytes.size();
    }
    void consume(std::size_t bytes) noexcept {
        begin_ += bytes;
        if (begin_ == end_) begin_ = end_ = 0;
    }
    void set_size(std::size_t bytes) noexcept { end_ = begin_ + bytes; }
    void clear() noexcept { begin_ = end_ = 0; }
    void release() noexcept { buffer().swap(*this); }
    void swap(buffer& other) noexcept { *this = std::move(other); }

private:
    static constexpr std::size_t grow_by = std::size_t{16} << 20;

    char* data_ = nullptr;
    std::size_t begin_ = 0, end_ = 0, capacity_ = 0;
};

}  // namespace zdev::wire

#endif
