// Who gets a message: one interface for all patterns. Patterns know connections that have joined, and no descriptors.
//
// Threads: the loop's alone.

#ifndef ZDEV_SRC_WIRE_PATTERN_HPP
#define ZDEV_SRC_WIRE_PATTERN_HPP

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "../zmtp/scanner.hpp"
#include "connection.hpp"

namespace zdev::wire {

// A whole message as it is to be sent: `head` and then `body`, either of whole frames.
struct outgoing {
    std::string_view address;  // for a ROUTER: the routing id of its receiver
    std::string_view head;
    std::string_view body;
    std::shared_ptr<buffer> owner;  // what the body lies in, if that may be kept; none: it must be copied
    connection* from = nullptr;
};

enum class delivery { sent, full, unroutable, dropped };

class pattern {
public:
    virtual ~pattern() = default;

    virtual bool join(connection& peer) = 0;  // false: it must not, for its routing id is in use
    virtual void leave(connection& peer) = 0;
    virtual void room(connection&) {}  // it was full and has room

    // Whether some message could be sent now. One that can't be says `full`, and is offered again after room() or join().
    virtual bool ready() const = 0;
    virtual delivery deliver(const outgoing& message) = 0;

    // A pattern that would send a run to one peer, unchanged, takes as many messages of it as that peer has room for.
    virtual bool takes_runs() const { return false; }
    virtual std::size_t deliver_run(std::string_view, const zmtp::run&) { return 0; }

    // A message that was taken for a peer and not sent, for it left. False: it is lost.
    virtual bool take_back(std::string&&) { return false; }
    virtual std::size_t taken_back() const { return 0; }  // of these, those that still wait

    virtual void subscribe(connection&, const zmtp::subscription&) {}
};

// Sends a message to one connection, which has room.
inline void send_to(connection& to, const outgoing& message) {
    message.owner ? to.send(message.head, message.body, message.owner) : to.send(message.head, message.body);
}

}  // namespace zdev::wire

#endif
