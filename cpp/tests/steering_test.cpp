// Pause, resume, drain, stop and statistics from other threads, while run() is active and while it is not.

#include <csignal>

#include "support.hpp"

using namespace zdev::test;
using zdev::outcome;
using zdev::state;

class Steering : public OnInproc {
public:
    zmq::socket_t in = bound(ZMQ_PAIR), out = bound(ZMQ_PAIR), left = peer(ZMQ_PAIR, in), right = peer(ZMQ_PAIR, out);
    zdev::device device{in, out};

    bool becomes(state expected) {
        return eventually([&] { return device.statistics().state == expected; });
    }
};

TEST_F(Steering, PauseHoldsAllMessagesAndResumeLosesNone) {
    background run(device);
    device.pause();
    EXPECT_TRUE(becomes(state::paused));
    for (int i = 0; i < 5; ++i) send(left, numbered(i)), send(right, numbered(i));
    EXPECT_TRUE(silent(left));
    EXPECT_TRUE(silent(right));
    device.resume();
    EXPECT_TRUE(becomes(state::active));
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(recv(left), numbered(i));
        EXPECT_EQ(recv(right), numbered(i));
    }
}

TEST_F(Steering, StopEndsAnIdleRun) {
    background run(device);
    EXPECT_TRUE(becomes(state::active));
    device.stop();
    EXPECT_EQ(run.result(), outcome::stopped);
    EXPECT_EQ(device.statistics().state, state::idle);
}

TEST_F(Steering, StopEndsAPausedRun) {
    background run(device);
    device.pause();
    EXPECT_TRUE(becomes(state::paused));
    device.stop();
    EXPECT_EQ(run.result(), outcome::stopped);
}

TEST_F(Steering, StopBeforeARunEndsItImmediately) {
    send(left, {"not yet"});
    device.stop();
    EXPECT_EQ(device.run(), outcome::stopped);
    EXPECT_EQ(device.statistics().in.messages_received, 0u);
    background again(device);
    EXPECT_EQ(recv(right), message{"not yet"});
}

TEST_F(Steering, PauseBeforeARunStartsItPaused) {
    device.pause();
    send(left, {"held"});
    background run(device);
    EXPECT_TRUE(becomes(state::paused));
    EXPECT_TRUE(silent(right));
    device.resume();
    EXPECT_EQ(recv(right), message{"held"});
}

TEST_F(Steering, TheEndOfARunDiscardsEarlierCalls) {
    {
        background run(device);
        device.pause();
        EXPECT_TRUE(becomes(state::paused));
        device.stop();
        EXPECT_EQ(run.result(), outcome::stopped);
    }
    background again(device);
    send(left, {"neither paused nor stopped"});
    EXPECT_EQ(recv(right), message{"neither paused nor stopped"});
    EXPECT_EQ(device.statistics().state, state::active);
}

TEST_F(Steering, AResumeWithoutAPauseHasNoEffect) {
    device.resume();
    background run(device);
    device.resume();
    send(left, {"x"});
    EXPECT_EQ(recv(right), message{"x"});
}

TEST_F(Steering, PauseAndResumeDoNotEndADrain) {
    background run(device);
    send(left, {"request"});
    recv(right);
    device.drain(-1ms);
    EXPECT_TRUE(becomes(state::draining));
    device.pause();
    device.resume();
    send(left, {"too late"});
    EXPECT_TRUE(silent(right));
    EXPECT_EQ(device.statistics().state, state::draining);
    send(right, {"reply"});
    EXPECT_EQ(recv(left), message{"reply"});
    EXPECT_EQ(run.result(), outcome::drained);
}

TEST_F(Steering, ASecondRunAtTheSameTimeIsEBUSYAndTheFirstContinues) {
    background run(device);
    EXPECT_TRUE(becomes(state::active));
    EXPECT_EQ(errno_of([&] { device.run(); }), EBUSY);
    EXPECT_EQ(device.statistics().state, state::active);
    send(left, {"x"});
    EXPECT_EQ(recv(right), message{"x"});
}

TEST_F(Steering, ADeviceThatRunsRepeatedlyLosesNothing) {
    int received = 0;
    for (int i = 0; i < 100; ++i) {
        background run(device);
        for (int k = 0; k < 3; ++k) send(left, {std::to_string(3 * i + k)});
        if (i % 2 == 0) {
            EXPECT_EQ(recv(right), message{std::to_string(received++)});
        }
        device.stop();
        EXPECT_EQ(run.result(), outcome::stopped);
    }
    background run(device);
    for (; received < 300; ++received) ASSERT_EQ(recv(right), message{std::to_string(received)});
    EXPECT_TRUE(eventually([&] { return device.statistics().in.messages_sent == 300; }));
}

TEST_F(Steering, AnyThreadMayPauseResumeAndReadStatisticsAtAnyTime) {
    background run(device);
    EXPECT_TRUE(becomes(state::active));
    {
        repeatedly pausing([&] { device.pause(), device.resume(); });
        repeatedly looking([&] {
            const auto s = device.statistics();
            if (s.state == state::idle || s.in.messages_sent > 500) ADD_FAILURE() << s.in.messages_sent;
        });
        for (int i = 0; i < 500; ++i) {
            send(left, {std::to_string(i)});
            send(right, {std::to_string(i)});
        }
        for (int i = 0; i < 500; ++i) {
            ASSERT_EQ(recv(right), message{std::to_string(i)});
            ASSERT_EQ(recv(left), message{std::to_string(i)});
        }
    }
    EXPECT_TRUE(becomes(state::active));
}

TEST_F(Steering, ADestroyedDeviceLeavesItsSocketsOpen) {
    {
        zdev::device other(in, out);
        background run(other);
        send(left, {"through the device"});
        recv(right);
    }
    send(in, {"from the owner"});
    EXPECT_EQ(recv(left), message{"from the owner"});
}

namespace {
std::atomic<zdev::device*> handled{nullptr};  // the device that the signal handlers control
void stop_it(int) { handled.load()->stop(); }
void pause_it(int) { handled.load()->pause(); }
}  // namespace

TEST_F(Steering, ASignalHandlerMayPauseAndStop) {
    handled = &device;
    std::signal(SIGUSR1, pause_it);
    std::signal(SIGUSR2, stop_it);
    background run(device);
    EXPECT_TRUE(becomes(state::active));
    std::raise(SIGUSR1);  // in this thread
    EXPECT_TRUE(becomes(state::paused));
    run.signal(SIGUSR2);  // in the device's
    EXPECT_EQ(run.result(), outcome::stopped);
    std::signal(SIGUSR1, SIG_DFL);
    std::signal(SIGUSR2, SIG_DFL);
}
