// One connection: its handshake, the whole messages that arrive, the queue of those to be sent, its heartbeat. It does not
// depend on patterns: its handler decides where a message goes, and applies back-pressure by not taking one.
//
// Threads: the loop's alone.

#ifndef ZDEV_SRC_WIRE_CONNECTION_HPP
#define ZDEV_SRC_WIRE_CONNECTION_HPP

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <zdev/wire.hpp>

#include "../zmtp/handshake.hpp"
#include "../zmtp/scanner.hpp"
#include "heartbeat.hpp"
#include "loop.hpp"
#include "sealed_stream.hpp"

namespace zdev::wire {

class connection;
struct user_rights;
struct client;
struct worker;

// Why a connection ended; each but the first is counted.
enum class ending {
    closed,
    refused_version,
    refused_mechanism,
    refused_authentication,
    refused_socket_type,
    refused_routing_id,
    refused_malformed,
    refused_by_peer,
    refused_key_limit,
    framing,
    worker_protocol,
    limit,
    handshake_timeout,
    heartbeat_timeout,
    idle_timeout,
    kicked,
    withdrawn,
    count_
};

// How a connection began, for operators.
struct origin {
    std::uint64_t number = 0;
    std::string address;
    const std::string* endpoint = nullptr;  // of the listener or connector that made it
    std::chrono::system_clock::time_point since;
};

// What has passed through a connection. A message is received once it is taken, and sent once it is in the queue.
struct traffic {
    std::uint64_t messages_received = 0, bytes_received = 0, messages_sent = 0, bytes_sent = 0;
    std::uint64_t malformed = 0, unroutable = 0, overflowed = 0, denied = 0;
};

// When messages last passed, as of the last look.
struct activity {
    std::uint64_t messages = 0;
    clock::time_point seen;
};

// Why a connection is not accepted at the end of its handshake.
struct refusal {
    ending why;
    const char* reason;
};

// The events of a connection, and its questions.
class connection_handler {
public:
    virtual ~connection_handler() = default;
    virtual std::optional<refusal> on_handshake(connection& from) = 0;  // it can send and receive now, unless it is refused
    virtual bool may_read() const = 0;                                  // false: messages cannot be taken now
    virtual std::size_t batch(const connection& from) = 0;              // how many messages to offer at a time
    // Whole messages. Returns how many bytes were taken, up to the end of a message; if fewer than all, the connection is held.
    // `whole`, if not null, is a buffer that contains only this message, and may be moved from.
    virtual std::size_t on_messages(connection& from, std::string_view bytes, const zmtp::run& run, buffer* whole) = 0;
    virtual void on_subscription(connection& from, const zmtp::subscription& wish) = 0;
    virtual void on_room(connection& to) = 0;        // it was full and has room now
    virtual void on_unwritable(connection& to) = 0;  // nothing can be sent any more; there may be more to read
    virtual void on_end(connection& from, ending why, const std::string& reason) = 0;  // destroys it
};

class connection final : public watched {
public:
    connection(loop& loop, connection_handler& handler, descriptor fd, const socket_options& options, zmtp::identity ours,
               std::unique_ptr<zmtp::mechanism> mechanism);
    ~connection() override;

    // For patterns. A message may be sent if has_room().
    bool has_room() const noexcept { return !full_ && writable_; }
    void send(std::string_view head, std::string_view body) {
        queue_.append(head, body);
        sent_one();
    }
    // `owner` contains the body, which is then not copied; null: it is.
    void send(std::string_view head, std::string_view body, const std::shared_ptr<buffer>& owner) {
        owner ? queue_.append(head, body, owner) : queue_.append(head, body);
        sent_one();
    }
    // Sends a run of messages as received; returns how many there was room for.
    std::size_t send_run(std::string_view bytes, const zmtp::run& run);
    void send_command(std::string_view framed);  // does not count towards the high-water mark
    void send_subscription(const zmtp::subscription& wish);

    const zmtp::peer_identity& peer() const noexcept { return peer_; }
    // The routing id by which a ROUTER addresses it; and the same as the first frame of each message received from it.
    const std::string& routing_id() const noexcept { return routing_id_; }
    const std::string& routing_frame() const noexcept { return routing_frame_; }
    void set_routing_id(std::string id);

