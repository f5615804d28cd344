#include "ipc_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "address.hpp"
#include "descriptor.hpp"
#include "errors.hpp"

namespace zdev::wire {

namespace {

std::string new_directory() {
    const char* const parent = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe): libzmq reads it in the same way
    std::string path = std::string(parent && *parent ? parent : "/tmp") + "/zdev-XXXXXX";
    if (!::mkdtemp(path.data())) throw error(errno, reason(errno));
    return path;
}

// Whether the file belongs to a listener that no longer exists.
bool is_stale(const std::string& path, const address& to) {
    struct stat found{};
    if (path.front() == '@' || ::lstat(path.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) return false;
    const descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    return probe && ::connect(probe.get(), to.get(), to.size) != 0 && errno == ECONNREFUSED;
}

}  // namespace

void ipc_file::bind(int fd, const std::string& path) {
    if (path == "*") directory_ = new_directory();
    const std::string at = directory_.empty() ? path : directory_ + "/socket";
    const address to = ipc_address(at);
    int fault = ::bind(fd, to.get(), to.size) == 0 ? 0 : errno;
    if (fault == EADDRINUSE && is_stale(at, to) && ::unlink(at.c_str()) == 0) {
        fault = ::bind(fd, to.get(), to.size) == 0 ? 0 : errno;
    }
    if (fault != 0) throw error(fault, reason(fault));
    identify(at);
}

void ipc_file::adopt(const std::string& path) {
    if (!path.empty()) identify(path);
}

void ipc_file::identify(const std::string& path) {
    struct stat made{};
    if (path.front() == '@' || ::lstat(path.c_str(), &made) != 0) return;
    path_ = path;
    device_ = made.st_dev;
    inode_ = made.st_ino;
}

void ipc_file::remove() noexcept {
    struct stat now{};
    const bool ours = !path_.empty() && ::lstat(path_.c_str(), &now) == 0 && now.st_dev == device_ && now.st_ino == inode_;
    if (ours && is_stale(path_, ipc_address(path_))) ::unlink(path_.c_str());
    if (!directory_.empty()) ::rmdir(directory_.c_str());
    path_.clear();
    directory_.clear();
}

}  // namespace zdev::wire
