// A stop or drain of the wire engine under load: what senders had written is delivered or comes back, and each message is
// accounted for.

#include <map>
#include <set>

#include "wire_support.hpp"

namespace zdev::test {
namespace {

// A sender of bytes that counts the messages that it wrote completely, until the other side asks it to stop.
class counting_sender {
public:
    counting_sender(const std::string& endpoint, int type, const std::string& name) : peer_(endpoint), name_(name) {
        peer_.shrink();
        peer_.shake_hands(type, name);
        thread_ = std::thread([this] { run(); });
    }
    ~counting_sender() { thread_.join(); }
    counting_sender(const counting_sender&) = delete;
    counting_sender& operator=(const counting_sender&) = delete;

    int sent() const { return sent_; }
    const std::string& name() const { return name_; }
    int wait() {
        if (!eventually([&] { return done_.load(); })) throw std::runtime_error("the device never ended the connection");
        return sent_;
    }

private:
    void run() {
        while (peer_.open() && peer_.send(framed({name_, std::to_string(sent_), padding_}))) ++sent_;
        peer_.close();  // FIN: all that was written has left
        done_ = true;
    }

    raw_peer peer_;
    const std::string name_, padding_ = std::string(200, 'x');
    std::atomic<int> sent_{0};
    std::atomic<bool> done_{false};
    std::thread thread_;
};

class WireStop : public OnWire {
protected:
    static constexpr int senders = 8;

    // Notes a message of [sender, number, ...], each of which must arrive once and in order.
    void note(const message& got, std::size_t name_at = 0) {
        auto& next = next_[got.at(name_at)];
        if (std::stoi(got.at(name_at + 1)) != next++) ADD_FAILURE() << got[name_at] << ": " << got[name_at + 1];
    }

