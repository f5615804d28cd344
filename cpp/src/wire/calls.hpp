// Calls functions of other threads in the thread of the loop, which alone may read or change connections.
//
// Threads: call() from any; the others are the loop's.

#ifndef ZDEV_SRC_WIRE_CALLS_HPP
#define ZDEV_SRC_WIRE_CALLS_HPP

#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

#include "../wakeup.hpp"

namespace zdev::wire {

class calls {
public:
    explicit calls(const zdev::wakeup& bell) : bell_(bell) {}

    enum class result { done, late, not_running };

    // Waits until `act` has returned; rethrows what it throws. late: the loop has not called it within `timeout`, and never
    // will. In the loop's own thread, as in the interrupt check, it is called at once.
    result call(const std::function<void()>& act, std::chrono::milliseconds timeout);

    void open();            // calls are served from now on
    void close() noexcept;  // no more
    void serve();

private:
    struct waiting {
        const std::function<void()>* act;
        bool done = false, refused = false;
        std::exception_ptr fault;
    };

    static void perform(waiting& each) noexcept;

    const zdev::wakeup& bell_;
    std::mutex guard_;  // held while a function runs, so that its caller cannot leave
    std::condition_variable changed_;
    std::list<waiting*> waiting_;
    std::thread::id loop_;  // none: not running
};

}  // namespace zdev::wire

#endif
