// The receivers of a message: one interface for all patterns. A pattern uses connections that have joined, not descriptors.
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
    std::shared_ptr<buffer> owner;  // contains the body, if it may be kept; null: the body must be copied
    connection* sender = nullptr;   // of a message that is relayed
};

enum class delivery { sent, full, unroutable, malformed, dropped, kept };  // kept: the pattern sends it later, or not

class pattern {
public:
    virtual ~pattern() = default;

    virtual bool join(connection& peer) = 0;   // false: refused, because its routing id is in use
    virtual void leave(connection& peer) = 0;  // nothing can be sent to it any more
    virtual void end(connection&) {}           // nothing more will be received from it
    virtual void room(connection&) {}          // it was full and has room now

    // Whether some message could be sent now. If a message cannot, deliver() returns `full`; it is offered again after room()
    // or join().
    virtual bool ready() const = 0;
    virtual delivery deliver(const outgoing& message) = 0;

    // A pattern that need not look at each message takes as many of a run as there is room for.
    virtual bool takes_runs() const { return false; }
    virtual std::size_t deliver_run(std::string_view, const zmtp::run&) { return 0; }

    // Takes back a message that was not sent because its peer left. False: it is lost.
    virtual bool take_back(std::string&&) { return false; }
    virtual std::size_t taken_back() const { return 0; }  // how many of these are still waiting

    virtual void subscribe(connection&, const zmtp::subscription&) {}
    virtual std::size_t subscriptions_of(const connection&) const { return 0; }
};

// Sends a message to one connection, which has room.
inline void send_to(connection& to, const outgoing& message) { to.send(message.head, message.body, message.owner); }

}  // namespace zdev::wire

#endif
