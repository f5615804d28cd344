// What Linux, macOS and the BSDs bring for poll.hpp and wakeup.hpp: a pipe to oneself.

#ifndef _WIN32

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <zdev/device.hpp>

#include "poll.hpp"
#include "wakeup.hpp"

namespace zdev {

int poll(pollfd* fds, std::size_t count, std::chrono::milliseconds timeout) noexcept {
    return ::poll(fds, static_cast<nfds_t>(count), static_cast<int>(timeout.count()));
}

wakeup::wakeup() : read_(-1), write_(-1) {
    int ends[2];
    if (::pipe(ends) != 0) throw error(errno, std::string("device: no pipe to wake its loop: ") + zmq_strerror(errno));
    read_ = ends[0];
    write_ = ends[1];
    for (const int end : ends) {
        ::fcntl(end, F_SETFL, O_NONBLOCK);
        ::fcntl(end, F_SETFD, FD_CLOEXEC);
    }
}

wakeup::~wakeup() {
    ::close(read_);
    ::close(write_);
}

void wakeup::signal() const noexcept {
    const int saved = errno;
    // A full pipe is readable already, so a failed write loses nothing.
    [[maybe_unused]] const auto written = ::write(write_, "", 1);
    errno = saved;
}

void wakeup::clear() const noexcept {
    char bytes[64];
    while (::read(read_, bytes, sizeof bytes) > 0) {
    }
}

}  // namespace zdev

#endif