    // For the handler.
    const std::string& peer_id() const noexcept { return peer_id_; }  // CURVE: its public key; PLAIN: its name
    void decide();                                                    // if its handshake waits for credentials
    void resume();                                                    // after it was held
    void set_hwm(std::size_t messages);
    void finish_sending();                       // asks the peer to stop sending: FIN, once the queue is empty
    void close(ending why, std::string reason);  // at the end of this turn
    // The same, after a last message if there is one and the network takes it at once.
    void close_with(std::string_view last, ending why, std::string reason);
    bool joined() const noexcept { return joined_; }
    bool writable() const noexcept { return writable_ && joined_; }
    send_queue& queue() noexcept { return queue_; }
    const send_queue& queue() const noexcept { return queue_; }
    peer_state state() const noexcept;
    peer_status describe() const;
    std::uint64_t count_unread();  // reads everything that has arrived, and counts the whole messages

    void on_events(std::uint32_t events) override;
    void flush() override;
    void on_dead() override { handler_.on_end(*this, why_, reason_); }

    wire::traffic traffic;                                   // the handler's and the patterns', with sent_one() and bytes
    wire::activity activity;                                 // the handler's
    wire::origin origin;                                     // the handler's
    std::list<std::unique_ptr<connection>>::iterator place;  // the handler's
    class connector* via = nullptr;                          // the handler's: its connector, unless it was accepted
    bool in_pattern = false, held_by_relay = false;          // the handler's
    bool counted_by_key = false;                             // the handler's
    std::shared_ptr<const user_rights> rights;               // the handler's; null: everything
    std::optional<clock::time_point> departs_by;             // the handler's: its endpoint was removed
    client* as_client = nullptr;                             // the worker pool's
    worker* as_worker = nullptr;                             // the worker pool's

private:
    template <class Act>
    void guarded(Act&& act);
    void handle(std::uint32_t events);
    void take_up();
    void send_waiting();
    void read();
    void read_large();
    bool received(ssize_t bytes);
    void digest(char* data, std::size_t size);
    std::size_t process(char* data, std::size_t& size, buffer* whole);
    std::size_t shake_hands(std::string_view bytes);
    void continue_handshake();
    void read_sealed();
    bool receive_sealed(std::string_view& opened);
    void end_if_forged();
    bool take_messages(char* data, std::size_t size, std::size_t& used, const zmtp::run& run, buffer* whole);
    void take_command(char* data, std::size_t& size, std::size_t& used);
    void handle_command(std::string_view body);
    void hold();
    void keep_rest();
    void keep_rest(std::size_t waiting);
    void set_held(bool held) noexcept;
    void sent_one() {
        ++traffic.messages_sent;
        queued();
    }
    void queued() {
        if (hwm_ != 0 && queue_.messages() >= hwm_) reached_hwm();
        loop_.flush_later(*this);
    }
    void reached_hwm();
    zmtp::run send_part(std::string_view bytes, std::size_t messages);
    void write();
    void break_off();
    void update_interest();
    void beat();

    loop& loop_;
    connection_handler& handler_;
    descriptor fd_;
    const socket_options& options_;
    std::size_t hwm_;
    std::unique_ptr<zmtp::handshake> handshake_;  // null: done
    std::unique_ptr<sealed_stream> sealed_;       // null: its messages are not encrypted
    zmtp::peer_identity peer_;
    std::string peer_id_;
    std::string routing_id_, routing_frame_;
    zmtp::scanner scanner_;
    buffer rest_;           // received and not taken: an unfinished message, or whole messages while held
    std::size_t kept_ = 0;  // bytes that the loop lets it keep without a descriptor
    send_queue queue_;
    heartbeat heartbeat_;
    timer timer_;  // of the handshake, then of the heartbeat
    std::uint32_t interest_ = 0;
    bool joined_ = false, held_ = false, full_ = false, writable_ = true, blocked_ = false, finishing_ = false;
    bool registered_ = false, broken_off_ = false, ended_ = false;
    ending why_ = ending::closed;
    std::string reason_;
};

}  // namespace zdev::wire

#endif
