// A peer of the wire engine that shares a thread with the rest of a test: it says any bytes, in pieces of any size, and never
// waits. It records the bytes that it could send and the messages that it received. With a mechanism it shakes hands as a
// client; what it says are the frames after that, which CURVE seals.

#ifndef ZDEV_TESTS_WIRE_PEER_HPP
#define ZDEV_TESTS_WIRE_PEER_HPP

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "../src/wire/descriptor.hpp"
#include "../src/zmtp/frame.hpp"
#include "../src/zmtp/handshake.hpp"
#include "../src/zmtp/socket_type.hpp"

namespace zdev::test {

struct socket_address {
    sockaddr_storage storage{};
    socklen_t size = sizeof(sockaddr_in);
    sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
};

// Of "tcp://ADDRESS:PORT", with an IPv4 address, or "ipc://@NAME".
inline socket_address address_of(const std::string& endpoint) {
    socket_address made;
    if (endpoint.compare(0, 7, "ipc://@") == 0) {
        auto* const to = reinterpret_cast<sockaddr_un*>(&made.storage);
        to->sun_family = AF_UNIX;
        endpoint.copy(to->sun_path + 1, sizeof to->sun_path - 1, 7);
        made.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + endpoint.size() - 6);
    } else {
        auto* const to = reinterpret_cast<sockaddr_in*>(&made.storage);
        to->sin_family = AF_INET;
        ::inet_pton(AF_INET, endpoint.substr(6, endpoint.rfind(':') - 6).c_str(), &to->sin_addr);
        to->sin_port = htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
    }
    return made;
}

inline std::string say_hello(int type, const std::string& id, unsigned char minor) {
    zmtp::greeting ours;
    ours.minor = minor;
    std::string bytes = encode(ours), properties;
    zmtp::append_property(properties, "Socket-Type", zmtp::type_name(type));
    zmtp::append_property(properties, "Identity", id);
    zmtp::append_command(bytes, "READY", properties);
    return bytes;
}

// What a peer of CURVE does with its next sealed frame.
enum class harm { none, change, repeat, omit, cut, delay };

