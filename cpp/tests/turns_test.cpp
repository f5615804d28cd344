// The loop is fair: every iteration is bounded, and sockets without events are serviced too.

#include "support.hpp"

using namespace zdev::test;

class Turns : public OnInproc {
public:
    zmq::socket_t in = bound(ZMQ_PULL), out = bound(ZMQ_PUSH);
};

TEST_F(Turns, MessagesOfManyFramesDoNotDelayACommand) {
    constexpr int frames = 10000, messages = 10;
    in.set(zmq::sockopt::rcvhwm, 0);
    out.set(zmq::sockopt::sndhwm, 0);
    out.connect(in.get(zmq::sockopt::last_endpoint));  // a ring, in which messages circulate for ever
    for (int i = 0; i < messages; ++i) send(out, message(frames, "x"));
    auto control = bound(ZMQ_REP), ctrl = peer(ZMQ_REQ, control);
    zdev::options options;
    options.control = control;
    zdev::device device(in, out, options);
    background run(device);
    ASSERT_TRUE(eventually([&] { return device.statistics().in.messages_received > 0; }));
    for (int i = 0; i < 5; ++i) {
        const auto before = device.statistics().in.messages_received;
        ask(ctrl, {"STATISTICS"});
        // The loop must limit frames per iteration: a burst of 1000 such messages would be ten million frames.
        EXPECT_LT(device.statistics().in.messages_received - before, 500u);
    }
}

TEST_F(Turns, ManyCommandsAreReadInSeveralIterations) {
    constexpr int many = 1000;
    auto control = bound(ZMQ_PULL), ctrl = peer(ZMQ_PUSH, control);
    send(ctrl, {"TERMINATE"});
    for (int i = 0; i < many; ++i) send(ctrl, {"STATISTICS"});
    zdev::options options;
    options.control = control;
    zdev::device device(in, out, options);
    EXPECT_EQ(device.run(), zdev::outcome::stopped);
    int left = 0;
    while (try_recv(control, 0ms)) ++left;
    EXPECT_GT(left, many / 2);
}

TEST_F(Turns, ManySubscriptionsToAMonitorAreReadInSeveralIterations) {
    constexpr int many = 10000;
    const auto roomy = [](auto& s) { s.set(zmq::sockopt::rcvhwm, 0), s.set(zmq::sockopt::sndhwm, 0); };
    auto monitor = bound(ZMQ_XPUB, roomy), watcher = peer(ZMQ_SUB, monitor, roomy);
    for (int i = 0; i < many; ++i) watcher.set(zmq::sockopt::subscribe, std::to_string(i));
    auto control = bound(ZMQ_PULL), ctrl = peer(ZMQ_PUSH, control);
    send(ctrl, {"TERMINATE"});
    zdev::options options;
    options.monitor.socket = monitor;
    options.control = control;
    zdev::device device(in, out, options);
    EXPECT_EQ(device.run(), zdev::outcome::stopped);
    int left = 0;
    while (try_recv(monitor, 0ms)) ++left;
    EXPECT_GT(left, many / 2);
}

class Unattended : public testing::TestWithParam<const char*>, public sockets {
public:
    // The socket under test, in a separate context; the device that uses it has nothing to do.
    zmq::socket_t foreign(int type) {
        zmq::socket_t socket(other, type);
        socket.bind("inproc://unattended");
        return socket;
    }
    static zmq::context_t with_few_sockets() {
        zmq::context_t context;
        context.set(zmq::ctxopt::max_sockets, 8);
        return context;
    }
    bool is_out() const { return std::string(GetParam()) == "out"; }

    zmq::context_t other = with_few_sockets();
    zmq::socket_t in = bound(ZMQ_PULL), own_out = bound(ZMQ_PUSH), socket = foreign(is_out() ? ZMQ_PUSH : ZMQ_PUB);
    zdev::options options;
    std::optional<zdev::device> device;

    void SetUp() override {
        if (!is_out()) options.monitor.socket = socket;
        device.emplace(in, is_out() ? zmq::socket_ref(socket) : zmq::socket_ref(own_out), options);
    }
};
INSTANTIATE_TEST_SUITE_P(Role, Unattended, testing::Values("out", "mon"));

TEST_P(Unattended, PeersThatDisconnectAreReleased) {
    background run(*device);
    ASSERT_TRUE(eventually([&] { return device->statistics().state == zdev::state::active; }));
    // Over inproc, a closed peer occupies a socket of its context until the device's socket has released it.
    for (int i = 0; i < 50; ++i) {
        const auto come_and_go = [&] {
            zmq::socket_t peer(other, is_out() ? ZMQ_PULL : ZMQ_SUB);
            peer.connect("inproc://unattended");
        };
        ASSERT_TRUE(eventually([&] { return errno_of(come_and_go) != EMFILE; })) << "after " << i << " peers";
    }
}

TEST_P(Unattended, TerminatingItsContextEndsTheRun) {
    int number = 0;
    background run([&] { return number = errno_of([&] { device->run(); }), zdev::outcome::stopped; }, [&] { device->stop(); });
    ASSERT_TRUE(eventually([&] { return device->statistics().state == zdev::state::active; }));
    other.shutdown();
    EXPECT_TRUE(run.over());
    EXPECT_EQ(number, ETERM);
}
