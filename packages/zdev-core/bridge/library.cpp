// For Linux, macOS and the BSDs, by dlfcn.h.

#ifndef _WIN32

#include "library.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>

namespace zdev_core {

namespace {

// The path of the library without the `..` that a wheel's $ORIGIN leaves in the loader's name for it.
std::string resolved(const char* path) {
    const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path, nullptr), &std::free);
    return real ? real.get() : path;
}

}  // namespace

library library::holding(const void* address) {
    Dl_info found{};
    if (::dladdr(address, &found) == 0) throw std::runtime_error("no library loaded in this process has this address");
    return library(resolved(found.dli_fname), found.dli_fbase);
}

void* library::symbol(const char* name) {
    // The program itself cannot be opened by its path.
    if (!handle_) handle_ = ::dlopen(path_.c_str(), RTLD_LAZY | RTLD_NOLOAD);
    if (!handle_) handle_ = ::dlopen(nullptr, RTLD_LAZY);
    void* const address = ::dlsym(handle_, name);
    Dl_info found{};
    const bool own = address && ::dladdr(address, &found) != 0 && found.dli_fbase == base_;
    return own ? address : nullptr;
}

}  // namespace zdev_core

#endif
