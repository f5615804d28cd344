// poll(2), by the name that each system has for it.

#ifndef ZDEV_SRC_POLL_HPP
#define ZDEV_SRC_POLL_HPP

#ifdef _WIN32
#include <winsock2.h>
#else
#include <poll.h>
#endif

#include <chrono>
#include <cstddef>

namespace zdev {

// How many of `fds` have news; 0 when the time is over; -1 with errno, EINTR among others.
int poll(pollfd* fds, std::size_t count, std::chrono::milliseconds timeout) noexcept;

}  // namespace zdev

#endif
