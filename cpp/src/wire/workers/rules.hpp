// The protocols that workers speak: what a message means, and what is put in front of one.
//
// Threads: pure functions.

#ifndef ZDEV_SRC_WIRE_WORKERS_RULES_HPP
#define ZDEV_SRC_WIRE_WORKERS_RULES_HPP

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <zdev/wire_spec.hpp>

#include "frames.hpp"

namespace zdev::wire {

// A request, in whole frames. Its reply to the client begins with `envelope`. The views are valid until the rules are used
// again.
struct asked {
    std::string_view service, envelope, content;
    std::string_view answer;  // frames that the queue itself replies, after the envelope (MMI, RFC 8); empty: none
};

// misplaced: a valid command that no worker may send. invalid: not a command of the protocol.
enum class meaning { reply, partial_reply, ready, heartbeat, leaving, misplaced, invalid };

struct said {
    meaning what = meaning::invalid;
    std::string_view client;   // of a reply: routing id of its receiver
    std::string_view content;  // of a reply: the frames after that; of ready: the service
    int dialect = 0;           // the version of the protocol; 0: it has none, or the message is invalid
};

class worker_rules {
public:
    virtual ~worker_rules() = default;

    // A message from a client, without its routing id. False: it is invalid.
    virtual bool read_request(std::string_view frames, asked& found) = 0;
    virtual said read(std::string_view frames) const = 0;  // a message from a worker
    // Appends what a worker gets in front of the content of a request. `client`: the frame of its routing id.
    virtual void append_request_head(std::string& to, std::string_view client, std::string_view envelope,
                                     int dialect) const = 0;
    // Appends what a client gets in front of the content of a reply, which its worker sent.
    virtual void append_reply_head(std::string& to, std::string_view envelope, bool partial) const = 0;
    // What a client gets in front of what it gets instead of a reply.
    virtual std::string failure_head(std::string_view envelope) const = 0;
    // Whether a reply with these frames is that to a request with this envelope.
    virtual bool answers(std::string_view frames, std::string_view envelope) const = 0;
    // Whether these frames of a reply do not show which request of the client it belongs to.
    virtual bool is_anonymous(std::string_view) const { return false; }

    // Whether the client with this envelope takes a reply in parts; otherwise it gets them as one message.
    virtual bool takes_parts(std::string_view envelope) const = 0;

    virtual bool registers() const = 0;                    // workers are ready when they say so
    virtual bool restarts() const { return false; }        // a worker may send READY again, and has no request then
    virtual std::string heartbeat(int dialect) const = 0;  // a whole message; empty: the protocol has none
    virtual std::string goodbye(int dialect) const = 0;    // ends the work of a worker; empty: the protocol has none
};

// Workers return the envelope: what is in front of the content, up to the delimiter.
class envelope_rules : public worker_rules {
public:
    void append_request_head(std::string& to, std::string_view client, std::string_view envelope, int) const override {
        to.append(client).append(envelope);
    }
    void append_reply_head(std::string&, std::string_view, bool) const override {}
    std::string failure_head(std::string_view envelope) const override { return std::string(envelope); }
    bool answers(std::string_view frames, std::string_view envelope) const override {
        return frames.substr(0, envelope.size()) == envelope;
    }
    bool takes_parts(std::string_view) const override { return true; }
    std::string goodbye(int) const override { return {}; }

protected:
    static void split(std::string_view frames, asked& found) noexcept {
        const std::size_t envelope = envelope_of(frames);
        found.envelope = frames.substr(0, envelope);
        found.content = frames.substr(envelope);
    }
};

using directory = std::function<bool(std::string_view service)>;  // whether a service has workers

std::unique_ptr<worker_rules> make_rules(worker_protocol protocol, directory has_workers);
std::unique_ptr<worker_rules> make_ppp_rules();
std::unique_ptr<worker_rules> make_mdp_rules(directory has_workers);

}  // namespace zdev::wire

#endif
