// Row 1 of the relay contract at its hardest: a peer that leaves between two frames of a message that is being sent to it.
// libzmq then refuses or swallows the rest of that message; a device sends it again, whole, to a peer that is there.
//
// This file needs an executable of its own: it defines zmq_msg_send, so that a peer can leave at a chosen frame.

#include <dlfcn.h>
#include <poll.h>

#include <mutex>

#include "support.hpp"

using namespace zdev::test;

namespace {

// Takes a peer away just before the device sends its n-th frame on a socket, once.
struct trap {
    std::atomic<void*> socket{nullptr};  // set last: arms it
    std::atomic<int> frames{0};
    zmq::socket_t* peer = nullptr;
    std::mutex in_use;  // held by a test thread while it uses the peer itself
    std::atomic<bool> sprung{false}, refused{false};

    void arm(zmq::socket_ref sender, int frame, zmq::socket_t& leaving) {
        sprung = refused = false;
        frames = frame;
        peer = &leaving;
        socket = sender.handle();
    }
    void take_peer_away() {
        {
            const std::lock_guard until_free(in_use);
            const auto endpoint = peer->get(zmq::sockopt::last_endpoint);
            // By inproc a closed socket's last sign might come as quickly as its first (see until_refused).
            endpoint.rfind("inproc", 0) == 0 ? peer->disconnect(endpoint) : peer->close();
        }
        int fd = -1;
        std::size_t size = sizeof fd;
        zmq_getsockopt(socket, ZMQ_FD, &fd, &size);
        pollfd news{fd, POLLIN, 0};  // the sender's end of the connection is told; it does not look by itself yet
        poll(&news, 1, static_cast<int>(patience.count()));
        std::this_thread::sleep_for(20ms);  // zmq_msg_send looks only if 3 million clock ticks have passed since it last did
    }
} the_trap;

// Waits until the peer has left and libzmq has refused the next frame, or not.
bool sprung() {
    return eventually([] { return the_trap.sprung.load(); });
}

// Tries until libzmq refused the frame. If it hears the peer's last sign together with the first, it swallows the rest of the
// message without a word instead: then the message is lost, which no device can see, and still no fragment may arrive.
void until_refused(const std::function<void()>& attempt) {
    for (int tries = 0; tries < 50; ++tries) {
        attempt();
        the_trap.socket = nullptr;
        if (the_trap.refused || testing::Test::HasFailure()) return;
    }
    FAIL() << "libzmq never refused a frame";
}

}  // namespace

extern "C" int zmq_msg_send(zmq_msg_t* frame, void* socket, int flags) {
    static const auto libzmq_msg_send = reinterpret_cast<decltype(&zmq_msg_send)>(dlsym(RTLD_NEXT, "zmq_msg_send"));
    if (socket != the_trap.socket || --the_trap.frames != 0) return libzmq_msg_send(frame, socket, flags);
    the_trap.take_peer_away();
    const int rc = libzmq_msg_send(frame, socket, flags);
    the_trap.refused = rc < 0;
    the_trap.sprung = true;
    return rc;
}

class PartialSend : public testing::TestWithParam<std::tuple<int, const char*>>, public sockets {
public:
    PartialSend() : sockets(std::get<1>(GetParam())) {}
    int frame() const { return std::get<0>(GetParam()); }  // the one before which the peer leaves
};
INSTANTIATE_TEST_SUITE_P(AtFrame, PartialSend, testing::Combine(testing::Values(2, 3), testing::Values("inproc", "tcp")));

class ToTheNextReceiver : public PartialSend {
public:
    // The next peer of a PAIR, which turns peers away until it has forgotten the last one.
    zmq::socket_t accepted(zmq::socket_ref out, zmq::socket_ref source) {
        zmq::socket_t next;
        const auto heard = [&] {
            next = peer(ZMQ_PAIR, out);
            return writable(next, 1s) && next.send(zmq::str_buffer("hello"), zmq::send_flags::dontwait) && try_recv(source, 1s);
        };
        if (!eventually(heard)) throw std::runtime_error("no peer was accepted");
        return next;
    }
    void interrupted(int type, int peer_type) {
        auto in = bound(ZMQ_DEALER), out = bound(type);
        auto source = peer(ZMQ_DEALER, in), leaving = peer(peer_type, out);
        zdev::device device(in, out);
        background run(device);
        send(source, {"first"});
        ASSERT_EQ(recv(leaving), message{"first"});
        the_trap.arm(out, frame(), leaving);
        send(source, {"a", "b", "c"});
        ASSERT_TRUE(sprung());
        leaving.close();
        send(source, {"d", "e"});
        auto next = type == ZMQ_PAIR ? accepted(out, source) : peer(peer_type, out);
        auto got = recv(next);
        if (the_trap.refused) {
            EXPECT_EQ(got, (message{"a", "b", "c"}));
            got = recv(next);
        }
        EXPECT_EQ(got, (message{"d", "e"}));
        EXPECT_TRUE(eventually([&] { return device.statistics().in.messages_sent == 3; }));
        EXPECT_EQ(device.statistics().in.frames_sent, 6u) << "what libzmq took back was not sent";
        EXPECT_EQ(device.statistics().in.bytes_sent, 10u);
    }
};
INSTANTIATE_TEST_SUITE_P(AtFrame, ToTheNextReceiver, testing::Combine(testing::Values(2, 3), testing::Values("inproc", "tcp")));

TEST_P(ToTheNextReceiver, PushSendsAnInterruptedMessageAgainWhole) {
    until_refused([&] { interrupted(ZMQ_PUSH, ZMQ_PULL); });
}

