// A group of threads that end together.

#ifndef ZDEV_LOAD_TEAM_HPP
#define ZDEV_LOAD_TEAM_HPP

#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>
#include <zmq.hpp>

namespace zdev_load {

// When one thread fails, the contexts are shut down, which ends the others.
class team {
public:
    explicit team(std::vector<zmq::context_t*> contexts) : contexts_(std::move(contexts)) {}
    ~team() { end(); }

    void start(std::function<void()> work) {
        threads_.emplace_back([this, work = std::move(work)] {
            try {
                work();
            } catch (const zmq::error_t& error) {
                if (error.num() != ETERM) fail_with(std::current_exception());
            } catch (...) {
                fail_with(std::current_exception());
            }
        });
    }

    std::size_t size() const { return threads_.size(); }

    // Waits for threads [first, first + count), ends the others, and rethrows the first failure.
    void finish(std::size_t first, std::size_t count) {
        for (std::size_t i = first; i < first + count; ++i) threads_[i].join();
        end();
        if (failure_) std::rethrow_exception(failure_);
    }

    // Ends all threads; `finish` will throw `failure` unless another came before. May be called from any thread.
    void fail_with(std::exception_ptr failure) {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (!failure_) failure_ = std::move(failure);
        shut_down();
    }

    bool has_failed() {
        const std::lock_guard<std::mutex> lock(mutex_);
        return failure_ != nullptr;
    }

private:
    void shut_down() {
        for (auto* context : contexts_) context->shutdown();
    }
    void end() {
        shut_down();
        for (auto& thread : threads_)
            if (thread.joinable()) thread.join();
    }

    std::vector<zmq::context_t*> contexts_;
    std::vector<std::thread> threads_;
    std::mutex mutex_;
    std::exception_ptr failure_;
};

}  // namespace zdev_load

#endif
