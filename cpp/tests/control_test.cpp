// Rows 8 and 9 of the relay contract: the commands of a control socket, and the replies to them.

#include <cstring>

#include "support.hpp"

using namespace zdev::test;
using zdev::outcome;
using zdev::state;

namespace {

std::vector<std::uint64_t> numbers(const message& frames) {
    std::vector<std::uint64_t> result;
    for (const auto& frame : frames) {
        if (frame.size() != sizeof(std::uint64_t)) throw std::runtime_error("a frame of STATISTICS is not a uint64_t");
        std::memcpy(&result.emplace_back(), frame.data(), frame.size());
    }
    return result;
}

// An error is a reply of one non-empty frame.
bool is_error(const message& reply) { return reply.size() == 1 && !reply[0].empty(); }

const message accepted = {""};

}  // namespace

// A device between left and right with a control socket; `ctrl` is the operator's socket.
class Controlled : public sockets {
public:
    Controlled(const std::string& transport, int type, int operator_type, const setup& set = {}) : sockets(transport) {
        control = bound(type, set);
        ctrl = peer(operator_type, control, set);
        options.control = control;
        device.emplace(in, out, options);
    }
    zmq::socket_t control, ctrl;
    zmq::socket_t in = bound(ZMQ_PAIR), out = bound(ZMQ_PAIR), left = peer(ZMQ_PAIR, in), right = peer(ZMQ_PAIR, out);
    zdev::options options;
    std::optional<zdev::device> device;

    bool becomes(state expected) {
        return eventually([&] { return device->statistics().state == expected; });
    }
};

class RepControl : public testing::TestWithParam<const char*>, public Controlled {
public:
    RepControl() : Controlled(GetParam(), ZMQ_REP, ZMQ_REQ) {}
};
ZDEV_ON_BOTH_TRANSPORTS(RepControl);

TEST_P(RepControl, AnAcceptedCommandIsAnsweredWithAnEmptyFrame) {
    background run(*device);
    for (const auto* command : {"PAUSE", "PAUSE", "RESUME", "RESUME", "TERMINATE"}) EXPECT_EQ(ask(ctrl, {command}), accepted);
    EXPECT_EQ(run.result(), outcome::stopped);
}

TEST_P(RepControl, PauseHoldsMessagesAndResumeLosesNone) {
    background run(*device);
    EXPECT_EQ(ask(ctrl, {"PAUSE"}), accepted);
    EXPECT_EQ(device->statistics().state, state::paused);
    for (int i = 0; i < 5; ++i) send(left, numbered(i)), send(right, numbered(i));
    EXPECT_TRUE(silent(left));
    EXPECT_TRUE(silent(right));
    EXPECT_EQ(device->statistics().in.messages_received + device->statistics().out.messages_received, 0u);
    EXPECT_EQ(ask(ctrl, {"RESUME"}), accepted);
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(recv(left), numbered(i));
        EXPECT_EQ(recv(right), numbered(i));
    }
}

TEST_P(RepControl, TerminateEndsAPausedDevice) {
    background run(*device);
    EXPECT_EQ(ask(ctrl, {"PAUSE"}), accepted);
    EXPECT_EQ(ask(ctrl, {"STATISTICS"}).size(), 8u);
    EXPECT_EQ(ask(ctrl, {"TERMINATE"}), accepted);
    EXPECT_EQ(run.result(), outcome::stopped);
}

TEST_P(RepControl, StatisticsCountFramesAndBytesOfBothSockets) {
    background run(*device);
    EXPECT_EQ(numbers(ask(ctrl, {"STATISTICS"})), std::vector<std::uint64_t>(8, 0));
    send(left, {"a", "bb", ""});
    send(left, {"cccc"});
    recv(right), recv(right);
    send(right, {"1234567890"});
    recv(left);
    const std::vector<std::uint64_t> expected = {4, 7, 1, 10, 1, 10, 4, 7};
    EXPECT_TRUE(eventually([&] { return numbers(ask(ctrl, {"STATISTICS"})) == expected; }));
    const auto own = zdev::statistics_reply(device->statistics());
    EXPECT_EQ(std::vector<std::uint64_t>(own.begin(), own.end()), expected);
    EXPECT_EQ(device->statistics().in.messages_sent, 2u);
}

TEST_P(RepControl, AnInvalidCommandIsAnsweredWithAnErrorAndTheDeviceContinues) {
    background run(*device);
    const std::vector<message> bad = {{""},
                                      {"KILL"},
                                      {"pause"},
                                      {"PAUSE "},
                                      {"DRAIN x"},
                                      {"PAUSE", ""},
                                      {"", "PAUSE"},
                                      {"a", "b", "c"},
                                      {"TERMINATE", "TERMINATE"},
                                      {std::string(100000, 'x')},
                                      message(1000, "PAUSE")};
    for (const auto& command : bad) {
        EXPECT_TRUE(is_error(ask(ctrl, command))) << testing::PrintToString(command).substr(0, 100);
        EXPECT_EQ(ask(ctrl, {"STATISTICS"}).size(), 8u) << "one message, one reply";
    }
    EXPECT_EQ(device->statistics().state, state::active);
    send(left, {"still relayed"});
    EXPECT_EQ(recv(right), (message{"still relayed"}));
}

