// Subscriptions on their way upstream from an XPUB to an XSUB: a subscriber cannot cancel a topic of the others.

#include "support.hpp"
#include "zmtp_peer.hpp"

using namespace zdev::test;

namespace {

const std::string unsubscribe_t{"\0T", 2};

// A publisher that receives the subscriptions sent upstream, and subscribers.
class Subscriptions : public testing::Test, public sockets {
public:
    Subscriptions() : sockets("tcp") {}

    zmq::socket_t in = bound(ZMQ_XSUB), out = bound(ZMQ_XPUB);
    zmq::socket_t publisher = peer(ZMQ_XPUB, in);
    zdev::device device{in, out};

    zmq::socket_t subscriber(const std::string& topic) {
        auto socket = peer(ZMQ_SUB, out);
        socket.set(zmq::sockopt::subscribe, topic);
        return socket;
    }
    std::uint64_t dropped() const { return device.statistics().out.malformed; }

    // Whether this libzmq reports the number of topics of an XPUB.
    bool can_tell() {
        int topics = 0;
        std::size_t size = sizeof topics;
        return zmq_getsockopt(out.handle(), 116, &topics, &size) == 0;  // ZMQ_TOPICS_COUNT
    }
    void await_subscription(zmq::socket_t& subscriber_of_t) {
        const auto arrived = [&] { return send(publisher, {"T"}), try_recv(subscriber_of_t, 10ms).has_value(); };
        if (!eventually(arrived)) throw std::runtime_error("no subscription arrived");
        while (try_recv(subscriber_of_t, a_moment)) {
        }
    }
    void expect_news(zmq::socket_t& subscriber_of_t) {
        send(publisher, {"T", "news"});
        EXPECT_EQ(recv(subscriber_of_t), (message{"T", "news"}));
    }
};

}  // namespace

TEST_F(Subscriptions, ThatAreTooLongAreNotSentUpstream) {
    background run(device);
    {
        auto longest = subscriber(std::string(2048, 't'));
        EXPECT_EQ(recv(publisher), message{"\1" + std::string(2048, 't')});
        auto longer = subscriber(std::string(2049, 't'));
        ASSERT_TRUE(eventually([&] { return dropped() == 1; }));
    }
    EXPECT_EQ(recv(publisher), message{std::string(1, '\0') + std::string(2048, 't')});
    EXPECT_TRUE(eventually([&] { return dropped() == 2; }));  // its end goes nowhere either
}

TEST_F(Subscriptions, EndUpstreamWhenTheLastOfTheirPeersEndsThem) {
    background run(device);
    auto first = subscriber("T");
    EXPECT_EQ(recv(publisher), message{"\1T"});
    auto second = subscriber("T");
    await_subscription(second);
    first.set(zmq::sockopt::unsubscribe, "T");
    EXPECT_TRUE(silent(publisher));
    second.set(zmq::sockopt::unsubscribe, "T");
    EXPECT_EQ(recv(publisher), message{unsubscribe_t});
    EXPECT_EQ(dropped(), 0u);
}

TEST_F(Subscriptions, EndUpstreamWhenTheLastOfTheirPeersLeaves) {
    background run(device);
    for (int i = 0; i < 3; ++i) {
        auto first = subscriber("T"), second = subscriber("T");
        EXPECT_EQ(recv(publisher), message{"\1T"});
        await_subscription(first);
        await_subscription(second);
        first.close();
        EXPECT_TRUE(silent(publisher));
        second.close();
        EXPECT_EQ(recv(publisher), message{unsubscribe_t});
        auto other = subscriber("end");
        EXPECT_EQ(recv(publisher), message{"\1end"});
        other.set(zmq::sockopt::unsubscribe, "end");
        EXPECT_EQ(recv(publisher), (message{std::string("\0end", 4)}));
    }
    EXPECT_EQ(dropped(), 0u);
}

TEST_F(Subscriptions, SurviveThatAPeerWithoutThemEndsThem) {
    if (!can_tell()) GTEST_SKIP() << "libzmq has no ZMQ_TOPICS_COUNT";
    background run(device);
    auto subscriber_of_t = subscriber("T");
    EXPECT_EQ(recv(publisher), message{"\1T"});
    zmtp_peer eve(context, out, "SUB");
    const std::vector<std::string> attacks = {
        frame(unsubscribe_t),
        frame("\6CANCELT", command),
        frame("\1A") + frame(unsubscribe_t),
        frame("\1A") + frame({"\0A", 2}) + frame(unsubscribe_t),  // one of the two ends a topic
    };
    for (const std::string& attack : attacks) {
        const auto before = dropped();
        eve.say(attack);
        ASSERT_TRUE(eventually([&] { return dropped() > before; }));
        while (try_recv(publisher, a_moment)) {
        }
        expect_news(subscriber_of_t);
    }
    subscriber_of_t.set(zmq::sockopt::unsubscribe, "T");
    EXPECT_EQ(recv(publisher), message{unsubscribe_t});
}

TEST_F(Subscriptions, OfAVerboserXpubEndUpstreamToo) {
    out.set(zmq::sockopt::xpub_verboser, 1);
    background run(device);
    auto first = subscriber("T");
    EXPECT_EQ(recv(publisher), message{"\1T"});
    auto second = subscriber("T");
    ASSERT_TRUE(eventually([&] { return device.statistics().out.messages_sent == 2; }));
    first.set(zmq::sockopt::unsubscribe, "T");
    ASSERT_TRUE(eventually([&] { return device.statistics().out.messages_sent == 3; }));
    expect_news(second);
    second.set(zmq::sockopt::unsubscribe, "T");
    ASSERT_TRUE(eventually([&] { return try_recv(publisher, a_moment) == message{unsubscribe_t}; }));
}
