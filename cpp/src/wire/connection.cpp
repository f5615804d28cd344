#include "connection.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

namespace zdev::wire {

namespace {

zmtp::limits limits_of(const socket_options& options) {
    zmtp::limits limits;
    if (options.maxmsgsize >= 0) limits.frame_bytes = static_cast<std::uint64_t>(options.maxmsgsize);
    if (options.max_message_bytes >= 0) limits.message_bytes = static_cast<std::uint64_t>(options.max_message_bytes);
    limits.frames = options.max_message_frames;
    return limits;
}

ending ending_of(zmtp::failure failure) noexcept {
    switch (failure) {
        case zmtp::failure::version: return ending::refused_version;
        case zmtp::failure::mechanism: return ending::refused_mechanism;
        case zmtp::failure::authentication: return ending::refused_authentication;
        case zmtp::failure::type: return ending::refused_socket_type;
        case zmtp::failure::refused: return ending::refused_by_peer;
        default: return ending::refused_malformed;
    }
}

}  // namespace

connection::connection(loop& loop, connection_handler& handler, descriptor fd, const socket_options& options,
                       zmtp::identity ours, std::unique_ptr<zmtp::mechanism> mechanism)
    : loop_(loop),
      handler_(handler),
      fd_(std::move(fd)),
      options_(options),
      hwm_(options.sndhwm),
      handshake_(std::make_unique<zmtp::handshake>(std::move(ours), std::move(mechanism))),
      scanner_(limits_of(options)),
      queue_(loop.chunks()),
      heartbeat_(options),
      timer_(loop.timers()) {
    loop_.add(*this, fd_.get(), interest_ = EPOLLIN);
    registered_ = true;
    queue_.append_raw(handshake_->take_output());
    loop_.flush_later(*this);
    if (options.handshake_ivl.count() > 0) {
        timer_.start(loop_.now() + options.handshake_ivl,
                     [this] { close(ending::handshake_timeout, "its handshake took too long"); });
    }
}

connection::~connection() {
    set_held(false);
    if (registered_) loop_.remove(fd_.get());
    loop_.give_back(kept_);
}

void connection::set_routing_id(std::string id) {
    routing_id_ = std::move(id);
    routing_frame_.clear();
    zmtp::append_frame(routing_frame_, zmtp::more_flag, routing_id_);
}

// An error with one peer, even a lack of memory, ends only its connection.
template <class Act>
void connection::guarded(Act&& act) {
    try {
        act();
    } catch (const std::exception& fault) {
        close(ending::closed, fault.what());
    }
}

void connection::on_events(std::uint32_t events) {
    guarded([&] { handle(events); });
}

void connection::flush() {
    guarded([&] { send_waiting(); });
}

void connection::resume() {
    guarded([&] { take_up(); });
}

void connection::handle(std::uint32_t events) {
    if ((events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)) != 0 && held_) return keep_rest();
    if ((events & EPOLLOUT) != 0) {
        blocked_ = false;
        loop_.flush_later(*this);
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0 || held_) return;
    if (handshake_ && handshake_->mechanism().is_costly() && !loop_.take_costly_step()) return;  // epoll will report it again
    read();
}

std::size_t connection::shake_hands(std::string_view bytes) {
    const std::size_t used = handshake_->feed(bytes);
    peer_id_ = handshake_->mechanism().peer_id();
    continue_handshake();
    return used;
}

void connection::decide() {
    if (!handshake_ || !handshake_->waits() || ended_) return;
    guarded([&] {
        handshake_->decide();
        continue_handshake();
    });
}

void connection::continue_handshake() {
    if (const std::string output = handshake_->take_output(); !output.empty()) {
        queue_.append_raw(output);
        loop_.flush_later(*this);
    }
    if (handshake_->failed()) {
        write();  // there may be an ERROR to send
        close(ending_of(handshake_->failure()), handshake_->reason());
    } else if (handshake_->done()) {
        peer_ = std::move(handshake_->peer());
        if (auto cipher = handshake_->mechanism().make_cipher()) {
            sealed_ = std::make_unique<sealed_stream>(std::move(cipher), limits_of(options_));
        }
        handshake_.reset();
        timer_.cancel();
        joined_ = true;
        heartbeat_.begin(loop_.now());
        if (const auto refused = handler_.on_handshake(*this)) {
            write();
            close(refused->why, refused->reason);
        } else {
            beat();
        }
    }
}

void connection::handle_command(std::string_view body) {
    const auto command = zmtp::parse_command_body(body);
    if (!command) return close(ending::framing, "it sent an invalid command");
    if (const auto wish = zmtp::parse_subscription(*command)) return handler_.on_subscription(*this, *wish);
    if (command->name == "ERROR") return close(ending::closed, "it reported: " + zmtp::parse_error_reason(command->data));
    if (command->name != "PING") return;  // a PONG, or a command of a later version
    const auto ping = zmtp::parse_ping(command->data);
    if (!ping) return close(ending::framing, "it sent an invalid PING");
    heartbeat_.ttl(ping->ttl);
    beat();
    constexpr std::size_t most_unread = std::size_t{64} * 1024;  // of a peer that sends PING and does not read
    if (blocked_ && queue_.bytes() > most_unread) return;
    std::string pong;
    zmtp::append_pong(pong, ping->context);
    send_command(pong);
}

// Sends a PING if one is due, and sets the timer for the next.
void connection::beat() {
    const auto now = loop_.now();
    if (held_) heartbeat_.input_arrived(now);  // nothing is read from it now
    if (heartbeat_.lost(now))
        return close(ending::heartbeat_timeout, "it does not answer PING, or has been silent for longer than its time-to-live");
    if (heartbeat_.ping(now)) {
        std::string framed;
        zmtp::append_ping(framed, {heartbeat_.our_ttl(), {}});
        send_command(framed);
    }
    if (const auto next = heartbeat_.next()) timer_.start(*next, [this] { beat(); });
}

void connection::set_held(bool held) noexcept {
    if (std::exchange(held_, held) != held) loop_.count_held(held);
}

void connection::hold() {
    set_held(true);
    update_interest();
}

void connection::close(ending why, std::string reason) {
    if (ended_) return;
    ended_ = true;
    why_ = why;
    reason_ = std::move(reason);
    writable_ = false;
    if (std::exchange(registered_, false)) loop_.remove(fd_.get());
    loop_.destroy_later(*this);
}

void connection::close_with(std::string_view last, ending why, std::string reason) {
    if (ended_) return;
    if (writable_ && !last.empty()) {
        queue_.append(last, 1);
        write();
        if (queue_.empty()) ++traffic.messages_sent;
    }
    queue_.clear();
    close(why, std::move(reason));
}

void connection::update_interest() {
    if (ended_ || !fd_) return;
    const std::uint32_t wanted = (held_ ? EPOLLRDHUP : EPOLLIN) | (blocked_ && writable_ && !queue_.empty() ? EPOLLOUT : 0U);
    if (registered_ ? wanted == interest_ : held_) return;
    registered_ ? loop_.modify(*this, fd_.get(), wanted) : loop_.add(*this, fd_.get(), wanted);
    interest_ = wanted;
    registered_ = true;
}

}  // namespace zdev::wire
