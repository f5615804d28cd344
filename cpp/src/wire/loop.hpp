// The only place that waits: epoll, timers, and actions at the end of a turn.
//
// Threads: one, that of run().

#ifndef ZDEV_SRC_WIRE_LOOP_HPP
#define ZDEV_SRC_WIRE_LOOP_HPP

#include <cstdint>
#include <functional>
#include <vector>

#include "buffer.hpp"
#include "descriptor.hpp"
#include "send_queue.hpp"
#include "timers.hpp"

namespace zdev::wire {

// An object with a descriptor. Once it is dead() it gets no more events; its owner destroys it in on_dead().
class watched {
public:
    virtual ~watched() = default;
    virtual void on_events(std::uint32_t events) = 0;  // EPOLLIN ...
    virtual void flush() {}                            // end of a turn, after loop::flush_later()
    virtual void on_dead() {}                          // end of a turn, after loop::destroy_later()
    bool dead() const noexcept { return dead_; }

private:
    friend class loop;
    bool dead_ = false, to_flush_ = false;
};

class loop {
public:
    loop();  // throws zdev::error: EMFILE ...

    void add(watched& who, int fd, std::uint32_t events);
    void modify(watched& who, int fd, std::uint32_t events);
    void remove(int fd) noexcept;  // before it is closed

    void flush_later(watched& who) {
        if (who.to_flush_ || who.dead_) return;
        who.to_flush_ = true;
        to_flush_.push_back(&who);
    }
    void destroy_later(watched& who) {
        if (who.dead_) return;
        who.dead_ = true;
        to_destroy_.push_back(&who);
    }

    // Waits for events, a timer or the end of `longest`, and handles them. False: a signal interrupted the wait.
    bool turn(milliseconds longest);

    // Performs the actions of the end of a turn, and those that they cause.
    void settle();
    // Called before anything is flushed.
    void before_flush(std::function<void()> act) { before_flush_ = std::move(act); }

    // Whether this turn has time for another slow step of a handshake; otherwise a later turn takes it.
    bool take_costly_step() noexcept { return ++costly_steps_ <= most_costly_steps; }

    clock::time_point now() const noexcept { return now_; }  // as of this turn
    wire::timers& timers() noexcept { return timers_; }

    // A buffer for all reads; bytes to keep are copied out of it before the next read.
    buffer& scratch() noexcept { return scratch_; }
    chunk_pool& chunks() noexcept { return chunks_; }

    std::uint64_t number_connection() noexcept { return ++last_number_; }

    // How much to read at a time: less if many connections are held, since each of them keeps what it has read.
    std::size_t read_size() const noexcept { return std::clamp(kept_by_held / (held_ + 1), least_read, scratch_.capacity()); }
    void count_held(bool held) noexcept { held ? ++held_ : --held_; }

    // Whether a connection whose peer has left may keep that many bytes for later; if so, give_back() when it ends.
    bool keep(std::size_t bytes) noexcept {
        if (bytes > kept_of_departed - kept_) return false;
        kept_ += bytes;
        return true;
    }
    void give_back(std::size_t bytes) noexcept { kept_ -= bytes; }

private:
    static constexpr std::size_t kept_by_held = std::size_t{16} << 20, least_read = std::size_t{16} * 1024;
    static constexpr std::size_t kept_of_departed = std::size_t{32} << 20;
    static constexpr int most_costly_steps = 16;  // a tenth of a millisecond each, with CURVE

    int wait_time(milliseconds longest) const;

    descriptor epoll_;
    wire::timers timers_;
    clock::time_point now_ = clock::now();
    buffer scratch_;
    std::size_t held_ = 0, kept_ = 0;
    std::uint64_t last_number_ = 0;
    int costly_steps_ = 0;  // in this turn
    chunk_pool chunks_;
    std::vector<watched*> to_flush_, to_destroy_;
    std::function<void()> before_flush_;
};

}  // namespace zdev::wire

#endif
