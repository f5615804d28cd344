// The socket of one role: its listeners, connectors and connections.
//
// Threads: the loop's alone, but for the constructor, endpoints(), connects() and the counters.

#ifndef ZDEV_SRC_WIRE_ROLE_HPP
#define ZDEV_SRC_WIRE_ROLE_HPP

#include <array>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "admission.hpp"
#include "connector.hpp"
#include "listener.hpp"
#include "relay.hpp"

namespace zdev::wire {

class role final : public connection_handler {
public:
    // Binds. Throws zdev::error. `pattern`: the receivers of messages; null: as its type has them.
    role(loop& loop, const std::string& name, const socket_spec& spec, std::function<void()> on_room,
         std::unique_ptr<wire::pattern> pattern = nullptr);

    int type() const noexcept { return spec_.type; }
    wire::pattern& pattern() noexcept { return *pattern_; }
    wire::publisher* publisher() noexcept { return publisher_; }  // PUB, XPUB
    wire::upstream* upstream() noexcept { return upstream_; }     // SUB, XSUB
    const socket_options& options() const noexcept { return spec_.options; }
    const socket_spec& spec() const noexcept { return spec_; }  // without its secrets
    std::vector<std::string> endpoints() const;
    std::vector<connect_status> connects() const;
    void describe_peers(std::vector<peer_status>& to) const;
    bool kick(std::uint64_t number);
    void count_states();  // for statistics()
    // Its messages are requests (`asks`), or the replies to them.
    void count_replies(const pending_replies& replies, bool asks) noexcept { replies_ = &replies, asks_ = asks; }

    void feed(relay* to) noexcept { relay_ = to; }  // where its messages go; null: they are discarded
    // Sends publishers the subscriptions of an XPUB on the other side, in addition to the role's own.
    void relay_subscriptions_of(wire::publisher& other) noexcept { other_ = &other; }

    // Takes over another description, in two steps: the first one binds what is new, and changes nothing if that fails; the
    // second one cannot fail. Only what differences::live has may differ.
    struct parts {
        std::vector<std::unique_ptr<listener>> listeners;
        std::vector<std::unique_ptr<connector>> connectors;
    };
    parts prepare(const socket_spec& wanted);
    void take_over(parts&& made, const socket_spec& wanted);
    void on_leave(std::function<void(connection&)> act) { on_leave_ = std::move(act); }

    void start();  // connects
    void close_listeners() noexcept;
    void stop_accepting();  // no further connections
    void finish_sending();  // FIN to every peer, once its queue is sent
    bool empty() const noexcept { return connections_.empty(); }
    bool sends_pending() const noexcept;
    void abandon();  // ends every connection, and counts the messages lost

    wire::admission& admission() noexcept { return admission_; }
    void apply_credentials();  // those that were set, if any

    role_statistics statistics() const noexcept;

    std::optional<refusal> on_handshake(connection& from) override;
    bool may_read() const override { return !relay_ || relay_->may_read(); }
    std::size_t batch(const connection& from) override {
        return publisher_ || filters_ || from.rights ? 1 : ~std::size_t{0};  // it looks at each message
    }
    std::size_t on_messages(connection& from, std::string_view bytes, const zmtp::run& run, buffer* whole) override;
    void on_subscription(connection& from, const zmtp::subscription& wish) override;
    void on_room(connection& to) override;
    void on_unwritable(connection& to) override { leave(to); }
    void on_end(connection& from, ending why, const std::string& reason) override;

private:
    void make_pattern();
    std::unique_ptr<listener> listen(const std::string& endpoint, std::vector<listening_socket>& ready);
    std::unique_ptr<connector> make_connector(const std::string& endpoint);
    std::string doing(const char* verb, const std::string& endpoint) const;
    bool filters() const;
    void take_over_options(const socket_options& wanted);
    void forget_removed();
    void depart(connection& of);
    void see_off();
    void detach(connection& from);
    void visit_wishes(const std::function<void(std::string_view)>& visit) const;
    void admit(descriptor fd, const std::string& endpoint, connector* via);
    void leave(connection& from);
    std::uint64_t in_flight(const connection& with) const noexcept;
    bool has_place(const std::string& address);
    void take_place(const connection& by);
    void give_up_place(const connection& of);
    bool take_place_of_key(connection& by);
    void permit(connection& peer);
    void deny(connection& from, bool subscription, std::string_view topic);
    void count_addresses();
    void end_handshake(const connection& of);
    void end_idle();
    bool is_busy(const connection& each) const noexcept;
    bool wants(std::string_view message) const noexcept;
    zmtp::identity ours() const;

    loop& loop_;
    const std::string name_;
    socket_spec spec_;  // without its secrets
    wire::admission admission_;
    std::function<void()> on_room_;
    std::function<void(connection&)> on_leave_;  // of a peer; may be empty
    std::unique_ptr<wire::pattern> pattern_;
    wire::publisher* publisher_ = nullptr;
    wire::upstream* upstream_ = nullptr;
    wire::publisher* other_ = nullptr;
    relay* relay_ = nullptr;
    const pending_replies* replies_ = nullptr;
    bool asks_ = false;
    mutable std::mutex guard_;  // of the next two: other threads read them
    std::vector<std::unique_ptr<listener>> listeners_;
    std::vector<std::unique_ptr<connector>> connectors_;
    parts removed_;
    std::list<std::unique_ptr<connection>> connections_;
    std::size_t incoming_ = 0;                                 // connections that were accepted
    std::unordered_map<std::string, std::size_t> by_address_;  // of these, with a limit by address
    std::unordered_map<std::string, std::size_t> by_key_;      // of these, those that have authenticated
    std::unordered_map<std::string, std::size_t> handshakes_;  // of these, under way, by IP address
    timer idle_, departures_;
    bool ending_ = false;   // no further connections
    bool filters_ = false;  // a SUB that has not subscribed to everything

    counter refused_connections_, refused_address_;
    counter now_, shaking_hands_, blocked_, held_, accepted_, connected_, connect_failures_, accept_pauses_, refused_resources_,
        refused_handshakes_, lost_, departed_, denied_messages_, denied_subscriptions_;
    std::array<counter, static_cast<std::size_t>(ending::count_)> endings_;
};

}  // namespace zdev::wire

#endif
