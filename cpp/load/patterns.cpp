// The threads of each pattern. A message that is missing, changed or out of order ends the run.

#include "patterns.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace zdev_load {

namespace {

using clock_type = std::chrono::steady_clock;

zmq::send_flags flags(bool more) { return more ? zmq::send_flags::sndmore : zmq::send_flags::none; }

void send_message(zmq::socket_t& socket, const content& content, std::uint64_t number, std::uint64_t frames, bool last) {
    for (std::uint64_t k = 0; k < frames; ++k) {
        zmq::message_t frame = content.make(number * frames + k, last);
        send(socket, frame, flags(k + 1 < frames));
    }
}

// Checks the message that begins with `frame`, receiving its other frames. Returns whether it is the last message.
bool check_message(zmq::socket_t& socket, zmq::message_t& frame, const content& content, std::uint64_t number,
                   std::uint64_t frames) {
    bool last = content.check(frame, number * frames, frames > 1);
    for (std::uint64_t k = 1; k < frames; ++k) {
        receive(socket, frame);
        last = content.check(frame, number * frames + k, k + 1 < frames);
    }
    return last;
}

void produce(zmq::socket_t& push, const content& content, const options& o, progress& progress) {
    bool last = false;
    for (std::uint64_t number = 0; !last; ++number) {
        last = progress.stop.load(std::memory_order_relaxed);
        send_message(push, content, number, o.frames, last);
    }
}

void consume(zmq::socket_t& pull, const content& content, const options& o, progress& progress) {
    zmq::message_t frame;
    bool last = false;
    for (std::uint64_t number = 0; !last; ++number) {
        receive(pull, frame);
        last = check_message(pull, frame, content, number, o.frames);
        progress.received.store(number + 1, std::memory_order_relaxed);
        progress.steady = true;
    }
}

// One client, whose replies arrive in the order of its requests. `to`, if not empty, is the routing id before each message.
void request(zmq::socket_t& client, const content& content, const options& o, const std::string& to, progress& progress) {
    std::vector<clock_type::time_point> sent_at(o.window);
    zmq::message_t frame;
    std::uint64_t sent = 0;
    for (std::uint64_t received = 0; received < sent || !progress.stop.load(std::memory_order_relaxed);) {
        for (; sent - received < o.window && !progress.stop.load(std::memory_order_relaxed); ++sent) {
            sent_at[sent % o.window] = clock_type::now();
            if (!to.empty()) client.send(zmq::buffer(to), zmq::send_flags::sndmore);
            send_message(client, content, sent, o.frames, false);
        }
        if (received == sent) continue;
        receive(client, frame);
        do {  // read all replies that have arrived, so that the next requests are sent together
            if (!to.empty()) receive(client, frame);
            check_message(client, frame, content, received, o.frames);
            const std::chrono::duration<float, std::micro> latency = clock_type::now() - sent_at[received % o.window];
            progress.latencies.push_back(latency.count());
            progress.received.store(++received, std::memory_order_relaxed);
            progress.steady = true;
        } while (received < sent && client.recv(frame, zmq::recv_flags::dontwait));
    }
}

// Many clients, each a connection of one ROUTER. With several workers, replies may overtake each other.
class client_pool {
public:
    client_pool(zmq::socket_t& router, const content& content, const options& o, progress& progress)
        : router_(router), content_(content), options_(o), progress_(progress), newest_(o.clients) {
        trips_.resize(std::max<std::uint64_t>(4096, 4 * o.window * o.clients));
    }

    void run() {
        for (std::uint64_t i = 0; i < options_.window * options_.clients; ++i) ask(i % options_.clients);
        while (in_flight_ > 0) {
            const std::uint64_t client = take_reply();
            // All first requests are sent at once and pile up; the flow is steady when their replies have arrived.
            if (answered_clients_ == options_.clients && progress_.received >= options_.window * options_.clients)
                progress_.steady = true;
            if (!progress_.stop.load(std::memory_order_relaxed)) ask(client);
        }
    }

private:
    struct trip {
        std::uint64_t number = 0, client = 0;
        bool in_flight = false;
        clock_type::time_point sent_at;
    };

    void ask(std::uint64_t client) {
        while (trips_[next_ % trips_.size()].in_flight) ++next_;  // of a client that is slow to connect
        trip& trip = trips_[next_ % trips_.size()];
        trip = {next_, client, true, clock_type::now()};
        router_.send(zmq::buffer(routing_id(client)), zmq::send_flags::sndmore);
        send_message(router_, content_, next_++, options_.frames, false);
        ++in_flight_;
    }

