// The half of a connection that sends.

#include <sys/socket.h>

#include <cerrno>

#include "connection.hpp"

namespace zdev::wire {

namespace {

constexpr std::size_t at_once = std::size_t{32} * 1024;  // a run of this size is written without a copy
constexpr std::size_t most_parts = 64;                   // buffers of one write

}  // namespace

std::size_t connection::send_run(std::string_view bytes, const zmtp::run& run) {
    std::size_t taken = 0;
    while (taken < run.messages && has_room()) {
        const zmtp::run part = send_part(bytes, run.messages - taken);
        taken += part.messages;
        bytes.remove_prefix(part.bytes);
    }
    traffic.messages_sent += taken;
    return taken;
}

// Writes a run of `messages` at once if the queue is empty; queues as much of the rest as there is room for.
zmtp::run connection::send_part(std::string_view bytes, std::size_t messages) {
    std::size_t sent = 0;
    zmtp::run done;
    if (queue_.empty() && bytes.size() >= at_once && !blocked_ && !sealed_) {
        const ssize_t count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        blocked_ = count < static_cast<ssize_t>(bytes.size());  // an error shows at the next write
        sent = count > 0 ? static_cast<std::size_t>(count) : 0;
        traffic.bytes_sent += sent;
        done.bytes = bytes.size();
        done.messages = messages;
        if (!blocked_) return done;
        done = zmtp::first_messages(bytes.substr(0, sent), messages);
    }
    zmtp::run part;
    part.messages = hwm_ == 0 ? messages : std::min(messages, done.messages + hwm_ - queue_.messages());
    part.bytes = part.messages == messages ? bytes.size() : zmtp::first_messages(bytes, part.messages).bytes;
    const std::string_view taken = bytes.substr(0, part.bytes);
    sent > 0 ? queue_.append_rest(taken, sent, part.messages) : queue_.append(taken, part.messages);
    queued();
    return part;
}

void connection::send_command(std::string_view framed) {
    if (!writable_) return;
    queue_.append(framed, 0);
    loop_.flush_later(*this);
}

void connection::send_subscription(const zmtp::subscription& wish) {
    if (!writable_) return;
    std::string framed;
    zmtp::append_subscription(framed, peer_.minor, wish);
    constexpr std::size_t most_waiting = std::size_t{64} << 20;
    if (queue_.bytes() > most_waiting) return close(ending::limit, "it does not read subscriptions");  // it may reconnect
    const std::size_t messages = peer_.minor >= 1 ? 0 : 1;
    queue_.append(framed, messages);
    traffic.messages_sent += messages;
    loop_.flush_later(*this);
}

// The queue has reached its limit: writes at once, and is full only if that does not help.
void connection::reached_hwm() {
    if (!blocked_) write();
    full_ = queue_.messages() >= hwm_;
}

void connection::set_hwm(std::size_t messages) {
    hwm_ = messages;
    const bool was_full = std::exchange(full_, hwm_ != 0 && queue_.messages() >= hwm_);
    if (was_full && !full_ && writable_) handler_.on_room(*this);
}

void connection::send_waiting() {
    write();
    if (!writable_) break_off();
    if (ended_) return;
    if (full_ && queue_.messages() <= hwm_ / 2 && writable_) {
        full_ = false;
        handler_.on_room(*this);
    }
    if (finishing_ && queue_.empty() && writable_) {
        ::shutdown(fd_.get(), SHUT_WR);
        finishing_ = false;
        break_off();
    }
    update_interest();
}

// May be called by a pattern that is delivering a message, so an error takes effect in the next flush.
void connection::write() {
    while (!queue_.empty() && !blocked_ && writable_) {
        iovec parts[most_parts];
        msghdr message{};
        message.msg_iov = parts;
        message.msg_iovlen = sealed_ ? sealed_->gather(queue_, parts) : queue_.gather(parts, most_parts);
        const ssize_t count = ::sendmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0) {
            if (errno == EINTR) continue;
            blocked_ = errno == EAGAIN;
            writable_ = blocked_;
            return;
        }
        std::size_t offered = 0;
        for (std::size_t i = 0; i < message.msg_iovlen; ++i) offered += parts[i].iov_len;
        sealed_ ? sealed_->written(static_cast<std::size_t>(count), queue_) : queue_.consume(static_cast<std::size_t>(count));
        traffic.bytes_sent += static_cast<std::uint64_t>(count);
        blocked_ = static_cast<std::size_t>(count) < offered;
    }
}

// The peer does not receive any more. There may still be messages from it to read.
void connection::break_off() {
    if (ended_ || std::exchange(broken_off_, true)) return;
    writable_ = false;
    if (joined_) {
        handler_.on_unwritable(*this);
    } else {
        close(ending::closed, "it left during its handshake");
    }
}

void connection::finish_sending() {
    finishing_ = true;
    loop_.flush_later(*this);
}

}  // namespace zdev::wire