TEST_P(ToTheNextReceiver, DealerSendsAnInterruptedMessageAgainWhole) {
    until_refused([&] { interrupted(ZMQ_DEALER, ZMQ_DEALER); });
}

TEST_P(ToTheNextReceiver, PairSendsAnInterruptedMessageAgainWhole) {
    until_refused([&] { interrupted(ZMQ_PAIR, ZMQ_PAIR); });
}

TEST_P(PartialSend, AReceiverThatIsThereAlreadyGetsNoFragment) {
    until_refused([&] {
        auto in = bound(ZMQ_PULL), out = bound(ZMQ_PUSH);
        auto source = peer(ZMQ_PUSH, in), leaving = peer(ZMQ_PULL, out);
        zdev::device device(in, out);
        background run(device);
        send(source, {"first"});
        ASSERT_EQ(recv(leaving), message{"first"});
        auto staying = peer(ZMQ_PULL, out);
        // When this one gets its first message, the next is the other's turn.
        ASSERT_TRUE(eventually([&] { return send(source, {"turn"}), try_recv(staying, 10ms).has_value(); }));
        the_trap.arm(out, frame(), leaving);
        send(source, {"a", "b", "c"});
        send(source, {"d", "e"});
        auto got = recv(staying);
        if (the_trap.refused) {
            EXPECT_EQ(got, (message{"a", "b", "c"}));
            got = recv(staying);
        }
        EXPECT_EQ(got, (message{"d", "e"}));
    });
}

TEST_P(PartialSend, AMessageToARoutersPeerThatLeftIsGoneAndTheNextArrivesWhole) {
    auto in = bound(ZMQ_DEALER), out = bound(ZMQ_ROUTER, mandatory);
    auto source = peer(ZMQ_DEALER, in), leaving = peer(ZMQ_DEALER, out, named("leaving")),
         staying = peer(ZMQ_DEALER, out, named("staying"));
    introduce(leaving, out);
    introduce(staying, out);
    zdev::device device(in, out);
    background run(device);
    the_trap.arm(out, frame(), leaving);
    send(source, {"leaving", "a", "b"});
    send(source, {"staying", "c", "d"});
    EXPECT_EQ(recv(staying), (message{"c", "d"}));
    EXPECT_TRUE(the_trap.sprung);
}

class PartialCopy : public PartialSend {
public:
    void interrupted(zdev::on_full on_full) {
        auto in = bound(ZMQ_PULL), out = bound(ZMQ_PUSH), mon = bound(ZMQ_PUSH);
        auto source = peer(ZMQ_PUSH, in), sink = peer(ZMQ_PULL, out), leaving = peer(ZMQ_PULL, mon);
        ASSERT_TRUE(writable(mon, patience)) << "the drop policy needs a reader from the start";
        zdev::options options;
        options.monitor.socket = mon;
        options.monitor.on_full = on_full;
        zdev::device device(in, out, options);
        background run(device);
        send(source, {"first"});
        ASSERT_EQ(recv(leaving), (message{"in", "first"}));
        the_trap.arm(mon, frame(), leaving);
        send(source, {"a", "b"});
        ASSERT_TRUE(sprung());
        auto next = peer(ZMQ_PULL, mon);
        const message interrupted_one = {"in", "a", "b"}, later_one = {"in", "c", "d"};
        bool again = false;
        const auto later_one_comes = [&] {  // with the drop policy the first ones may be sent before the reader is there
            send(source, {"c", "d"});
            const auto copy = try_recv(next, 10ms);
            again = again || copy == interrupted_one;
            EXPECT_TRUE(!copy || copy == interrupted_one || copy == later_one) << testing::PrintToString(*copy);
            return copy == later_one;
        };
        EXPECT_TRUE(eventually(later_one_comes));
        EXPECT_EQ(again, the_trap.refused && on_full == zdev::on_full::block);
    }
};
INSTANTIATE_TEST_SUITE_P(AtFrame, PartialCopy, testing::Combine(testing::Values(2, 3), testing::Values("inproc", "tcp")));

TEST_P(PartialCopy, GoesWholeToTheMonitorsNextReader) {
    until_refused([&] { interrupted(zdev::on_full::block); });
}

TEST_P(PartialCopy, IsDroppedWholeByTheDropPolicyAndTheNextArrives) {
    until_refused([&] { interrupted(zdev::on_full::drop); });
}

class PartialReply : public PartialSend {};
INSTANTIATE_TEST_SUITE_P(AtFrame, PartialReply, testing::Combine(testing::Values(2, 5, 8), testing::Values("inproc", "tcp")));

TEST_P(PartialReply, LeavesNoFragmentToTheNextOperator) {
    until_refused([&] {
        auto in = bound(ZMQ_PULL), out = bound(ZMQ_PUSH), control = bound(ZMQ_DEALER);
        auto leaving = peer(ZMQ_DEALER, control);
        zdev::options options;
        options.control = control;
        zdev::device device(in, out, options);
        background run(device);
        ASSERT_EQ(ask(leaving, {"STATISTICS"}).size(), 8u);
        the_trap.arm(control, frame(), leaving);
        {
            const std::lock_guard until_sent(the_trap.in_use);
            send(leaving, {"STATISTICS"});
        }
        ASSERT_TRUE(sprung());
        auto next = peer(ZMQ_DEALER, control);
        EXPECT_EQ(ask(next, {"STATISTICS"}).size(), 8u);
    });
}