    std::uint64_t take_reply() {
        zmq::message_t frame;
        receive(router_, frame);
        const std::uint64_t client = connection_number(frame);
        receive(router_, frame);
        const std::uint64_t number = content::number(frame) / options_.frames;
        check_message(router_, frame, content_, number, options_.frames);
        trip& trip = trips_[number % trips_.size()];
        if (!trip.in_flight || trip.number != number) fail("a reply arrived twice or without a request");
        if (trip.client != client) fail("a reply reached the wrong client");
        if (options_.workers == 1 && number < newest_[client]) fail("replies arrived out of order");
        if (newest_[client] == 0) ++answered_clients_;
        newest_[client] = number;
        trip.in_flight = false;
        --in_flight_;
        const std::chrono::duration<float, std::micro> latency = clock_type::now() - trip.sent_at;
        progress_.latencies.push_back(latency.count());
        progress_.received.store(progress_.received + 1, std::memory_order_relaxed);
        return client;
    }

    zmq::socket_t& router_;
    const content& content_;
    const options& options_;
    progress& progress_;
    std::vector<std::uint64_t> newest_;  // by client
    std::vector<trip> trips_;            // by number
    std::uint64_t next_ = 1, in_flight_ = 0, answered_clients_ = 0;
};

void answer(zmq::socket_t& worker) {
    zmq::message_t frame;
    while (true) {
        if (!worker.recv(frame)) continue;  // the client notices missing replies
        const bool more = frame.more();
        send(worker, frame, flags(more));
    }
}

// ROUTERs drop messages to a peer that is not connected yet: probe until a reply arrives, then wait for the reply to the last
// probe.
void probe_until_connected(zmq::socket_t& client, const std::string& to) {
    const auto deadline = clock_type::now() + silence_limit;
    std::uint64_t probes = 0, answered = 0;
    while (answered == 0 || answered < probes) {
        if (clock_type::now() > deadline) throw silence("no reply to a probe for 5 s");
        if (answered == 0) {
            client.send(zmq::buffer(to), zmq::send_flags::sndmore);
            client.send(zmq::buffer(&++probes, sizeof probes), zmq::send_flags::none);
        }
        zmq::pollitem_t item{client.handle(), 0, ZMQ_POLLIN, 0};
        if (zmq::poll(&item, 1, std::chrono::milliseconds(20)) == 0) continue;
        zmq::message_t frame;
        receive(client, frame);
        receive(client, frame);
        answered = content::number(frame);
    }
}

// The topic of a message, if the topics are divided among the subscribers (o.topics > 0).
std::string topic(std::uint64_t number, const options& o) { return "topic-" + std::to_string(number % o.topics) + "."; }

std::uint64_t subscriber_of(std::uint64_t number, const options& o) { return number % o.topics % o.subscribers; }

// A publisher may be ahead of its slowest subscriber by half of the queues' capacity, so nothing is dropped.
constexpr std::uint64_t batch = 100, batches_ahead = 5;
constexpr std::string_view probe_frame = "?";

// Probes until all subscribers have received one, with topics one of each.
void probe_subscribers(zmq::socket_t& pub, zmq::socket_t& credit, const options& o) {
    zmq::message_t token;
    zmq::pollitem_t item{credit.handle(), 0, ZMQ_POLLIN, 0};
    do {
        for (std::uint64_t t = 0; t < o.topics; ++t) {
            pub.send(zmq::buffer(topic(t, o)), zmq::send_flags::sndmore);
            pub.send(zmq::buffer(probe_frame), zmq::send_flags::none);
        }
        if (o.topics == 0) pub.send(zmq::buffer(probe_frame), zmq::send_flags::none);
    } while (zmq::poll(&item, 1, std::chrono::milliseconds(o.topics > 0 ? 1000 : 10)) == 0);
    receive(credit, token);
}

void await_probes(const std::vector<zmq::socket_t*>& subs, const options& o) {
    zmq::message_t frame;
    for (std::uint64_t i = 0; i < subs.size(); ++i) {
        std::set<std::string> awaited;
        for (std::uint64_t t = i; t < o.topics; t += o.subscribers) awaited.insert(topic(t, o));
        do {
            receive(*subs[i], frame);
            awaited.erase(frame.to_string());
            if (o.topics > 0) receive(*subs[i], frame);
        } while (!awaited.empty());
    }
}

void publish(zmq::socket_t& pub, zmq::socket_t& credit, const content& content, const options& o, progress& progress) {
    probe_subscribers(pub, credit, o);
    const std::uint64_t ahead = batch * batches_ahead * (o.topics > 0 ? o.subscribers : 1);  // each topic has one subscriber
    zmq::message_t token;
    bool last = false;
    for (std::uint64_t number = 0; !last; ++number) {
        if (number % batch == 0 && number >= ahead) receive(credit, token);
        last = progress.stop.load(std::memory_order_relaxed);
        if (o.topics > 0) pub.send(zmq::buffer(topic(number, o)), zmq::send_flags::sndmore);
        send_message(pub, content, number, o.frames, last);
    }
}

// Receives message `number` with one subscriber, after the probes that are left. Returns whether it is the last message.
bool take(zmq::socket_t& sub, zmq::message_t& frame, const content& content, const options& o, std::uint64_t number) {
    std::string found;
    do {
        receive(sub, frame);
        if (o.topics == 0) continue;
        found = frame.to_string();
        receive(sub, frame);
    } while (!frame.more() && frame.size() == probe_frame.size());
    if (o.topics > 0 && found != topic(number, o)) fail("a message has the wrong topic");
    return check_message(sub, frame, content, number, o.frames);
}

void subscribe(const std::vector<zmq::socket_t*>& subs, zmq::socket_t& credit, const content& content, const options& o,
               progress& progress) {
    zmq::message_t frame;
    await_probes(subs, o);
    credit.send(zmq::message_t(), zmq::send_flags::none);
    progress.steady = true;
    bool last = false;
    for (std::uint64_t number = 0; !last; ++number) {
        if (o.topics > 0) {
            last = take(*subs[subscriber_of(number, o)], frame, content, o, number);
        } else {
            for (auto* sub : subs) last = take(*sub, frame, content, o, number);
        }
        progress.received.store((number + 1) * (o.topics > 0 ? 1 : subs.size()), std::memory_order_relaxed);
        if ((number + 1) % batch == 0) credit.send(zmq::message_t(), zmq::send_flags::none);
    }
}

std::size_t start_fan_out(rig& rig, team& team, const content& content, progress& progress) {
    zmq::socket_t& pub = rig.in_peer(zmq::socket_type::pub);
    pub.set(zmq::sockopt::sndhwm, 0);  // credit limits it instead
    rig.connect_in(pub);
    std::vector<zmq::socket_t*> subs;
    for (std::uint64_t i = 0; i < rig.settings.subscribers; ++i) {
        subs.push_back(&rig.out_peer(zmq::socket_type::sub));
        subs.back()->set(zmq::sockopt::sndhwm, 0);  // of subscriptions: libzmq drops those beyond it
        for (std::uint64_t t = i; t < rig.settings.topics; t += rig.settings.subscribers)
            subs.back()->set(zmq::sockopt::subscribe, topic(t, rig.settings));
        if (rig.settings.topics == 0) subs.back()->set(zmq::sockopt::subscribe, "");
        rig.connect_out(*subs.back());
    }
    zmq::socket_t &credit_in = rig.in_peer(zmq::socket_type::pull), &credit_out = rig.in_peer(zmq::socket_type::push);
    credit_in.bind("inproc://credit");
    credit_out.connect("inproc://credit");
    team.start([&] { publish(pub, credit_in, content, rig.settings, progress); });
    team.start([&, subs] { subscribe(subs, credit_out, content, rig.settings, progress); });
    return 2;
}

}  // namespace

