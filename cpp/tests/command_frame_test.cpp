// SUBSCRIBE and CANCEL commands (RFC 37), which a peer may send to any socket and which libzmq delivers as frames. They are not
// messages, and must never join two messages.

#include "support.hpp"
#include "zmtp_peer.hpp"

using namespace zdev::test;

namespace {

const std::string subscribe = "\x09SUBSCRIBEabc";
const std::string cancel =
    "\x06"
    "CANCELabc";

class CommandFrame : public testing::TestWithParam<std::string>, public sockets {
public:
    CommandFrame() : sockets("tcp") {}
};
INSTANTIATE_TEST_SUITE_P(Commands, CommandFrame, testing::Values(subscribe, cancel),
                         [](const auto& info) { return info.index == 0 ? "subscribe" : "cancel"; });

std::uint64_t dropped(const zdev::device& device) { return device.statistics().in.malformed; }

}  // namespace

TEST_P(CommandFrame, OfAClientIsDroppedAndTheNextRequestArrivesAlone) {
    auto in = bound(ZMQ_ROUTER), out = bound(ZMQ_DEALER), mon = bound(ZMQ_PAIR);
    auto worker = peer(ZMQ_DEALER, out), anna = peer(ZMQ_DEALER, in, named("anna")), watcher = peer(ZMQ_PAIR, mon);
    zdev::options options;
    options.monitor.socket = mon;
    zdev::device device(in, out, options);
    background run(device);
    zmtp_peer eve(context, in, "DEALER", "eve");
    eve.say(frame(GetParam(), command));
    ASSERT_TRUE(eventually([&] { return dropped(device) == 1; }));
    send(anna, {"for the worker alone"});
    EXPECT_EQ(recv(worker), (message{"anna", "for the worker alone"}));
    EXPECT_EQ(recv(watcher), (message{"in", "anna", "for the worker alone"}));
    EXPECT_EQ(device.statistics().in.messages_received, 2u);
}

TEST_P(CommandFrame, WithinAMessageDropsTheWholeMessage) {
    auto in = bound(ZMQ_PULL), out = bound(ZMQ_PUSH);
    auto worker = peer(ZMQ_PULL, out), anna = peer(ZMQ_PUSH, in);
    zdev::device device(in, out);
    background run(device);
    zmtp_peer eve(context, in, "PUSH");
    const std::string first = frame("a", more), end = frame("z");
    const std::vector<std::string> messages = {
        first + frame(GetParam(), command),               // the command is its end
        frame(GetParam(), command | more) + end,          // its beginning
        first + frame(GetParam(), command | more) + end,  // in its midst
    };
    for (std::size_t i = 0; i < messages.size(); ++i) {
        eve.say(messages[i]);
        ASSERT_TRUE(eventually([&] { return dropped(device) == i + 1; }));
        send(anna, {"whole", std::to_string(i)});
        EXPECT_EQ(recv(worker), (message{"whole", std::to_string(i)}));
        eve.say(message{"eve", "too"});
        EXPECT_EQ(recv(worker), (message{"eve", "too"}));
    }
    EXPECT_EQ(dropped(device), messages.size());
}

TEST_P(CommandFrame, OfAPublisherReachesNoSubscriber) {
    auto in = bound(ZMQ_XSUB), out = bound(ZMQ_XPUB);
    auto publisher = peer(ZMQ_PUB, in), subscriber = peer(ZMQ_SUB, out);
    subscriber.set(zmq::sockopt::subscribe, "");
    zdev::device device(in, out);
    background run(device);
    synchronise(publisher, subscriber);
    zmtp_peer eve(context, in, "PUB");
    eve.say(frame(GetParam(), command));
    ASSERT_TRUE(eventually([&] { return dropped(device) == 1; }));
    send(publisher, {"news", "for all"});
    EXPECT_EQ(recv(subscriber), (message{"news", "for all"}));
}

TEST_P(CommandFrame, WithinAMessageOfASubscriberIsNotSentUpstream) {
    auto in = bound(ZMQ_XSUB), out = bound(ZMQ_XPUB);
    auto publisher = peer(ZMQ_XPUB, in), subscriber = peer(ZMQ_XSUB, out);
    zdev::device device(in, out);
    background run(device);
    send(subscriber, {"\1news"});
    EXPECT_EQ(recv(publisher), message{"\1news"});
    zmtp_peer eve(context, out, "SUB");
    eve.say(frame("hello", more) + frame(GetParam(), command));
    ASSERT_TRUE(eventually([&] { return device.statistics().out.malformed == 1; }));
    send(subscriber, {"mine", "alone"});
    EXPECT_EQ(recv(publisher), (message{"mine", "alone"}));
}

TEST_P(CommandFrame, OfAClientOfARepLeavesItReadyForTheNextRequest) {
    auto in = bound(ZMQ_REP), out = bound(ZMQ_REQ);
    auto worker = peer(ZMQ_REP, out), anna = peer(ZMQ_REQ, in);
    zdev::device device(in, out);
    background run(device);
    zmtp_peer eve(context, in, "REQ");
    eve.say(frame("", more) + frame(GetParam(), command));
    ASSERT_TRUE(eventually([&] { return dropped(device) == 1; }));
    send(anna, {"question"});
    EXPECT_EQ(recv(worker), message{"question"});
    send(worker, {"answer"});
    EXPECT_EQ(recv(anna), message{"answer"});
}

TEST_P(CommandFrame, AtTheControlSocketIsNotExecuted) {
    auto in = bound(ZMQ_PULL), out = bound(ZMQ_PUSH), ctrl = bound(ZMQ_REP);
    auto operator_socket = peer(ZMQ_REQ, ctrl);
    zdev::options options;
    options.control = ctrl;
    zdev::device device(in, out, options);
    background run(device);
    zmtp_peer eve(context, ctrl, "REQ");
    eve.say(frame(GetParam(), command) + frame("", more) + frame(GetParam(), command));
    EXPECT_EQ(ask(operator_socket, {"PAUSE"}), message{""});
    EXPECT_EQ(device.statistics().state, zdev::state::paused);
}

TEST_P(CommandFrame, IsNotWhatHasItsContentAlone) {
    auto in = bound(ZMQ_ROUTER), out = bound(ZMQ_DEALER);
    auto worker = peer(ZMQ_DEALER, out), anna = peer(ZMQ_DEALER, in, named("anna"));
    zdev::device device(in, out);
    background run(device);
    const std::string long_content = GetParam() + std::string(5000, 'x');
    for (const message& genuine : {message{GetParam()}, message{"a", GetParam()}, message{long_content, "z"}}) {
        send(anna, genuine);
        message expected = genuine;
        expected.insert(expected.begin(), "anna");
        EXPECT_EQ(recv(worker), expected);
    }
    EXPECT_EQ(dropped(device), 0u);
}
