#include "connection.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

namespace zdev::wire {

namespace {

constexpr std::size_t large = 64 * 1024;      // an unfinished message of this size is gathered in a buffer of its own
constexpr std::size_t little = 2 * 1024;      // what is read from each while messages have no taker
constexpr std::size_t small_rest = 4 * 1024;  // what a connection may keep allocated

zmtp::limits limits_of(const socket_options& options) {
    zmtp::limits limits;
    if (options.maxmsgsize >= 0) limits.frame_bytes = static_cast<std::uint64_t>(options.maxmsgsize);
    if (options.max_message_bytes >= 0) limits.message_bytes = static_cast<std::uint64_t>(options.max_message_bytes);
    limits.frames = options.max_message_frames;
    return limits;
}

}  // namespace

connection::connection(loop& loop, connection_handler& handler, descriptor fd, const socket_options& options,
                       zmtp::identity ours)
    : loop_(loop),
      handler_(handler),
      fd_(std::move(fd)),
      options_(options),
      hwm_(options.sndhwm),
      handshake_(std::make_unique<zmtp::handshake>(std::move(ours))),
      scanner_(limits_of(options)),
      queue_(loop.chunks()),
      heartbeat_(options),
      timer_(loop.timers()) {
    loop_.add(*this, fd_.get(), interest_ = EPOLLIN);
    registered_ = true;
    queue_.append_raw(handshake_->take_output());
    loop_.flush_later(*this);
    if (options.handshake_ivl.count() > 0) {
        timer_.start(loop_.now() + options.handshake_ivl, [this] { close(ending::timeout, "its handshake took too long"); });
    }
}

connection::~connection() {
    if (registered_) loop_.remove(fd_.get());
}

void connection::set_routing_id(std::string id) {
    routing_id_ = std::move(id);
    routing_frame_.clear();
    zmtp::append_frame(routing_frame_, zmtp::more_flag, routing_id_);
}

void connection::on_events(std::uint32_t events) {
    if ((events & (EPOLLHUP | EPOLLERR)) != 0 && (held_ || (interest_ & EPOLLIN) == 0)) {
        // These are reported even when nothing is waited for: look away until it may be read again.
        loop_.remove(fd_.get());
        registered_ = false;
        return break_off();
    }
    if ((events & EPOLLOUT) != 0) {
        blocked_ = false;
        loop_.flush_later(*this);
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !held_) read();
}

// One buffer a turn: nobody waits for a busy peer.
void connection::read() {
    if (rest_.size() >= large) return read_large();
    buffer& scratch = loop_.scratch();
    const std::size_t kept = rest_.size();
    if (kept > 0) std::memcpy(scratch.data(), rest_.data(), kept);
    // Where messages have no taker there may still be commands in front of them.
    const std::size_t most = !joined_ || handler_.may_read() ? scratch.capacity() - kept : little;
    const ssize_t count = ::recv(fd_.get(), scratch.data() + kept, most, MSG_DONTWAIT);
    if (!received(count)) return;
    rest_.clear();
    digest(scratch.data(), kept + static_cast<std::size_t>(count));
}

// An unfinished large message goes on where it is; what comes after its frame, into the loop's buffer.
void connection::read_large() {
    const std::uint64_t missing = scanner_.needed() - std::min<std::uint64_t>(scanner_.needed(), rest_.size());
    rest_.make_space(static_cast<std::size_t>(std::clamp<std::uint64_t>(missing, 1, std::max(rest_.size(), large))));
    const std::size_t own = static_cast<std::size_t>(std::clamp<std::uint64_t>(missing, 1, rest_.space()));
    buffer& scratch = loop_.scratch();
    const iovec parts[] = {{rest_.end(), own}, {scratch.data(), scratch.capacity()}};
    const ssize_t count = ::readv(fd_.get(), parts, 2);
    if (!received(count)) return;

    const std::size_t spilt = static_cast<std::size_t>(count) - std::min(static_cast<std::size_t>(count), own);
    rest_.written(static_cast<std::size_t>(count) - spilt);
    if (spilt > 0 && missing > own) {  // it goes on in what was spilt
        rest_.append({scratch.data(), spilt});
        return resume();
    }
    resume();
    if (ended_ || spilt == 0) return;
    if (rest_.empty() && !held_) return digest(scratch.data(), spilt);
    rest_.append({scratch.data(), spilt});
    if (!held_) resume();
}

// False: there is nothing, or an end.
bool connection::received(ssize_t bytes) {
    if (bytes > 0) {
        heartbeat_.heard(loop_.now());
        return true;
    }
    if (bytes < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    close(ending::closed, bytes == 0 ? "it closed" : std::generic_category().message(errno));
    return false;
}

// Processes what is in the loop's buffer, and keeps what is left of it.
void connection::digest(char* data, std::size_t size) {
    const std::size_t used = process(data, size, nullptr);
    if (ended_) return;
    if (used == size) return rest_.capacity() > small_rest ? rest_.release() : void();
    if (rest_.capacity() > small_rest && size - used <= small_rest) rest_.release();
    rest_.append({data + used, size - used});
}

void connection::resume() {
    held_ = false;
    if (!rest_.empty()) {
        std::size_t size = rest_.size();
        const std::size_t used = process(rest_.data(), size, &rest_);
        if (ended_) return;
        if (!rest_.empty()) {
            rest_.set_size(size);
            rest_.consume(used);
        }
        if (rest_.empty() && rest_.capacity() > small_rest) rest_.release();
    }
    if (!held_) update_interest();
}

// Returns how many bytes at the front are done with. Commands within a message are cut out, which makes `size` smaller.
std::size_t connection::process(char* data, std::size_t& size, buffer* whole) {
    std::size_t used = handshake_ ? shake_hands({data, size}) : 0;
    while (joined_ && !held_ && !ended_) {
        zmtp::run run;
        const zmtp::stop why = scanner_.scan({data + used, size - used}, handler_.batch(*this), run);
        if (run.messages > 0 && !take_messages(data, size, used, run, whole)) break;
        switch (why) {
            case zmtp::stop::full: break;
            case zmtp::stop::partial: return used;
            case zmtp::stop::command: take_command(data, size, used); break;
            case zmtp::stop::invalid: close(ending::protocol, "it broke the framing"); break;
            case zmtp::stop::too_large: close(ending::protocol, "its message exceeds a limit"); break;
        }
    }
    return used;
}

// False: not all were taken.
bool connection::take_messages(char* data, std::size_t size, std::size_t& used, const zmtp::run& run, buffer* whole) {
    buffer* const alone = used == 0 && run.bytes == size && run.messages == 1 ? whole : nullptr;
    if (alone) alone->set_size(size);  // commands may have been cut out
    const std::size_t taken = handler_.on_messages(*this, {data + used, run.bytes}, run, alone);
    used += taken;
    if (taken == run.bytes) return true;
    scanner_ = zmtp::scanner(limits_of(options_));  // what was scanned beyond is scanned again
    if (!ended_) hold();
    return false;
}

std::size_t connection::shake_hands(std::string_view bytes) {
    const std::size_t used = handshake_->feed(bytes);
    if (const std::string output = handshake_->take_output(); !output.empty()) {
        queue_.append_raw(output);
        loop_.flush_later(*this);
    }
    if (handshake_->failed()) {
        write();  // an ERROR, perhaps
        const bool broken = handshake_->failure() == zmtp::failure::protocol;
        close(broken ? ending::protocol : ending::refused, handshake_->reason());
    } else if (handshake_->done()) {
        peer_ = std::move(handshake_->peer());
        handshake_.reset();
        timer_.cancel();
        joined_ = true;
        heartbeat_.begin(loop_.now());
        if (!handler_.on_handshake(*this)) {
            write();
            close(ending::refused, "its routing id is in use");
        } else {
            beat();
        }
    }
    return used;
}

// Cuts a whole command out of what was received: the smaller part of the message around it moves.
void connection::take_command(char* data, std::size_t& size, std::size_t& used) {
    const zmtp::frame header = scanner_.command();
    const std::size_t before = scanner_.command_at(), length = static_cast<std::size_t>(header.size());
    char* const at = data + used + before;
    scanner_.cut();
    obey({at + header.header, length - header.header});
    const std::size_t after = size - used - before - length;
    if (before <= after) {
        std::memmove(data + used + length, data + used, before);
        used += length;
    } else {
        std::memmove(at, at + length, after);
        size -= length;
    }
}

void connection::obey(std::string_view body) {
    const auto command = zmtp::parse_command_body(body);
    if (!command) return close(ending::protocol, "it sent an invalid command");
    if (const auto wish = zmtp::parse_subscription(*command)) return handler_.on_subscription(*this, *wish);
    if (command->name == "ERROR") return close(ending::closed, "it reported: " + zmtp::parse_error_reason(command->data));
    if (command->name != "PING") return;  // PONG, and what later versions may bring
    const auto ping = zmtp::parse_ping(command->data);
    if (!ping) return close(ending::protocol, "it sent an invalid PING");
    heartbeat_.ttl(ping->ttl);
    beat();
    constexpr std::size_t most_unread = 64 * 1024;  // of a peer that asks and does not read
    if (queue_.messages() == 0 && queue_.bytes() > most_unread) return;
    std::string pong;
    zmtp::append_pong(pong, ping->context);
    send_command(pong);
}

// Sends what is due and looks again when the next is.
void connection::beat() {
    const auto now = loop_.now();
    if (held_) heartbeat_.heard(now);  // what it says is not read now
    if (heartbeat_.lost(now)) return close(ending::timeout, "it does not answer");
    if (heartbeat_.ping(now)) {
        std::string framed;
        zmtp::append_ping(framed, {options_.heartbeat_ttl, {}});
        send_command(framed);
    }
    if (const auto next = heartbeat_.next()) timer_.start(*next, [this] { beat(); });
}

// Reads all that has arrived, for nobody will any more.
std::uint64_t connection::count_unread() {
    std::uint64_t messages = 0;
    const auto count = [&](std::string_view bytes) {
        zmtp::run run;
        scanner_.scan(bytes, ~std::size_t{0}, run);
        messages += run.messages;
        return run.bytes;
    };
    buffer& scratch = loop_.scratch();
    rest_.consume(count(rest_.view()));
    while (joined_ && rest_.size() < large) {
        const std::size_t kept = rest_.size();
        if (kept > 0) std::memcpy(scratch.data(), rest_.data(), kept);
        const ssize_t got = ::recv(fd_.get(), scratch.data() + kept, scratch.capacity() - kept, MSG_DONTWAIT);
        if (got <= 0) break;
        const std::string_view bytes(scratch.data(), kept + static_cast<std::size_t>(got));
        const std::size_t used = count(bytes);
        rest_.clear();
        rest_.append(bytes.substr(used));
    }
    return messages;
}

void connection::hold() {
    held_ = true;
    update_interest();
}

void connection::close(ending why, std::string reason) {
    if (ended_) return;
    ended_ = true;
    why_ = why;
    reason_ = std::move(reason);
    writable_ = false;
    if (std::exchange(registered_, false)) loop_.remove(fd_.get());
    loop_.bury(*this);
}

void connection::update_interest() {
    if (ended_) return;
    const std::uint32_t wanted = (held_ ? 0U : EPOLLIN) | (blocked_ && writable_ && !queue_.empty() ? EPOLLOUT : 0U);
    if (registered_ && wanted == interest_) return;
    if (!registered_ && wanted == 0) return;
    registered_ ? loop_.modify(*this, fd_.get(), wanted) : loop_.add(*this, fd_.get(), wanted);
    interest_ = wanted;
    registered_ = true;
}

}  // namespace zdev::wire
