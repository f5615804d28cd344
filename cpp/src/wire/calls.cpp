#include "calls.hpp"

#include <utility>

namespace zdev::wire {

calls::result calls::call(const std::function<void()>& act, std::chrono::milliseconds timeout) {
    std::unique_lock<std::mutex> lock(guard_);
    if (loop_ == std::thread::id()) return result::not_running;
    if (loop_ == std::this_thread::get_id()) {
        lock.unlock();
        act();
        return result::done;
    }
    waiting mine{&act, false, false, nullptr};
    const auto place = waiting_.insert(waiting_.end(), &mine);
    bell_.signal();
    if (!changed_.wait_for(lock, timeout, [&] { return mine.done || mine.refused; })) {
        waiting_.erase(place);
        return result::late;
    }
    if (mine.fault) std::rethrow_exception(mine.fault);
    return mine.done ? result::done : result::not_running;
}

void calls::open() {
    const std::lock_guard<std::mutex> lock(guard_);
    loop_ = std::this_thread::get_id();
}

void calls::close() noexcept {
    const std::lock_guard<std::mutex> lock(guard_);
    loop_ = {};
    for (waiting* const each : waiting_) each->refused = true;
    waiting_.clear();
    changed_.notify_all();
}

void calls::serve() {
    const std::lock_guard<std::mutex> lock(guard_);
    for (waiting* const each : waiting_) perform(*each);
    waiting_.clear();
    changed_.notify_all();
}

void calls::perform(waiting& each) noexcept {
    try {
        (*each.act)();
    } catch (...) {
        each.fault = std::current_exception();
    }
    each.done = true;
}

}  // namespace zdev::wire
