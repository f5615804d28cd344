// Connects to an endpoint; waits longer after each failure, and connects again when the connection has ended.
//
// Threads: the loop's alone, but for the constructor and status(). Host names are looked up in a thread, which may outlive the
// connector.

#ifndef ZDEV_SRC_WIRE_CONNECTOR_HPP
#define ZDEV_SRC_WIRE_CONNECTOR_HPP

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <zdev/wire_spec.hpp>
#include <zdev/wire_statistics.hpp>

#include "address.hpp"
#include "loop.hpp"

namespace zdev::wire {

class connector final : public watched {
public:
    struct events {
        std::function<void(connector&, descriptor)> on_connected;
        std::function<void()> on_failed;
    };

    // Does not connect yet. Throws zdev::error for an endpoint that is invalid; its text is only the reason.
    connector(loop& loop, const std::string& endpoint, const socket_options& options, events handlers);
    ~connector() override;

    void start();  // now
    void cancel() noexcept;
    void adopt_options();  // which have changed
    void connection_is_up();
    void connection_ended(const std::string& why);  // or could not be made: tries again after the back-off, unless cancelled
    connect_status status() const;
    const std::string& endpoint() const noexcept { return status_.endpoint; }
    bool trying() const noexcept { return fd_ || lookup_; }

    void on_events(std::uint32_t events) override;

private:
    struct lookup;

    void try_next();
    bool bind_source(const address& to) const;
    void give_up(const std::string& why);
    void fail(const std::string& why);
    void retry();
    void plan(std::optional<clock::time_point> retry_at) noexcept;
    void report(bool connected, const std::string& failure);
    void stop_watching() noexcept;

    loop& loop_;
    const endpoint_text endpoint_;
    const socket_options& options_;
    events handlers_;
    std::shared_ptr<lookup> lookup_;  // under way
    std::vector<address> sources_, addresses_;
    std::size_t next_ = 0;  // of addresses_
    descriptor fd_;
    milliseconds delay_;
    timer retry_, timeout_;
    bool cancelled_ = false, gave_up_ = false;

    mutable std::mutex guard_;  // of the members below
    connect_status status_;
    std::optional<clock::time_point> retry_at_;
};

}  // namespace zdev::wire

#endif
