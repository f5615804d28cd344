// What Windows brings for poll.hpp and wakeup.hpp: WSAPoll, and a UDP socket that talks to itself, since a pipe's end can't be
// waited for beside sockets there.

#ifdef _WIN32

#include <winsock2.h>
#include <ws2tcpip.h>

#include <cerrno>
#include <string>
#include <zdev/device.hpp>

#include "poll.hpp"
#include "wakeup.hpp"

namespace zdev {

namespace {

int errno_of_last_error() noexcept {
    switch (WSAGetLastError()) {
        case WSAEINTR: return EINTR;
        case WSAENOTSOCK: return ENOTSOCK;
        case WSAEMFILE: return EMFILE;
        case WSAENOBUFS: return ENOBUFS;
        default: return EINVAL;
    }
}

// Its own: only what it sends itself arrives, for a connected UDP socket takes nothing from other addresses.
bool connect_to_itself(SOCKET fd) noexcept {
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int size = sizeof own;
    auto* const address = reinterpret_cast<sockaddr*>(&own);
    u_long nonblocking = 1;
    return ::bind(fd, address, size) == 0 && ::getsockname(fd, address, &size) == 0 && ::connect(fd, address, size) == 0 &&
           ::ioctlsocket(fd, static_cast<long>(FIONBIO), &nonblocking) == 0;
}

}  // namespace

int poll(pollfd* fds, std::size_t count, std::chrono::milliseconds timeout) noexcept {
    const int news = ::WSAPoll(fds, static_cast<ULONG>(count), static_cast<int>(timeout.count()));
    if (news < 0) errno = errno_of_last_error();
    return news;
}

wakeup::wakeup() {
    // libzmq does this too, but for as long as a context lives, and a device may outlive it.
    WSADATA data;
    ::WSAStartup(MAKEWORD(2, 2), &data);
    read_ = write_ = ::socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    if (read_ != INVALID_SOCKET && connect_to_itself(read_)) return;
    const int number = errno_of_last_error();
    if (read_ != INVALID_SOCKET) ::closesocket(read_);
    ::WSACleanup();
    throw error(number, "device: no socket to wake its loop: " + std::string(zmq_strerror(number)));
}

wakeup::~wakeup() {
    ::closesocket(read_);
    ::WSACleanup();
}

void wakeup::signal() const noexcept {
    const int saved = errno;
    // A full buffer is readable already, so a failed send loses nothing.
    ::send(write_, "", 1, 0);
    errno = saved;
}

void wakeup::clear() const noexcept {
    char bytes[64];
    while (::recv(read_, bytes, sizeof bytes, 0) > 0) {
    }
}

}  // namespace zdev

#endif