TEST_P(RepControl, ThatHasNotRepliedBeforeTheRunEndsItWithEFSM) {
    send(ctrl, {"PAUSE"});
    ASSERT_EQ(recv(control), message{"PAUSE"});  // received by the caller, who does not reply
    try {
        device->run();
        FAIL() << "the run did not end";
    } catch (const zdev::error& error) {
        EXPECT_EQ(error.num(), EFSM);
        EXPECT_NE(std::string(error.what()).find("ctrl"), std::string::npos) << error.what();
    }
}

TEST_P(RepControl, DrainEndsTheRun) {
    background run(*device);
    EXPECT_EQ(ask(ctrl, {"DRAIN"}), accepted);
    EXPECT_EQ(run.result(), outcome::drained);
}

TEST_P(RepControl, AnOperatorThatDisconnectsBeforeItsReplyHasNoEffect) {
    background run(*device);
    for (int i = 0; i < 5; ++i) {
        auto hasty = peer(ZMQ_REQ, control);
        send(hasty, {"STATISTICS"});
    }
    EXPECT_EQ(ask(ctrl, {"TERMINATE"}), accepted);
    EXPECT_EQ(run.result(), outcome::stopped);
}

class TwoWayControl : public testing::TestWithParam<std::tuple<int, const char*>>, public Controlled {
public:
    TwoWayControl() : Controlled(std::get<1>(GetParam()), std::get<0>(GetParam()), std::get<0>(GetParam()), tiny) {}
};
INSTANTIATE_TEST_SUITE_P(PairAndDealer, TwoWayControl,
                         testing::Combine(testing::Values(ZMQ_PAIR, ZMQ_DEALER), testing::Values("inproc", "tcp")));

TEST_P(TwoWayControl, RepliesOnlyToStatistics) {
    background run(*device);
    const std::vector<message> unanswered = {{"PAUSE"}, {"KILL"}, {"", "PAUSE"}, {"RESUME"}, {""}, {"DRAIN x"}};
    for (const auto& command : unanswered) send(ctrl, command);
    EXPECT_EQ(numbers(ask(ctrl, {"STATISTICS"})), std::vector<std::uint64_t>(8, 0));
    send(ctrl, {"TERMINATE"});
    EXPECT_EQ(run.result(), outcome::stopped);
    EXPECT_TRUE(silent(ctrl));
}

TEST_P(TwoWayControl, AnOperatorThatNeverReadsItsRepliesBlocksNothing) {
    background run(*device);
    for (int i = 0; i < 1000; ++i) send(ctrl, {"STATISTICS"});
    send(left, {"still relayed"});
    EXPECT_EQ(recv(right), (message{"still relayed"}));
    send(ctrl, {"TERMINATE"});
    EXPECT_EQ(run.result(), outcome::stopped);
}

TEST_P(TwoWayControl, ConstantCommandsDoNotBlockMessages) {
    background run(*device);
    repeatedly asking(chatter(ctrl, {"STATISTICS"}));
    for (int i = 0; i < 100; ++i) {
        send(left, numbered(i));
        ASSERT_EQ(recv(right), numbered(i));
    }
}

class OneWayControl : public testing::TestWithParam<std::tuple<std::pair<int, int>, const char*>>, public Controlled {
public:
    OneWayControl() : Controlled(std::get<1>(GetParam()), std::get<0>(GetParam()).first, std::get<0>(GetParam()).second) {}
    void SetUp() override {
        const int type = std::get<0>(GetParam()).first;
        if (type == ZMQ_SUB) control.set(zmq::sockopt::subscribe, "");
        if (type == ZMQ_XSUB) send(control, {"\1"});
        // Polling makes the control socket send its subscription, after which the operator has a subscriber.
        const auto subscribed = [&] { return writable(control, 0ms), try_recv(ctrl, 1ms).has_value(); };
        if (type != ZMQ_PULL) {
            ASSERT_TRUE(eventually(subscribed));
        }
    }
};
INSTANTIATE_TEST_SUITE_P(SubXsubPull, OneWayControl,
                         testing::Combine(testing::Values(std::pair(ZMQ_SUB, ZMQ_XPUB), std::pair(ZMQ_XSUB, ZMQ_XPUB),
                                                          std::pair(ZMQ_PULL, ZMQ_PUSH)),
                                          testing::Values("inproc", "tcp")));

TEST_P(OneWayControl, CommandsAreExecutedAndNeverAnswered) {
    background run(*device);
    for (int i = 0; i < 2; ++i) {
        send(ctrl, {"PAUSE"});
        EXPECT_TRUE(becomes(state::paused));
        send(ctrl, {"STATISTICS"});
        send(ctrl, {"KILL"});
        send(ctrl, {"several", "frames"});
        send(ctrl, {"RESUME"});
        EXPECT_TRUE(becomes(state::active));
    }
    send(left, {"still relayed"});
    EXPECT_EQ(recv(right), (message{"still relayed"}));
    send(ctrl, {"TERMINATE"});
    EXPECT_EQ(run.result(), outcome::stopped);
    EXPECT_TRUE(silent(ctrl));
}

TEST_P(OneWayControl, DrainEndsTheRun) {
    background run(*device);
    send(ctrl, {"DRAIN 10000"});
    EXPECT_EQ(run.result(), outcome::drained);
}
