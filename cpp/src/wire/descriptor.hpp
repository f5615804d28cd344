// A file descriptor that closes itself.

#ifndef ZDEV_SRC_WIRE_DESCRIPTOR_HPP
#define ZDEV_SRC_WIRE_DESCRIPTOR_HPP

#include <unistd.h>

#include <utility>

namespace zdev::wire {

class descriptor {
public:
    descriptor() = default;
    explicit descriptor(int fd) noexcept : fd_(fd) {}
    descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~descriptor() { reset(); }

    int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }
    void reset() noexcept {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }

private:
    int fd_ = -1;
};

}  // namespace zdev::wire

#endif
