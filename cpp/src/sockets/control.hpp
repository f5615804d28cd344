// The control socket: commands in, replies out.

#ifndef ZDEV_SRC_SOCKETS_CONTROL_HPP
#define ZDEV_SRC_SOCKETS_CONTROL_HPP

#include <functional>
#include <optional>
#include <string_view>
#include <zdev/command.hpp>
#include <zdev/statistics.hpp>

#include "outbox.hpp"
#include "relay_socket.hpp"

namespace zdev {

class control {
public:
    // Throws zdev::error with EINVAL for a socket type that can't carry commands.
    explicit control(zmq::socket_ref socket);

    // Does what a command says and returns the counters after it; nothing: refused, for the device is draining.
    using execute = std::function<std::optional<statistics>(const command&)>;

    // Has the commands that have arrived obeyed, and answers them, a bounded number a turn. Throws zmq::error_t.
    void serve(const execute& device);

    relay_socket& socket() noexcept { return socket_; }
    const relay_socket& socket() const noexcept { return socket_; }

private:
    bool receive(std::string_view& text);
    void answer(std::string_view text, const execute& device);
    void reply(std::string_view text);
    void reply(const statistics& s);

    relay_socket socket_;
    zmq::message_t command_;
    std::size_t frames_ = 0;  // received of a message whose end has not been read yet
    outbox reply_;
};

}  // namespace zdev

#endif
