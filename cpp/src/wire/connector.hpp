// Connects to an endpoint; waits longer after each failure, and connects again when the connection has ended.
//
// Threads: the loop's alone, but for the constructor. Host names are looked up in a thread, which may outlive the connector.

#ifndef ZDEV_SRC_WIRE_CONNECTOR_HPP
#define ZDEV_SRC_WIRE_CONNECTOR_HPP

#include <functional>
#include <memory>
#include <string>
#include <zdev/wire.hpp>

#include "address.hpp"
#include "loop.hpp"

namespace zdev::wire {

class connector final : public watched {
public:
    struct events {
        std::function<void(descriptor)> on_connected;
        std::function<void(const std::string& why)> on_failed;
    };

    // Does not connect yet. Throws zdev::error for an endpoint that is invalid.
    connector(loop& loop, const std::string& role, const std::string& endpoint, const socket_options& options, events handlers);
    ~connector() override;

    void start();  // now
    void retry();  // after the back-off: its connection has ended or was not established
    void cancel() noexcept;
    void connection_is_up() noexcept { delay_ = options_.reconnect_ivl; }
    const std::string& endpoint() const noexcept { return endpoint_.text; }

    void on_events(std::uint32_t events) override;

private:
    struct lookup;

    void try_next();
    void fail(const std::string& why);
    void stop_watching() noexcept;

    loop& loop_;
    const std::string role_;
    const endpoint_text endpoint_;
    const socket_options& options_;
    events handlers_;
    std::shared_ptr<lookup> lookup_;  // under way
    std::vector<address> addresses_;
    std::size_t next_ = 0;  // of addresses_
    descriptor fd_;
    milliseconds delay_;
    timer retry_, timeout_;
};

}  // namespace zdev::wire

#endif
