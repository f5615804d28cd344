// A bound endpoint: accepts connections. A process without free descriptors pauses only accepting.
//
// Threads: the loop's alone, but for the constructor and bound().

#ifndef ZDEV_SRC_WIRE_LISTENER_HPP
#define ZDEV_SRC_WIRE_LISTENER_HPP

#include <functional>
#include <string>
#include <zdev/wire.hpp>

#include "address.hpp"
#include "ipc_file.hpp"
#include "loop.hpp"

namespace zdev::wire {

class listener final : public watched {
public:
    struct events {
        std::function<void(descriptor, const std::string& endpoint)> on_accepted;
        std::function<void()> on_paused;
    };

    // Binds and listens; or, with a `ready` descriptor, duplicates a socket that listens already. Throws zdev::error: its text
    // is only the reason.
    listener(loop& loop, const std::string& endpoint, int ready, const socket_options& options, events handlers);
    ~listener() override;

    const std::string& bound() const noexcept { return bound_; }
    void close() noexcept;

    void on_events(std::uint32_t events) override;

private:
    void bind(const endpoint_text& endpoint);
    void adopt(int ready);
    void pause();

    loop& loop_;
    const socket_options& options_;
    events handlers_;
    descriptor fd_;
    ipc_file file_;
    std::string bound_;
    timer retry_;
};

}  // namespace zdev::wire

#endif
