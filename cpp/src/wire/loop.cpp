#include "loop.hpp"

#include <sys/epoll.h>

#include <cerrno>
#include <string>

#include "errors.hpp"

namespace zdev::wire {

namespace {

constexpr std::size_t scratch_size = std::size_t{256} * 1024;
constexpr int events_a_turn = 256;

[[noreturn]] void fail(const char* what) { throw error(errno, std::string("device: ") + what + ": " + reason(errno)); }

}  // namespace

loop::loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), scratch_(scratch_size) {
    if (!epoll_) fail("cannot create an epoll descriptor");
}

void loop::add(watched& who, int fd, std::uint32_t events) {
    epoll_event event{events, {&who}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) fail("cannot watch a descriptor");
}

void loop::modify(watched& who, int fd, std::uint32_t events) {
    epoll_event event{events, {&who}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0) fail("cannot watch a descriptor");
}

void loop::remove(int fd) noexcept { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

int loop::wait_time(milliseconds longest) const {
    if (!to_flush_.empty() || !to_destroy_.empty()) return 0;
    if (const auto next = timers_.next()) {
        longest = std::min(longest, std::max(std::chrono::ceil<milliseconds>(*next - clock::now()), milliseconds{0}));
    }
    return static_cast<int>(longest.count());
}

bool loop::turn(milliseconds longest) {
    epoll_event events[events_a_turn];
    const int count = ::epoll_wait(epoll_.get(), events, events_a_turn, wait_time(longest));
    if (count < 0 && errno != EINTR) fail("cannot wait for events");
    now_ = clock::now();
    costly_steps_ = 0;
    for (int i = 0; i < count; ++i) {
        auto* const who = static_cast<watched*>(events[i].data.ptr);
        if (!who->dead()) who->on_events(events[i].events);
    }
    timers_.fire(now_);
    settle();
    return count >= 0;
}

void loop::settle() {
    while (!to_flush_.empty() || !to_destroy_.empty()) {
        if (before_flush_) before_flush_();
        // A flush makes room, and so may add others. NOLINTNEXTLINE(modernize-loop-convert)
        for (std::size_t i = 0; i < to_flush_.size(); ++i) {
            watched& who = *to_flush_[i];
            who.to_flush_ = false;
            if (!who.dead()) who.flush();
        }
        to_flush_.clear();
        const auto dead = std::exchange(to_destroy_, {});
        for (watched* const who : dead) who->on_dead();
    }
}

}  // namespace zdev::wire
