#include "errors.hpp"

#include <cerrno>
#include <system_error>

namespace zdev::wire {

namespace {

const char* advice(int number) noexcept {
    switch (number) {
        case EADDRINUSE: return "end the program that is bound there, or bind another address; port * lets the system choose";
        case EADDRNOTAVAIL: return "use an address that this machine has, or * for all";
        case ENODEV: return "use an interface or address that this machine has, or * for all";
        case EACCES:
        case EPERM: return "use a port from 1024 on, or a directory that you may write to";
        case ENOENT: return "make the directory first";
        case EMFILE: return "raise the limit of open files, ulimit -n or systemd's LimitNOFILE=";
        case EPROTONOSUPPORT: return "use tcp or ipc";
        default: return nullptr;
    }
}

}  // namespace

std::string reason(int number) {
    std::string text = std::generic_category().message(number);
    const bool capitalised = text.size() > 1 && text[0] >= 'A' && text[0] <= 'Z' && (text[1] < 'A' || text[1] > 'Z');
    if (capitalised) text[0] = static_cast<char>(text[0] - 'A' + 'a');
    return text;
}

error explained(const std::string& doing, const error& why) {
    std::string text = "device: " + doing + ": " + why.what();
    if (const char* const remedy = advice(why.num())) text.append(" (").append(remedy).append(")");
    return {why.num(), text};
}

}  // namespace zdev::wire