std::size_t start(rig& rig, team& team, const content& content, progress& progress) {
    const options& o = rig.settings;
    if (o.pattern == "fan-out") return start_fan_out(rig, team, content, progress);
    const bool stream = o.pattern == "stream", single = o.pattern == "request-reply", crowded = o.pattern == "clients";
    const bool named = o.pattern == "router-router";
    if (!stream && !single && !crowded && !named && o.pattern != "round-trips") fail("unknown pattern '" + o.pattern + "'");

    using type = zmq::socket_type;
    zmq::socket_t& in_peer = rig.in_peer(stream ? type::push : single ? type::req : crowded ? type::router : type::dealer);
    zmq::socket_t& out_peer = rig.out_peer(stream ? type::pull : single ? type::rep : crowded ? type::router : type::dealer);
    if (named) in_peer.set(zmq::sockopt::routing_id, "client");
    if (named) out_peer.set(zmq::sockopt::routing_id, "worker");
    if (crowded)
        in_peer.set(zmq::sockopt::sndhwm, 0), out_peer.set(zmq::sockopt::sndhwm, 0);  // a ROUTER drops messages to a full peer
    rig.connect_in(in_peer, crowded ? o.clients : 1);
    rig.connect_out(out_peer, crowded ? o.workers : 1);
    if (stream) {
        team.start([&] { produce(in_peer, content, o, progress); });
        team.start([&] { consume(out_peer, content, o, progress); });
        return 2;
    }
    team.start([&, crowded, named] {
        if (crowded) return client_pool(in_peer, content, o, progress).run();
        if (named) probe_until_connected(in_peer, "worker");
        request(in_peer, content, o, named ? "worker" : "", progress);
    });
    team.start([&] { answer(out_peer); });
    return 1;
}

void watch(rig& rig, team& team, const content& content, progress& progress) {
    if (rig.settings.monitor.empty()) return;
    if (rig.settings.mon.empty()) fail("a subscriber on the monitor needs the monitor's endpoint");
    zmq::socket_t& sub = rig.watcher();
    if (rig.settings.monitor == "frozen") return;
    const bool one_way = rig.settings.pattern == "stream";
    team.start([&, one_way] {
        zmq::message_t frame;
        for (std::uint64_t oldest = 0;;) {
            do receive(sub, frame);
            while (frame.more());  // checking the last frame is enough: a PUB drops whole messages only
            const std::uint64_t number = content::number(frame);
            if (one_way && number < oldest) fail("the monitor's copies arrived out of order");
            content.check(frame, oldest = number);
            progress.watched.store(progress.watched + 1, std::memory_order_relaxed);
        }
    });
}

}  // namespace zdev_load
