// What a queue that knows its workers has done with its requests, and its workers as they are.
//
// Threads: values.

#ifndef ZDEV_WIRE_WORKERS_HPP
#define ZDEV_WIRE_WORKERS_HPP

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace zdev::wire {

// Durations, to about a tenth.
struct durations {
    std::uint64_t count = 0;
    std::chrono::microseconds sum{0}, p50{0}, p99{0};
    std::vector<std::uint64_t> below;  // [i]: how many were shorter than 2^(i+1) microseconds
};

// Every request that was received is counted as one of: answered, waiting, at_work, expired, abandoned, rejected, dead.
struct request_statistics {
    std::uint64_t received = 0;
    std::uint64_t answered = 0;
    std::uint64_t waiting = 0;    // now
    std::uint64_t at_work = 0;    // now
    std::uint64_t expired = 0;    // queue_timeout or request_timeout has passed
    std::uint64_t abandoned = 0;  // the client has left
    std::uint64_t rejected = 0;   // the waiting room was full, or a client does not read what the device answers
    std::uint64_t dead = 0;       // the worker left and there were no retries; or the device ended while it waited

    std::uint64_t waiting_bytes = 0;        // now
    std::uint64_t retried = 0;              // times that a request was given to another worker
    std::uint64_t late = 0;                 // replies to requests that had expired
    std::uint64_t unsolicited = 0;          // messages of workers that are not a reply to any of their requests
    std::uint64_t unsent_failures = 0;      // failures that the client was not informed of, because it was full
    std::uint64_t dead_letters = 0;         // requests sent to dead_letter
    std::uint64_t unsent_dead_letters = 0;  // of those that failed, because dead_letter was full
    durations waited, served;               // until a worker was free; from then to the reply
    durations latency;                      // from the arrival of an answered request to its reply
};

enum class worker_state {
    starting,   // with ppp and mdp: it is not READY yet
    idle,       // it has no request
    busy,       // it has requests
    draining,   // it gets no more requests; it has some
    drained,    // it gets no more requests, and has none
    set_aside,  // its requests have failed; it gets none for `set_aside_for`
    leaving,    // it does not receive any more; there may still be replies to read
};

struct worker_status {
    std::uint64_t number = 0;  // of its connection, as in peer_status
    worker_state state = worker_state::starting;
    std::string address, routing_id, user;
    std::string service;  // of mdp
    std::uint64_t at_work = 0, done = 0, failed = 0, late = 0;
    std::chrono::microseconds mean{0}, p50{0}, p99{0};  // from a request to its reply
    std::chrono::system_clock::time_point since;
    std::optional<std::chrono::milliseconds> set_aside_for;
};

struct workers_report {
    request_statistics requests;
    std::vector<worker_status> workers;
};

}  // namespace zdev::wire

#endif
