// The control socket: commands in, replies out.

#ifndef ZDEV_SRC_CONTROL_HPP
#define ZDEV_SRC_CONTROL_HPP

#include <chrono>
#include <functional>
#include <string_view>
#include <zdev/statistics.hpp>

#include "endpoint.hpp"
#include "outbox.hpp"
#include "steering.hpp"

namespace zdev {

class control {
public:
    // Throws zdev::error with EINVAL for a socket type that can't carry commands.
    control(zmq::socket_ref socket, zdev::steering& steering, std::chrono::milliseconds drain_timeout);

    // Obeys and answers every command that has arrived. `now` gives the counters for STATISTICS. Throws zmq::error_t.
    void serve(const std::function<statistics()>& now);

    endpoint& socket() noexcept { return socket_; }
    const endpoint& socket() const noexcept { return socket_; }

private:
    bool receive(std::string_view& text);
    void obey(std::string_view text, const std::function<statistics()>& now);
    void reply(std::string_view text);
    void reply(const statistics& s);

    endpoint socket_;
    zdev::steering& steering_;
    const std::chrono::milliseconds drain_timeout_;
    zmq::message_t command_;
    outbox reply_;
};

}  // namespace zdev

#endif