class wire_peer {
public:
    explicit wire_peer(wire::descriptor connected) : fd_(std::move(connected)) {}
    explicit wire_peer(const std::string& endpoint) {
        auto to = address_of(endpoint);
        fd_ = wire::descriptor(::socket(to.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (::connect(fd_.get(), to.get(), to.size) != 0) throw std::runtime_error("cannot connect to " + endpoint);
    }

    void secure(int type, const std::string& id, std::unique_ptr<zmtp::mechanism> mechanism) {
        handshake_ = std::make_unique<zmtp::handshake>(zmtp::identity{type, id, {}}, std::move(mechanism));
        waiting_ = handshake_->take_output();
        parts_.push_back({waiting_.size(), {}});
        skipped_ = zmtp::greeting_size;
    }
    bool is_secure() const noexcept { return handshake_ != nullptr; }
    // `where`: which byte is changed, or how many are cut off.
    void harm_next(harm how, std::size_t where) { harm_ = how, where_ = where; }

    void say(std::string_view bytes) { (handshake_ ? unsealed_ : waiting_).append(bytes); }
    // Writes at most `most` bytes of what is waiting.
    void write(std::size_t most = ~std::size_t{0}) {
        if (handshake_ && ready_) seal();
        if (waiting_.empty() || ended()) return;
        const std::size_t size = std::min(most, waiting_.size() - written_);
        const ssize_t count = ::send(fd_.get(), waiting_.data() + written_, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0) return;
        handshake_ && (cipher_ || !ready_) ? count_said(static_cast<std::size_t>(count))
                                           : void(said_.append(waiting_, written_, static_cast<std::size_t>(count)));
        bytes_said_ += static_cast<std::uint64_t>(count);
        written_ += static_cast<std::size_t>(count);
        if (written_ == waiting_.size()) waiting_.clear(), written_ = 0;
    }
    // Reads at most `most` bytes, or all that has arrived.
    void read(std::size_t most = ~std::size_t{0}) {
        static thread_local std::string bytes(std::size_t{64} * 1024, '\0');
        while (!closed_ && fd_ && most > 0) {
            const ssize_t count = ::recv(fd_.get(), bytes.data(), std::min(most, bytes.size()), MSG_DONTWAIT);
            if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
            if (count <= 0) return void(closed_ = true);
            most -= static_cast<std::size_t>(count);
            hear({bytes.data(), static_cast<std::size_t>(count)});
        }
    }
    void finish() const { ::shutdown(fd_.get(), SHUT_WR); }
    void close() { read(), fd_.reset(); }  // what has arrived counts as received
    void reset() {                         // over tcp, RST rather than FIN
        const linger now{1, 0};
        ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
        fd_.reset();
    }

    int fd() const noexcept { return fd_.get(); }
    bool closed() const noexcept { return closed_; }  // by the other side
    bool ended() const noexcept { return closed_ || !fd_; }
    bool all_said() const noexcept { return waiting_.empty(); }
    bool ready() const noexcept { return ready_; }  // the other side's READY has arrived
    // All bytes that were written; with a mechanism, the frames after the handshake that the other side should accept.
    const std::string& said() const noexcept { return said_; }
    std::uint64_t bytes_said() const noexcept { return bytes_said_; }
    const std::vector<std::string>& heard() const noexcept { return heard_; }  // whole messages, framed
    std::vector<std::string> take_heard() { return std::exchange(heard_, {}); }
    std::uint64_t bytes_heard() const noexcept { return bytes_heard_; }
    bool inside_message() const noexcept { return !message_.empty() || !rest_.empty(); }

private:
    struct part {  // of waiting_: its bytes, and what is said when they have been written
        std::size_t bytes;
        std::string said;
    };

    void seal() {
        if (!cipher_) return void(waiting_ += std::exchange(unsealed_, {}));
        for (zmtp::frame next; !unsealed_.empty();) {
            const zmtp::parsed result = zmtp::parse_header(unsealed_, next);
            if (result == zmtp::parsed::invalid) return add(std::exchange(unsealed_, {}), {}, true);
            if (result == zmtp::parsed::partial || next.size() > unsealed_.size()) return;
            seal(unsealed_.substr(0, static_cast<std::size_t>(next.size())), next);
            unsealed_.erase(0, static_cast<std::size_t>(next.size()));
        }
    }
    void seal(const std::string& frame, const zmtp::frame& header) {
        std::string sealed(frame.size() + zmtp::longest_header + zmtp::cipher::overhead, '\0');
        sealed.resize(cipher_->seal(sealed.data(), header.flags, std::string_view(frame).substr(header.header)));
        const std::string late = std::exchange(late_, {});
        const harm how = std::exchange(harm_, harm::none);
        switch (late.empty() ? how : harm::none) {  // after the delayed one, a genuine one
            case harm::none: add(sealed, frame, false); break;
            case harm::omit: break;  // which no receiver can notice
            case harm::delay: late_ = sealed; break;
            case harm::repeat: add(sealed, frame, false), add(sealed, {}, true); break;
            case harm::cut: add(shortened(sealed, where_), {}, true); break;
            case harm::change: {
                char& byte = sealed[1 + where_ % (sealed.size() - 1)];
                byte = static_cast<char>(byte ^ (1 << where_ % 8));
                add(sealed, {}, true);
            }
        }
        if (!late.empty()) add(late, {}, true);
    }
    static std::string shortened(const std::string& sealed, std::size_t by) {
        zmtp::frame outer;
        zmtp::parse_header(sealed, outer);
        const auto body = std::string_view(sealed).substr(outer.header);
        std::string shorter;
        zmtp::append_frame(shorter, 0, body.substr(0, body.size() - 1 - by % body.size()));
        return shorter;
    }
    // `breaks`: the other side should accept nothing from here on.
    void add(const std::string& bytes, const std::string& said, bool breaks) {
        waiting_ += bytes;
        broken_ = broken_ || breaks;
        parts_.push_back({bytes.size(), broken_ ? std::string() : said});
    }
    void count_said(std::size_t bytes) {
        for (in_part_ += bytes; !parts_.empty() && in_part_ >= parts_.front().bytes; parts_.pop_front()) {
            in_part_ -= parts_.front().bytes;
            said_ += parts_.front().said;
        }
    }

    // Takes the handshake, and opens what is sealed.
    std::string opened(std::string_view bytes) {
        std::string plain;
        if (!ready_) {
            const std::size_t used = handshake_->feed(bytes);
            add(handshake_->take_output(), {}, false);
            bytes.remove_prefix(used);
            ready_ = handshake_->done();
            if (ready_) cipher_ = handshake_->mechanism().make_cipher();
        }
        if (!cipher_) return std::string(bytes);
        sealed_.append(bytes);
        std::size_t at = 0;
        for (zmtp::frame outer; zmtp::parse_header(std::string_view(sealed_).substr(at), outer) == zmtp::parsed::whole;) {
            if (outer.size() > sealed_.size() - at) break;
            std::string frame = sealed_.substr(at, static_cast<std::size_t>(outer.size()));
            frame.resize(cipher_->open(frame.data(), std::string_view(frame).substr(outer.header)));
            if (frame.empty()) throw std::runtime_error("a peer received a message that is not genuine");
            plain += frame;
            at += static_cast<std::size_t>(outer.size());
        }
        sealed_.erase(0, at);
        return plain;
    }

    void hear(std::string_view bytes) {
        bytes_heard_ += bytes.size();
        if (!handshake_) return hear_plain(bytes);
        if (!handshake_->failed()) hear_plain(opened(bytes));
    }
    void hear_plain(std::string_view bytes) {
        const std::size_t skip = std::min(bytes.size(), zmtp::greeting_size - skipped_);
        skipped_ += skip;
        rest_.append(bytes.substr(skip));
        std::size_t at = 0;
        for (zmtp::frame next; at < rest_.size();) {
            const std::string_view left = std::string_view(rest_).substr(at);
            const zmtp::parsed result = zmtp::parse_header(left, next);
            if (result == zmtp::parsed::invalid) throw std::runtime_error("a peer received an invalid frame");
            if (result == zmtp::parsed::partial || next.size() > left.size()) break;
            const auto whole = left.substr(0, static_cast<std::size_t>(next.size()));
            at += whole.size();
            if (next.command()) {
                ready_ = ready_ || whole.substr(next.header, 6) == "\5READY";
                continue;
            }
            if (!ready_) throw std::runtime_error("a peer received a message before READY");
            message_.append(whole);
            if (!next.more()) heard_.push_back(std::exchange(message_, {}));
        }
        rest_.erase(0, at);
    }

    wire::descriptor fd_;
    std::string waiting_, said_, rest_, message_;
    std::vector<std::string> heard_;
    std::size_t written_ = 0, skipped_ = 0;
    std::uint64_t bytes_heard_ = 0, bytes_said_ = 0;
    bool closed_ = false, ready_ = false;

    std::unique_ptr<zmtp::handshake> handshake_;  // with a mechanism
    std::unique_ptr<zmtp::cipher> cipher_;        // with CURVE, once it is ready
    std::string unsealed_, sealed_, late_;        // said and not sealed; heard and not whole; a sealed frame that is delayed
    std::deque<part> parts_;
    std::size_t in_part_ = 0, where_ = 0;
    harm harm_ = harm::none;
    bool broken_ = false;
};

}  // namespace zdev::test

#endif
