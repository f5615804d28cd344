// For Windows, where a library is a module, and its handle the base address.

#ifdef _WIN32

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <stdexcept>

#include "library.hpp"

namespace zdev_core {

namespace {

HMODULE module_at(const void* address, DWORD flags) {
    HMODULE found = nullptr;
    ::GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | flags, static_cast<LPCWSTR>(address), &found);
    return found;
}

std::string path_of(HMODULE module) {
    wchar_t wide[32768];  // no path is longer
    const int size = static_cast<int>(::GetModuleFileNameW(module, wide, sizeof wide / sizeof *wide));
    std::string path(static_cast<std::size_t>(::WideCharToMultiByte(CP_UTF8, 0, wide, size, nullptr, 0, nullptr, nullptr)),
                     ' ');
    ::WideCharToMultiByte(CP_UTF8, 0, wide, size, path.data(), static_cast<int>(path.size()), nullptr, nullptr);
    return path;
}

}  // namespace

library library::holding(const void* address) {
    const HMODULE found = module_at(address, GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT);
    if (!found) throw std::runtime_error("no library loaded in this process has this address");
    return library(path_of(found), found);
}

void* library::symbol(const char* name) {
    if (!handle_) handle_ = module_at(base_, 0);  // counts as a use, so that it stays loaded
    const FARPROC found = ::GetProcAddress(static_cast<HMODULE>(handle_), name);
    void* const address = reinterpret_cast<void*>(found);
    const bool own = found && module_at(address, GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT) == base_;
    return own ? address : nullptr;
}

}  // namespace zdev_core

#endif
