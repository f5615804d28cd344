// Rows 11 and 13 of the relay contract: signals, and exceptions thrown by the interrupt check.

#include <csignal>

#include "support.hpp"

using namespace zdev::test;
using zdev::state;

namespace {

struct interrupted : std::exception {};

// While alive, SIGUSR1 interrupts system calls and does nothing else.
class interrupting_signal {
public:
    interrupting_signal() {
        struct sigaction action{};
        action.sa_handler = [](int) {};
        sigaction(SIGUSR1, &action, &before_);  // no SA_RESTART
    }
    ~interrupting_signal() { sigaction(SIGUSR1, &before_, nullptr); }

private:
    struct sigaction before_{};
};

}  // namespace

class Interrupt : public OnTransport {
public:
    zmq::socket_t in = bound(ZMQ_PAIR), out = bound(ZMQ_PAIR), left = peer(ZMQ_PAIR, in), right = peer(ZMQ_PAIR, out);
    interrupting_signal signal;
};
ZDEV_ON_BOTH_TRANSPORTS(Interrupt);

TEST_P(Interrupt, TheCheckIsCalledInTheThreadOfRun) {
    zdev::device device(in, out);
    const auto self = std::this_thread::get_id();
    std::thread::id seen;
    EXPECT_THROW(device.run([&] {
        seen = std::this_thread::get_id();
        throw interrupted();
    }),
                 interrupted);
    EXPECT_EQ(seen, self);
}

TEST_P(Interrupt, TheCheckIsCalledRepeatedlyWhetherIdleOrPaused) {
    zdev::device device(in, out);
    std::atomic<int> calls{0};
    background run(device, [&] { ++calls; });
    EXPECT_TRUE(eventually([&] { return calls > 5; }));
    device.pause();
    EXPECT_TRUE(eventually([&] { return device.statistics().state == state::paused; }));
    const int before = calls;
    EXPECT_TRUE(eventually([&] { return calls > before + 5; }));
}

TEST_P(Interrupt, TheCheckIsCalledUnderFullLoad) {
    zdev::device device(in, out);
    std::atomic<int> calls{0};
    background run(device, [&] { ++calls; });
    repeatedly from_left(chatter(left, {"load"})), from_right(chatter(right, {"load"}));
    EXPECT_TRUE(eventually([&] { return device.statistics().in.messages_sent > 1000; }));
    const int before = calls;
    EXPECT_TRUE(eventually([&] { return calls > before + 5; }));
}

TEST_P(Interrupt, ASignalCallsTheCheckAtOnce) {
    zdev::device device(in, out);
    std::atomic<bool> raised{false};
    background run(device, [&] {
        if (raised) throw interrupted();
    });
    EXPECT_TRUE(eventually([&] { return device.statistics().state == state::active; }));
    raised = true;
    run.signal(SIGUSR1);
    EXPECT_THROW(run.result(), interrupted);
    EXPECT_EQ(device.statistics().state, state::idle);
}

TEST_P(Interrupt, AnExceptionOfTheCheckEndsTheRunAndTheNextRunLosesNothing) {
    zdev::device device(in, out);
    constexpr int all = 2000;
    auto writer = std::async(std::launch::async, [&] {
        for (int i = 0; i < all; ++i) send(left, {std::to_string(i)});
    });
    std::atomic<bool> raised{false};
    const auto check = [&] {
        if (raised.exchange(false)) throw interrupted();
    };
    for (int part = 1; part <= 4; ++part) {
        background run(device, check);
        for (int i = (part - 1) * all / 4; i < part * all / 4; ++i) ASSERT_EQ(recv(right), message{std::to_string(i)});
        raised = true;
        run.signal(SIGUSR1);
        EXPECT_THROW(run.result(), interrupted);
    }
    writer.get();
    EXPECT_EQ(device.statistics().in.messages_sent, static_cast<unsigned>(all));
}

TEST_P(Interrupt, APendingMessageIsSentByTheNextRun) {
    auto from = bound(ZMQ_PULL, tiny), to = bound(ZMQ_PUSH, tiny);
    auto source = peer(ZMQ_PUSH, from, tiny), sink = peer(ZMQ_PULL, to, tiny);
    zdev::device device(from, to);
    std::atomic<bool> raised{false};
    int sent = 0;
    {
        background run(device, [&] {
            if (raised) throw interrupted();
        });
        sent = fill(source);
        raised = true;
        EXPECT_THROW(run.result(), interrupted);
    }
    background again(device);
    for (int i = 0; i < sent; ++i) ASSERT_EQ(recv(sink), numbered(i));
}

TEST_P(Interrupt, SignalsWithoutACheckHaveNoEffect) {
    zdev::device device(in, out);
    background run(device);
    repeatedly storm([&] {
        run.signal(SIGUSR1);
        std::this_thread::yield();
    });
    for (int i = 0; i < 500; ++i) {
        send(left, {"a", "b", std::to_string(i)});
        ASSERT_EQ(recv(right), (message{"a", "b", std::to_string(i)}));
    }
}

TEST_P(Interrupt, AStopIsConsumedEvenIfTheCheckThrows) {
    zdev::device device(in, out);
    EXPECT_THROW(device.run([&] {
        device.stop();
        throw interrupted();
    }),
                 interrupted);
    background again(device);  // the end of the run has consumed the stop
    send(left, {"x"});
    EXPECT_EQ(recv(right), message{"x"});
}
