// A shared library (or the program itself) that this process has loaded. library.cpp and library_windows.cpp have the binding's
// only platform-specific code.
//
// Threads: any; the dynamic loader has its own lock.

#ifndef ZDEV_CORE_LIBRARY_HPP
#define ZDEV_CORE_LIBRARY_HPP

#include <string>

namespace zdev_core {

class library {
public:
    // Finds the library that has `address` in its code or constant data. Throws std::runtime_error if there is none.
    static library holding(const void* address);

    // Returns what this library itself, and not one of its dependencies, defines under `name`, or nullptr. The library stays
    // loaded from then on, so that the address remains valid.
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
