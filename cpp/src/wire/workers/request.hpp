// A request on its way through a queue that knows its workers, and a worker.
//
// Threads: the loop's alone.

#ifndef ZDEV_SRC_WIRE_WORKERS_REQUEST_HPP
#define ZDEV_SRC_WIRE_WORKERS_REQUEST_HPP

#include <array>
#include <memory>
#include <string>

#include "../connection.hpp"
#include "chain.hpp"
#include "histogram.hpp"

namespace zdev::wire {

struct worker;
struct service;

struct request {
    chain_link<request> place;    // among the waiting of its service, or those of its worker
    chain_link<request> age;      // among all that wait, are at work, or have ended there
    chain_link<request> sibling;  // of the same client, until it has ended

    service* of = nullptr;
    worker* at = nullptr;          // null: it waits
    connection* client = nullptr;  // null: it has ended (it expired, or its client left), and only its worker has not
    std::string client_id;         // routing id of a client that does not wait any more
    std::string envelope;          // whole frames before the content: of the request, and of its reply
    std::string copy;              // of the content, unless `owner` has it
    std::string parts;             // of its reply, until the last one
    std::shared_ptr<buffer> owner;
    std::string_view content;
    std::array<char, 7> tag{};  // a frame, as of a routing id, but another one for each request
    bool tagged = false;
    bool kept = false;       // the content stays valid
    bool forwarded = false;  // it has been sent to a worker
    bool expired = false;
    bool released = false;      // it has ended, and does not take a place of its worker any more
    std::uint32_t retries = 0;  // that are left
    clock::time_point arrived;
    clock::time_point began;  // to wait, to be at work, or to be ended there

    bool ended() const noexcept { return client == nullptr; }
    // The routing id by which its worker knows its client: `tag`, if the client has not chosen one itself.
    std::string_view asked_by() const noexcept {
        if (tagged) return std::string_view(tag.data(), tag.size()).substr(2);
        return client ? client->routing_id() : client_id;
    }
};

using places = chain<request, &request::place>;
using ages = chain<request, &request::age>;
using siblings = chain<request, &request::sibling>;

// A peer that has asked.
struct client {
    siblings requests;
    std::size_t count = 0;  // of these
};

struct worker {
    explicit worker(connection& of_peer) : peer(of_peer) {}

    connection& peer;
    service* of = nullptr;  // null: it is not READY
    chain_link<worker> place;
    places requests;
    std::size_t load = 0;   // requests that take a place; those that have ended give it back after a while
    std::size_t ended = 0;  // of its requests
    bool listed = false, draining = false, leaving = false;
    int dialect = 0;
    std::size_t listed_at = 0;
    std::uint32_t failures = 0;     // in a row
    clock::time_point aside_until;  // past: it is not set aside
    clock::time_point heard;        // its last message
    std::uint64_t done = 0, failed = 0, late = 0;
    histogram served;
};

}  // namespace zdev::wire

#endif