    std::map<std::string, int> next_;
};

TEST_F(WireStop, InTheMiddleOfEightStreamsNothingThatTheNetworkTookIsLost) {
    for (const bool slow : {false, true}) {
        next_.clear();
        auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
        if (slow) over_ipc(*spec.out);
        spec.in.options.linger = spec.out->options.linger = patience;
        spec.out->options.sndhwm = slow ? 2 : 1000;
        spec.in.options.rcvbuf = 16384;
        running device(spec);
        auto sink = dial(ZMQ_PULL, device.at("out"), slow ? sockets::setup(tiny) : sockets::setup());
        ASSERT_TRUE(device.connected("out", 1));
        std::vector<std::unique_ptr<counting_sender>> all;
        for (int i = 0; i < senders; ++i) {
            all.push_back(std::make_unique<counting_sender>(device.at("in"), ZMQ_PUSH, std::to_string(i)));
        }
        for (int i = 0; i < 2000; ++i) note(recv(sink));
        device.device.stop();
        while (!device.over(0ms)) {
            if (const auto got = try_recv(sink, 1ms)) note(*got);
        }
        EXPECT_EQ(device.result(), outcome::stopped);
        while (const auto got = try_recv(sink, 50ms)) note(*got);
        for (const auto& each : all) EXPECT_EQ(next_[each->name()], each->wait()) << slow;
        EXPECT_EQ(device.device.connections("in").messages_lost + device.device.connections("out").messages_lost, 0);
        const auto s = device.device.statistics().in;
        EXPECT_EQ(s.messages_received, s.messages_sent);
    }
}

TEST_F(WireStop, InTheMiddleOfEightClientsEveryRequestReachesAWorker) {
    auto spec = pair(ZMQ_ROUTER, ZMQ_DEALER);
    spec.in.options.linger = spec.out->options.linger = patience;
    running device(spec);
    auto worker = dial(ZMQ_DEALER, device.at("out"));
    ASSERT_TRUE(device.connected("out", 1));
    std::vector<std::unique_ptr<counting_sender>> all;
    for (int i = 0; i < senders; ++i) {
        all.push_back(std::make_unique<counting_sender>(device.at("in"), ZMQ_DEALER, std::to_string(i)));
    }
    for (int i = 0; i < 2000; ++i) note(recv(worker), 1);
    device.device.stop();
    while (!device.over(0ms)) {
        if (const auto got = try_recv(worker, 1ms)) note(*got, 1);
    }
    EXPECT_EQ(device.result(), outcome::stopped);
    while (const auto got = try_recv(worker, 50ms)) note(*got, 1);
    for (const auto& each : all) EXPECT_EQ(next_[each->name()], each->wait());
    EXPECT_EQ(device.device.connections("in").messages_lost + device.device.connections("out").messages_lost, 0);
}

// Senders of libzmq keep what they have not begun to write; what is on the wire arrives.
TEST_F(WireStop, SendersOfLibzmqLoseAtMostTheMessagesThatTheyWereWriting) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.in.binds = {"ipc://@zdev-wire-stop-" + std::to_string(::getpid())};
    spec.in.options.linger = spec.out->options.linger = patience;
    std::vector<zmq::socket_t> all;
    constexpr int each = 2000;
    const std::string padding(5000, 'x');
    std::map<std::string, std::set<int>> arrived;
    const auto take = [&](zmq::socket_ref sink, milliseconds timeout) {
        const auto got = try_recv(sink, timeout);
        if (!got) return false;
        EXPECT_TRUE(arrived[got->at(0)].insert(std::stoi(got->at(1))).second);
        return true;
    };
    {
        running device(spec);
        auto sink = dial(ZMQ_PULL, device.at("out"));
        for (int i = 0; i < senders; ++i) {
            all.push_back(dial(ZMQ_PUSH, spec.in.binds[0], [](zmq::socket_t& s) { s.set(zmq::sockopt::sndhwm, 0); }));
            for (int j = 0; j < each; ++j) send(all.back(), {std::to_string(i), std::to_string(j), padding});
        }
        for (int i = 0; i < 100; ++i) take(sink, patience);
        device.device.stop();
        while (!device.over(0ms)) take(sink, 1ms);
        EXPECT_EQ(device.result(), outcome::stopped);
        while (take(sink, 50ms)) {
        }
        EXPECT_EQ(device.device.connections("in").messages_lost + device.device.connections("out").messages_lost, 0);
    }
    running device(spec);
    auto sink = dial(ZMQ_PULL, device.at("out"));
    while (take(sink, 500ms)) {
    }
    for (int i = 0; i < senders; ++i) {
        EXPECT_GE(arrived[std::to_string(i)].size(), each - 3);  // the end of one message, and those in the same buffer
        EXPECT_EQ(*arrived[std::to_string(i)].rbegin(), each - 1);
    }
}

TEST_F(WireStop, ADrainUnderLoadAnswersEveryRequestThatItForwarded) {
    running device(pair(ZMQ_ROUTER, ZMQ_DEALER));
    auto worker = dial(ZMQ_REP, device.at("out"));
    ASSERT_TRUE(device.connected("out", 1));
    std::atomic<int> served{0}, answered{0};
    std::atomic<bool> over{false};
    std::thread work([&] {
        while (!over) {
            if (const auto got = try_recv(worker, 10ms)) send(worker, *got), ++served;
        }
    });
    std::vector<std::thread> clients;
    for (int i = 0; i < senders; ++i) {
        clients.emplace_back([&, i] {
            auto client = dial(ZMQ_REQ, device.at("in"));
            for (int j = 0; !over; ++j) {
                send(client, {std::to_string(i), std::to_string(j)});
                std::optional<message> got;
                while (!over && !(got = try_recv(client, 10ms))) {
                }
                if (got) ++answered;
            }
        });
    }
    EXPECT_TRUE(eventually([&] { return answered > 500; }));
    device.device.drain(patience);
    EXPECT_EQ(device.result(), outcome::drained);
    const auto s = device.device.statistics();
    EXPECT_EQ(s.in.messages_sent, s.out.messages_sent);
    EXPECT_EQ(s.pending_replies, 0);
    EXPECT_TRUE(eventually([&] { return answered == static_cast<int>(s.out.messages_sent); })) << answered;
    over = true;
    work.join();
    for (auto& each : clients) each.join();
    EXPECT_EQ(served, answered);
}

}  // namespace
}  // namespace zdev::test
