// The file of a listening ipc socket, which is removed after its last descriptor was closed.
//
// Threads: the loop's alone, but for bind().

#ifndef ZDEV_SRC_WIRE_IPC_FILE_HPP
#define ZDEV_SRC_WIRE_IPC_FILE_HPP

#include <sys/types.h>

#include <string>

namespace zdev::wire {

class ipc_file {
public:
    ipc_file() = default;
    ~ipc_file() { remove(); }
    ipc_file(const ipc_file&) = delete;
    ipc_file& operator=(const ipc_file&) = delete;

    // Binds a socket, and replaces the file of a listener that no longer exists. `path` of "*": a new file in a new directory,
    // which only this user may enter. Throws zdev::error, its text being only the reason: EADDRINUSE if a program listens
    // there.
    void bind(int fd, const std::string& path);
    void adopt(const std::string& path);  // of a socket that is bound already
    // Unless another file has replaced it, or the socket still listens: another process, or the caller, goes on with it.
    void remove() noexcept;

private:
    void identify(const std::string& path);

    std::string path_, directory_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

}  // namespace zdev::wire

#endif
