// Rights of the users of a forwarder to topics.

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "wire_support.hpp"

namespace zdev::test {
namespace {

using wire::topic_rights;
using table = std::map<std::string, topic_rights>;

topic_rights publishes(std::vector<std::string> prefixes) { return {std::move(prefixes), {}}; }
topic_rights subscribes(std::vector<std::string> prefixes) { return {{}, std::move(prefixes)}; }

class WithRights : public OnWire {
protected:
    static wire::credentials users(const wire::rights_by_user& rights) {
        return {{{"anna", "a"}, {"bert", "b"}}, false, false, rights};
    }
    static wire::spec forwarder(const wire::rights_by_user& in, const wire::rights_by_user& out) {
        wire::spec made = pair(ZMQ_XSUB, ZMQ_XPUB);
        made.in.security = wire::plain_server{users(in), {}};
        made.out->security = wire::plain_server{users(out), {}};
        return made;
    }
    static sockets::setup as(const std::string& user, const std::string& topic = {}, bool subscribed = false) {
        return [=](zmq::socket_t& socket) {
            socket.set(zmq::sockopt::plain_username, user);
            socket.set(zmq::sockopt::plain_password, user.substr(0, 1));
            if (subscribed) socket.set(zmq::sockopt::subscribe, topic);
        };
    }
    static sockets::setup reading(const std::string& user, const std::string& topic) { return as(user, topic, true); }
    static void join(raw_peer& peer, int type, const std::string& user, unsigned char minor = 1) {
        peer.shake_hands(type, {}, minor, zmtp::make_plain_client(user, user.substr(0, 1)));
    }
    static std::string wish(unsigned char minor, bool subscribe, const std::string& prefix) {
        std::string framed;
        zmtp::append_subscription(framed, minor, {subscribe, prefix});
        return framed;
    }
    static wire::role_statistics at(const running& device, const char* role) { return device.device.connections(role); }
};

const table anything{{"*", {{""}, {""}}}};
constexpr std::uint8_t versions[] = {0, 1};

TEST_F(WithRights, OfASubscriptionThePartThatIsAllowedIsTaken) {
    running device(forwarder(anything, table{{"anna", subscribes({"news", "orders."})}}));
    auto source = dial(ZMQ_XPUB, device.at("in"), as("anna"));
    ASSERT_TRUE(device.connected("in", 1));
    auto all = dial(ZMQ_SUB, device.at("out"), reading("anna", ""));
    EXPECT_EQ(recv(source), message{"\1news"});
    EXPECT_EQ(recv(source), message{"\1orders."});
    auto some = dial(ZMQ_SUB, device.at("out"), reading("anna", "orders.eu"));
    EXPECT_EQ(recv(source), message{"\1orders.eu"});
    for (const char* const topic : {"order", "secret", "orders.us", "orders.eu.1", "news"}) send(source, {topic, "x"});
    EXPECT_EQ(recv(all), (message{"orders.us", "x"}));
    EXPECT_EQ(recv(all), (message{"orders.eu.1", "x"}));
    EXPECT_EQ(recv(all), (message{"news", "x"}));
    EXPECT_EQ(recv(some), (message{"orders.eu.1", "x"}));
    EXPECT_EQ(at(device, "out").denied_subscriptions, 0);
}

TEST_F(WithRights, ASubscriptionToOtherTopicsIsDeniedAndCounted) {
    for (const auto minor : versions) {
        running device(forwarder(anything, table{{"anna", subscribes({"orders."})}}));
        auto source = dial(ZMQ_XPUB, device.at("in"), as("anna"));
        ASSERT_TRUE(device.connected("in", 1));
        raw_peer peer(device.at("out"));
        join(peer, ZMQ_SUB, "anna", minor);
        peer.send(wish(minor, true, "orders_") + wish(minor, false, "orders_") + wish(minor, false, "never") +
                  wish(minor, true, "orders.1"));
        EXPECT_EQ(recv(source), message{"\1orders.1"});
        EXPECT_EQ(at(device, "out").denied_subscriptions, 1);
        const auto peers = device.device.peers();
        const auto anna = std::find_if(peers.begin(), peers.end(), [](const auto& each) { return each.role == "out"; });
        ASSERT_NE(anna, peers.end());
        EXPECT_EQ(anna->denied, 1);
        EXPECT_EQ(anna->subscriptions, 1);
        const auto denied = device.device.take_denied("out");
        ASSERT_TRUE(denied);
        EXPECT_EQ(denied->user, "anna");
        EXPECT_EQ(denied->address, "127.0.0.1");
        EXPECT_EQ(denied->topic, "orders_");
        EXPECT_TRUE(denied->subscription);
        EXPECT_FALSE(device.device.take_denied("out"));
    }
}

TEST_F(WithRights, UsersWhoAreNotNamedHaveTheRightsOfEverybodyElseOrNone) {
    for (const bool others : {false, true}) {
        table rights{{"anna", subscribes({""})}};
        if (others) rights["*"] = subscribes({"news"});
        running device(forwarder(std::nullopt, rights));
        auto source = dial(ZMQ_XPUB, device.at("in"), as("anna"));
        ASSERT_TRUE(device.connected("in", 1));
        auto bert = dial(ZMQ_SUB, device.at("out"), reading("bert", "news"));
        ASSERT_TRUE(eventually([&] { return at(device, "out").denied_subscriptions == (others ? 0 : 1); }));
        if (others) {
            EXPECT_EQ(recv(source), message{"\1news"});
        }
        auto anna = dial(ZMQ_SUB, device.at("out"), reading("anna", "other"));
        EXPECT_EQ(recv(source), message{"\1other"});
    }
}

// The prefixes asked for and allowed overlap in all ways. The subscriptions upstream are those that are taken.
TEST_F(WithRights, WhatIsTakenIsWhatAModelTakes) {
    for (unsigned seed = 0; seed < 12; ++seed) {
        std::mt19937 random(seed);
        const auto word = [&random] {
            std::string made(random() % 4, 'a');
            for (char& c : made) c = static_cast<char>('a' + random() % 2);
            return made;
        };
        const auto begun_by = [](const auto& prefixes, const std::string& topic) {
            return std::any_of(prefixes.begin(), prefixes.end(), [&](const auto& each) { return topic.rfind(each, 0) == 0; });
        };
        const auto minor = static_cast<std::uint8_t>(seed % 2);
        std::vector<std::string> allowed;
        std::set<std::string> asked, taken;

        running device(forwarder(anything, table{{"anna", subscribes({"#"})}}));
        auto source = dial(ZMQ_XPUB, device.at("in"), as("anna"));
        ASSERT_TRUE(device.connected("in", 1));
        raw_peer peer(device.at("out"));
        join(peer, ZMQ_SUB, "anna", minor);
        peer.send(wish(minor, true, "!"));
        const auto read_until = [&](const std::string& mark) {
            for (std::string heard; heard != "\1" + mark;) {
                heard = recv(source).at(0);
                heard[0] ? void(taken.insert(heard.substr(1))) : void(taken.erase(heard.substr(1)));
            }
        };
        for (int i = 0; i < 150; ++i) {
            const std::string number = std::to_string(i);
            if (random() % 5 == 0) {
                allowed.resize(random() % 4);
                for (auto& each : allowed) each = "ab"[random() % 2] + word();
                auto rights = allowed;
                rights.insert(rights.end(), {"#", "!" + number});
                device.device.set_credentials("out", users(table{{"anna", subscribes(rights)}}));
                read_until("!" + number);
            } else {
                const std::string prefix = word();
                const bool subscribe = random() % 2 == 0;
                subscribe ? void(asked.insert(prefix)) : void(asked.erase(prefix));
                peer.send(wish(minor, subscribe, prefix));
            }
            peer.send(wish(minor, true, "#" + number));
            read_until("#" + number);
            for (int topics = 0; topics < 20; ++topics) {
                const std::string topic = word() + word();
                ASSERT_EQ(begun_by(taken, topic), begun_by(asked, topic) && begun_by(allowed, topic))
                    << "seed " << seed << ", step " << i << ", topic " << topic;
            }
        }
    }
}

TEST_F(WithRights, NewRightsBeginAndEndSubscriptionsOfConnectedPeersAtOnce) {
    for (const auto minor : versions) {
        running device(forwarder(anything, table{{"anna", subscribes({"news"})}}));
        auto source = dial(ZMQ_XPUB, device.at("in"), as("anna"));
        ASSERT_TRUE(device.connected("in", 1));
        raw_peer peer(device.at("out"));
        join(peer, ZMQ_SUB, "anna", minor);
        peer.send(wish(minor, true, "orders.") + wish(minor, true, "news"));
        EXPECT_EQ(recv(source), message{"\1news"});
        device.device.set_credentials("out", users(table{{"anna", subscribes({"orders."})}}));
        EXPECT_EQ(recv(source), message{"\1orders."});
        EXPECT_EQ(recv(source), message{std::string("\0news", 5)});
        for (const char* const topic : {"news", "orders.1"}) send(source, {topic});
        EXPECT_EQ(peer.receive(1), framed({"orders.1"}));
        device.device.set_credentials("out", users(std::nullopt));
        EXPECT_EQ(recv(source), message{"\1news"});
        send(source, {"news"});
        EXPECT_EQ(peer.receive(1), framed({"news"}));
        device.device.set_credentials("out", users(table{}));
        std::set<message> ended{recv(source), recv(source)};
        EXPECT_EQ(ended, (std::set<message>{{std::string("\0news", 5)}, {std::string("\0orders.", 8)}}));
        EXPECT_EQ(at(device, "out").connections, 1);
    }
}

TEST_F(WithRights, NewRightsTakeEffectWhileTheCredentialsCannotBeRead) {
    running device(forwarder(anything, table{{"anna", subscribes({"news"})}}));
    auto source = dial(ZMQ_XPUB, device.at("in"), as("anna"));
    ASSERT_TRUE(device.connected("in", 1));
    auto peer = dial(ZMQ_SUB, device.at("out"), reading("anna", "news"));
    EXPECT_EQ(recv(source), message{"\1news"});
    wire::credentials unreadable;
    unreadable.unreadable = true;
    unreadable.rights = table{{"anna", subscribes({"news", "orders."})}};
    device.device.set_credentials("out", unreadable);  // names are those of before
    peer.set(zmq::sockopt::subscribe, "orders.");
    EXPECT_EQ(recv(source), message{"\1orders."});
}

TEST_F(WithRights, AFloodOfDeniedSubscriptionsIsCountedAndHarmsNobody) {
    for (const auto minor : versions) {
        running device(forwarder(anything, table{{"anna", subscribes({"orders."})}, {"bert", subscribes({""})}}));
        auto source = dial(ZMQ_XPUB, device.at("in"), as("anna"));
        auto other = dial(ZMQ_SUB, device.at("out"), reading("bert", "news"));
        EXPECT_EQ(recv(source), message{"\1news"});
        raw_peer peer(device.at("out"));
        join(peer, ZMQ_SUB, "anna", minor);
        std::string flood;
        for (int i = 0; i < 1000; ++i) flood += wish(minor, true, std::string(1000, 'x'));
        for (int i = 0; i < 20; ++i) ASSERT_TRUE(peer.send(flood));
        EXPECT_TRUE(eventually([&] { return at(device, "out").denied_subscriptions == 20000; }));
        send(source, {"news"});
        EXPECT_EQ(recv(other), message{"news"});
        const auto denied = device.device.take_denied("out");
        ASSERT_TRUE(denied);
        EXPECT_EQ(denied->topic, std::string(64, 'x'));
        EXPECT_FALSE(device.device.take_denied("out"));
        EXPECT_EQ(at(device, "out").connections, 2);
    }
}

TEST_F(WithRights, DeniedSubscriptionsCountTowardsTheLimitOfAPeer) {
    for (const auto minor : versions) {
        auto spec = forwarder(anything, table{{"anna", subscribes({"orders."})}});
        spec.out->options.max_subscriptions = 100;
        running device(spec);
        raw_peer peer(device.at("out"));
        join(peer, ZMQ_SUB, "anna", minor);
        std::string wishes;
        for (int i = 0; i < 100; ++i) wishes += wish(minor, true, std::to_string(i));
        peer.send(wishes);
        EXPECT_TRUE(eventually([&] { return at(device, "out").denied_subscriptions == 100; }));
        EXPECT_TRUE(peer.open());
        peer.send(wish(minor, false, "1") + wish(minor, true, "again"));
        EXPECT_TRUE(eventually([&] { return at(device, "out").denied_subscriptions == 101; }));
        peer.send(wish(minor, true, "one more"));
        EXPECT_TRUE(peer.ended());
        EXPECT_EQ(at(device, "out").limits_exceeded, 1);
    }
}

TEST_F(WithRights, MessagesOfOtherTopicsAreDroppedWholeAndCounted) {
    running device(forwarder(table{{"anna", publishes({"orders."})}, {"bert", publishes({""})}}, anything));
    auto sink = dial(ZMQ_SUB, device.at("out"), reading("anna", ""));
    ASSERT_TRUE(eventually([&] { return device.device.statistics().out.messages_received == 1; }));  // its subscription
    raw_peer anna(device.at("in"));
    join(anna, ZMQ_PUB, "anna");
    const std::string large(300000, 'x');
    anna.send(framed({"orders.1", "a"}) + framed({"secret", "orders.", "c"}) + framed({""}) + framed({"", "orders."}) +
              framed({"orders"}) + framed({"orders.2", large}) + framed({large, "x"}) + framed({"orders.3"}));
    EXPECT_EQ(recv(sink), (message{"orders.1", "a"}));
    EXPECT_EQ(recv(sink), (message{"orders.2", large}));
    EXPECT_EQ(recv(sink), (message{"orders.3"}));
    auto bert = dial(ZMQ_PUB, device.at("in"), as("bert"));
    ASSERT_TRUE(eventually([&] { return send(bert, {"", "y"}), try_recv(sink, 10ms) == message{"", "y"}; }));
    EXPECT_EQ(at(device, "in").denied_messages, 5);
    EXPECT_EQ(device.device.statistics().in.messages_received, device.device.statistics().in.messages_sent);
    const auto denied = device.device.take_denied("in");
    ASSERT_TRUE(denied);
    EXPECT_FALSE(denied->subscription);
    EXPECT_EQ(denied->topic, "secret");
}

TEST_F(WithRights, AMessageIsJudgedWhenTheDeviceTakesIt) {
    running device(forwarder(table{{"anna", publishes({"orders."})}}, anything));
    auto sink = dial(ZMQ_SUB, device.at("out"), reading("anna", ""));
    ASSERT_TRUE(eventually([&] { return device.device.statistics().out.messages_received == 1; }));  // its subscription
    raw_peer anna(device.at("in"));
    join(anna, ZMQ_PUB, "anna");
    device.device.pause();
    ASSERT_TRUE(eventually([&] { return device.device.statistics().state == state::paused; }));
    anna.send(framed({"orders.1"}) + framed({"news.1"}));
    ASSERT_TRUE(eventually([&] { return at(device, "in").held == 1; }));
    device.device.set_credentials("in", users(table{{"anna", publishes({"news."})}}));
    const auto before = device.device.statistics().loop_iterations;
    ASSERT_TRUE(eventually([&] { return device.device.statistics().loop_iterations > before + 1; }));
    device.device.resume();
    EXPECT_EQ(recv(sink), message{"news.1"});
    EXPECT_EQ(at(device, "in").denied_messages, 1);
}

TEST_F(WithRights, NewRightsOfAPublisherTakeEffectOnItsConnection) {
    running device(forwarder(table{{"anna", publishes({"orders.", "news."})}}, anything));
    auto sink = dial(ZMQ_SUB, device.at("out"), reading("anna", ""));
    ASSERT_TRUE(eventually([&] { return device.device.statistics().out.messages_received == 1; }));  // its subscription
    raw_peer anna(device.at("in"));
    join(anna, ZMQ_PUB, "anna");
    anna.send(framed({"orders.1"}));
    EXPECT_EQ(recv(sink), message{"orders.1"});
    device.device.set_credentials("in", users(table{{"anna", publishes({"news."})}}));
    const auto denied = [&] { return anna.send(framed({"orders.2"})), at(device, "in").denied_messages > 0; };
    ASSERT_TRUE(eventually(denied));
    anna.send(framed({"news.1"}));
    for (message heard; heard != message{"news.1"};) heard = recv(sink);
}

TEST_F(WithRights, MessagesOfASubscriberThatGoUpstreamNeedTheRightToPublish) {
    running device(forwarder(anything, table{{"anna", {{"ask."}, {""}}}}));
    auto source = dial(ZMQ_XPUB, device.at("in"), as("anna"));
    ASSERT_TRUE(device.connected("in", 1));
    auto reader = dial(ZMQ_XSUB, device.at("out"), as("anna"));
    ASSERT_TRUE(device.connected("out", 1));
    send(reader, {"tell.1", "x"});
    send(reader, {"ask.1", "x"});
    EXPECT_EQ(recv(source), (message{"ask.1", "x"}));
    EXPECT_EQ(at(device, "out").denied_messages, 1);
}

TEST_F(WithRights, AMonitorHasRightsToo) {
    wire::spec made = monitored(ZMQ_PULL, ZMQ_PUSH);
    made.mon->socket.security =
        wire::plain_server{users(table{{"anna", subscribes({"out"})}, {"bert", subscribes({"in"})}}), {}};
    running device(made);
    auto sink = dial(ZMQ_PULL, device.at("out"));
    auto source = dial(ZMQ_PUSH, device.at("in"));
    auto anna = dial(ZMQ_SUB, device.at("mon"), reading("anna", "")),
         bert = dial(ZMQ_SUB, device.at("mon"), reading("bert", ""));
    const auto subscribed = [&] {
        const auto peers = device.device.peers();
        return 2 == std::count_if(peers.begin(), peers.end(), [](const auto& each) { return each.subscriptions == 1; });
    };
    ASSERT_TRUE(eventually(subscribed));
    send(source, {"hello"});
    EXPECT_EQ(recv(sink), message{"hello"});
    EXPECT_EQ(recv(bert), (message{"in", "hello"}));
    EXPECT_TRUE(silent(anna));
}

TEST_F(WithRights, RightsAreRefusedWhereTheyCannotBeKept) {
    const auto refusal = [](const wire::spec& spec) -> std::string {
        try {
            wire::device device(spec);
        } catch (const zdev::error& fault) {
            EXPECT_EQ(fault.num(), EINVAL);
            return fault.what();
        }
        return "none";
    };
    wire::spec queue = pair(ZMQ_ROUTER, ZMQ_DEALER);
    queue.in.security = wire::plain_server{users(table{}), {}};
    EXPECT_EQ(refusal(queue), "device: in: invalid rights: for PUB, XPUB, SUB and XSUB only, not ROUTER");
    wire::spec inverted = forwarder(std::nullopt, table{});
    inverted.out->options.invert_matching = true;
    EXPECT_EQ(refusal(inverted), "device: out: invalid rights: not with invert_matching, by which peers get other topics");
    queue.in.security = wire::plain_server{users(std::nullopt), {}};
    running device(queue);
    EXPECT_THROW(device.device.set_credentials("in", users(table{})), zdev::error);
    wire::spec open = pair(ZMQ_PULL, ZMQ_PUSH);
    open.in.options.max_connections_per_key = 1;
    EXPECT_EQ(
        refusal(open),
        "device: in: invalid max_connections_per_key: for a server of CURVE or PLAIN only: others do not know the keys of "
        "their peers");
}

TEST_F(WithRights, TheLimitForEachKeyDoesNotCountOthersNorHandshakes) {
    auto spec = forwarder(std::nullopt, std::nullopt);
    spec.in.options.max_connections_per_key = 1;
    running device(spec);
    raw_peer silent(device.at("in")), wrong(device.at("in")), first(device.at("in"));
    wrong.send(zmtp::handshake({ZMQ_PUB, "", {}}, zmtp::make_plain_client("anna", "guess")).take_output());
    join(first, ZMQ_PUB, "anna");
    ASSERT_TRUE(device.connected("in", 1));
    raw_peer second(device.at("in"));
    join(second, ZMQ_PUB, "anna");
    EXPECT_TRUE(second.ended());
    EXPECT_EQ(at(device, "in").refused_max_connections_per_key, 1);
    EXPECT_EQ(at(device, "in").refused(), 1);
    raw_peer bert(device.at("in"));
    join(bert, ZMQ_PUB, "bert");
    EXPECT_TRUE(device.connected("in", 2));
    first.close();
    ASSERT_TRUE(device.connected("in", 1));
    raw_peer third(device.at("in"));
    join(third, ZMQ_PUB, "anna");
    EXPECT_TRUE(device.connected("in", 2));
    EXPECT_TRUE(third.open());
}

}  // namespace
}  // namespace zdev::test
