// Stop, pause and signals reach a device of the wire engine at once, whatever its load.

#include <csignal>

#include "wire_support.hpp"

namespace zdev::test {
namespace {

TEST_F(OnWire, UnderLoadAStateThatWasRequestedIsAdoptedAtOnce) {
    running device(pair(ZMQ_PULL, ZMQ_PUSH));
    auto source = dial(ZMQ_PUSH, device.at("in"));
    auto sink = dial(ZMQ_PULL, device.at("out"));
    ASSERT_TRUE(device.connected("in", 1) && device.connected("out", 1));
    const load stream(source, sink);
    for (int i = 0; i < 3; ++i) {
        device.device.pause();
        EXPECT_TRUE(eventually([&] { return device.device.statistics().state == state::paused; }, 100ms));
        const auto before = device.device.statistics().in.messages_sent;
        EXPECT_EQ(device.device.statistics().in.messages_sent, before);
        device.device.resume();
        EXPECT_TRUE(eventually([&] { return device.device.statistics().state == state::active; }, 100ms));
        EXPECT_TRUE(eventually([&] { return device.device.statistics().in.messages_sent > before; }));
    }
}

TEST_F(OnWire, AStopFromAnotherThreadEndsADeviceThatHoldsItsSendersBack) {
    auto spec = pair(ZMQ_PULL, ZMQ_PUSH);
    spec.in.options.linger = spec.out->options.linger = 0ms;
    running device(spec);
    auto source = dial(ZMQ_PUSH, device.at("in"));
    fill(source);
    EXPECT_EQ(device.stop(), outcome::stopped);
}

TEST_F(OnWire, TheCheckIsCalledOnASignalAndEveryFiftyMilliseconds) {
    std::signal(SIGUSR1, [](int) {});
    std::atomic<int> checks{0};
    wire::device device(pair(ZMQ_PULL, ZMQ_PUSH));
    background run([&] { return device.run([&] { ++checks; }); }, [&] { device.stop(); });
    EXPECT_TRUE(eventually([&] { return checks > 2; }, 1s));
    for (int i = 0; i < 20; ++i) {
        const int before = checks;
        run.signal(SIGUSR1);
        ASSERT_TRUE(eventually([&] { return checks > before; }, 1s));
    }
    device.stop();
    EXPECT_EQ(run.result(), outcome::stopped);
    std::signal(SIGUSR1, SIG_DFL);
}

}  // namespace
}  // namespace zdev::test
