// Wakes a thread that waits in poll(), from any other thread or from a signal handler.

#ifndef ZDEV_SRC_WAKEUP_HPP
#define ZDEV_SRC_WAKEUP_HPP

#include <zmq.h>

namespace zdev {

class wakeup {
public:
    wakeup();  // throws zdev::error with the errno of the system call, usually EMFILE
    ~wakeup();
    wakeup(const wakeup&) = delete;
    wakeup& operator=(const wakeup&) = delete;

    zmq_fd_t fd() const noexcept { return read_; }  // readable from signal() until clear()
    void signal() const noexcept;                   // async-signal-safe; keeps errno
    void clear() const noexcept;

private:
    zmq_fd_t read_;
    zmq_fd_t write_;
};

}  // namespace zdev

#endif
