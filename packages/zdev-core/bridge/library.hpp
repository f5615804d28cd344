// A shared library (or the program itself) that this process has loaded. library.cpp and library_windows.cpp hold the
// binding's only platform-specific code.
//
// Threads: any; the dynamic loader locks for itself.

#ifndef ZDEV_CORE_LIBRARY_HPP
#define ZDEV_CORE_LIBRARY_HPP

#include <string>

namespace zdev_core {

class library {
public:
    // The one that holds `address` in its code or constant data. Throws std::runtime_error when none does.
    static library holding(const void* address);

    // What this very library defines under `name`, else nullptr: a definition in one of its dependencies doesn't count. The
    // library stays loaded from then on, so the address remains good.
    void* symbol(const char* name);

    const std::string& path() const noexcept { return path_; }

    // Two loaded copies of one file differ: each has its own state.
    friend bool operator==(const library& a, const library& b) noexcept { return a.base_ == b.base_; }
    friend bool operator!=(const library& a, const library& b) noexcept { return !(a == b); }

private:
    library(std::string path, const void* base) : path_(std::move(path)), base_(base) {}

    std::string path_;
    const void* base_;
    void* handle_ = nullptr;
};

}  // namespace zdev_core

#endif
