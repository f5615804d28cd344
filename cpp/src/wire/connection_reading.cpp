// The half of a connection that receives: bytes become whole messages.

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>

#include "connection.hpp"
#include "errors.hpp"

namespace zdev::wire {

namespace {

constexpr std::size_t large = std::size_t{64} * 1024;  // an unfinished message of this size is collected in a separate buffer
constexpr std::size_t most_at_once = std::size_t{1} << 20;  // bytes to read of a large message
constexpr std::size_t most_ahead = std::size_t{4} << 20;    // bytes to allocate for it before they have arrived
constexpr std::size_t spill = std::size_t{4} * 1024;        // bytes to read after it
constexpr std::size_t little = std::size_t{2} * 1024;       // bytes to read from each connection while messages cannot be taken
constexpr std::size_t small_rest = std::size_t{4} * 1024;   // bytes that a connection may keep allocated

}  // namespace

// At most one buffer per turn, so that a busy peer does not delay others.
void connection::read() {
    if (sealed_) return read_sealed();
    buffer& scratch = loop_.scratch();
    if (rest_.size() >= large || scanner_.needed() > scratch.capacity()) return read_large();
    const std::size_t kept = rest_.size();
    if (kept > 0) std::memcpy(scratch.data(), rest_.data(), kept);
    // While messages cannot be taken, there may still be commands in front of them.
    const std::size_t most = !joined_ || handler_.may_read() ? std::min(loop_.read_size(), scratch.capacity() - kept) : little;
    const ssize_t count = ::recv(fd_.get(), scratch.data() + kept, most, MSG_DONTWAIT);
    if (!received(count)) return;
    rest_.clear();
    digest(scratch.data(), kept + static_cast<std::size_t>(count));
}

// Reads a large frame into a buffer of its size, and a little after its end into the loop's buffer.
void connection::read_large() {
    const std::uint64_t missing = std::max<std::uint64_t>(scanner_.needed(), rest_.size() + 1) - rest_.size();
    const std::uint64_t ahead = std::min<std::uint64_t>(missing, std::max(rest_.size(), most_ahead));
    if (rest_.space() < std::min<std::uint64_t>(missing, most_at_once)) rest_.reserve_more(static_cast<std::size_t>(ahead));
    const std::size_t own = static_cast<std::size_t>(std::min<std::uint64_t>({missing, rest_.space(), most_at_once}));
    buffer& scratch = loop_.scratch();
    const iovec parts[] = {{rest_.end(), own}, {scratch.data(), own == missing ? spill : 0}};
    const ssize_t count = ::readv(fd_.get(), parts, 2);
    if (!received(count)) return;

    const std::size_t spilt = static_cast<std::size_t>(count) - std::min(static_cast<std::size_t>(count), own);
    rest_.written(static_cast<std::size_t>(count) - spilt);
    resume();
    if (ended_ || spilt == 0) return;
    if (rest_.empty() && !held_) return digest(scratch.data(), spilt);
    rest_.append({scratch.data(), spilt});
    if (!held_) resume();
}

void connection::read_sealed() {
    std::string_view opened;
    if (!receive_sealed(opened)) return;
    if (rest_.empty()) return digest(const_cast<char*>(opened.data()), opened.size());
    rest_.append(opened);
    resume();
}

// Receives into the loop's buffer, or a larger frame into a buffer of its size, and opens what is whole. False: there is
// nothing new, or the connection has ended.
bool connection::receive_sealed(std::string_view& opened) {
    buffer &scratch = loop_.scratch(), &begun = sealed_->rest();
    const std::size_t kept = begun.size();
    const bool alone = sealed_->needed() > scratch.capacity();
    if (alone) {
        const std::size_t ahead = std::min(sealed_->needed() - kept, std::max(kept, most_ahead));
        if (begun.space() == 0) begun.reserve_more(ahead);
    } else if (kept > 0) {
        std::memcpy(scratch.data(), begun.data(), kept);
    }
    char* const to = alone ? begun.end() : scratch.data() + kept;
    const std::size_t room = alone ? std::min(begun.space(), sealed_->needed() - kept) : scratch.capacity() - kept;
    const std::size_t usual = handler_.may_read() ? loop_.read_size() : little;
    const ssize_t count = ::recv(fd_.get(), to, std::min(room, alone ? most_at_once : usual), MSG_DONTWAIT);
    if (!received(count)) return false;
    const std::size_t size = kept + static_cast<std::size_t>(count);
    if (!alone) {
        begun.clear();
        opened = {scratch.data(), sealed_->open(scratch.data(), size)};
        if (begun.empty() && begun.capacity() > small_rest) begun.release();
        return true;
    }
    begun.written(static_cast<std::size_t>(count));
    if (size < sealed_->needed()) return false;
    const std::size_t plain = sealed_->open(begun.data(), size);
    if (plain == 0) return end_if_forged(), false;
    begun.set_size(plain);
    if (!rest_.empty()) rest_.append(begun.view());
    if (rest_.empty()) rest_.swap(begun);
    begun.release();
    if (!ended_) resume();
    return false;
}

// Called when all messages before a frame that could not be opened have been taken.
void connection::end_if_forged() {
    if (!sealed_ || sealed_->why() == zmtp::stop::partial) return;
    sealed_->why() == zmtp::stop::too_large ? close(ending::limit, "its message exceeds a limit")
                                            : close(ending::framing, "a message was forged, changed, repeated or out of order");
}

// False: nothing was received, or the connection has ended.
bool connection::received(ssize_t bytes) {
    if (bytes > 0) {
        heartbeat_.input_arrived(loop_.now());
        traffic.bytes_received += static_cast<std::uint64_t>(bytes);
        return true;
    }
    if (bytes < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    close(ending::closed, bytes == 0 ? "it closed the connection" : reason(errno));
    return false;
}

// Processes bytes in the loop's buffer, and keeps the rest.
void connection::digest(char* data, std::size_t size) {
    const std::size_t used = process(data, size, nullptr);
    if (ended_) return;
    if (used == size) return rest_.capacity() > small_rest ? rest_.release() : void();
    if (rest_.capacity() > small_rest && size - used <= small_rest) rest_.release();
    rest_.append({data + used, size - used});
}

void connection::take_up() {
    set_held(false);
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
    if (!held_) fd_ ? update_interest() : close(ending::closed, "it closed the connection");
}

// The peer has left while its messages cannot be taken. They are kept without the descriptor, if there is not too much to
// keep; otherwise they stay in the network, and the descriptor is not watched, because epoll would report it all the time.
void connection::keep_rest() {
    loop_.remove(fd_.get());
    registered_ = false;
    int waiting = 0;
    const bool readable = !sealed_ && ::ioctl(fd_.get(), FIONREAD, &waiting) == 0;  // sealed: only peers with a key get here
    if (readable) keep_rest(static_cast<std::size_t>(waiting));
    break_off();
}

void connection::keep_rest(std::size_t waiting) {
    const std::size_t bytes = sizeof *this + rest_.size() + waiting;
    if (!loop_.keep(bytes)) return;
    kept_ = bytes;
    timer_.cancel();
    rest_.reserve_more(waiting);
    for (ssize_t count = 1; count > 0 && rest_.space() > 0;) {
        count = ::recv(fd_.get(), rest_.end(), rest_.space(), MSG_DONTWAIT);
        if (count > 0) rest_.written(static_cast<std::size_t>(count));
    }
    fd_.reset();
}

// Returns how many bytes at the front were used. Commands within a message are cut out, which makes `size` smaller.
std::size_t connection::process(char* data, std::size_t& size, buffer* whole) {
    std::size_t used = 0, most = 0;
    if (handshake_) {
        used = shake_hands({data, size});
        if (sealed_) size = used + sealed_->open(data + used, size - used);
    }
    while (joined_ && !held_ && !ended_) {
        if (most != 1) most = handler_.batch(*this);
        zmtp::run run;
        const zmtp::stop why = scanner_.scan({data + used, size - used}, most, run);
        if (run.messages > 0 && !take_messages(data, size, used, run, whole)) break;
        switch (why) {
            case zmtp::stop::full: break;
            case zmtp::stop::partial: return end_if_forged(), used;
            case zmtp::stop::command: take_command(data, size, used); break;
            case zmtp::stop::invalid: close(ending::framing, "its framing is invalid"); break;
            case zmtp::stop::too_large: close(ending::limit, "its message exceeds a limit"); break;
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
    scanner_.restart();  // the messages not taken are scanned again
    if (!ended_) hold();
    return false;
}

// Cuts a whole command out of the bytes received, by moving the smaller part of the message around it.
void connection::take_command(char* data, std::size_t& size, std::size_t& used) {
    const zmtp::frame header = scanner_.command();
    const std::size_t before = scanner_.command_at(), length = static_cast<std::size_t>(header.size());
    char* const at = data + used + before;
    scanner_.cut();
    handle_command({at + header.header, length - header.header});
    const std::size_t after = size - used - before - length;
    if (before <= after) {
        std::memmove(data + used + length, data + used, before);
        used += length;
    } else {
        std::memmove(at, at + length, after);
        size -= length;
    }
}

// Called at the end of a run, when nothing else reads any more.
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
    for (std::string_view opened; sealed_ && rest_.size() < large && receive_sealed(opened);) {
        rest_.append(opened);
        rest_.consume(count(rest_.view()));
    }
    while (joined_ && !sealed_ && rest_.size() < large) {
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

}  // namespace zdev::wire
