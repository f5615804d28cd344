// Row 1 of the relay contract in its hardest case: a peer disconnects between two frames of a message that is being sent to it.
// libzmq then refuses or discards the rest of the message, and a device sends it again, whole, to a connected peer.
//
// This file needs a separate executable: it defines zmq_msg_send, so that a peer can disconnect at a chosen frame.

#include <dlfcn.h>
#include <poll.h>

#include <mutex>

#include "support.hpp"

using namespace zdev::test;

namespace {

// Disconnects a peer just before the device sends its n-th frame on a socket, once.
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
            // Over inproc, closing would deliver both commands of the disconnection at once (see until_refused).
            endpoint.rfind("inproc", 0) == 0 ? peer->disconnect(endpoint) : peer->close();
        }
        int fd = -1;
        std::size_t size = sizeof fd;
        zmq_getsockopt(socket, ZMQ_FD, &fd, &size);
        pollfd commands{fd, POLLIN, 0};  // readable when the sender's mailbox has the command, which it has not processed yet
        poll(&commands, 1, static_cast<int>(patience.count()));
        std::this_thread::sleep_for(20ms);  // zmq_msg_send processes commands only every 3 million clock ticks
    }
} the_trap;

// Waits until the peer has disconnected and libzmq has accepted or refused the next frame.
bool sprung() {
    return eventually([] { return the_trap.sprung.load(); });
}

// Tries until libzmq refuses the frame. If libzmq processes both commands of the disconnection together, it discards the rest
// of the message silently instead. Then the message is lost, which a device cannot detect, but still no fragment may arrive.
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
    int frame() const { return std::get<0>(GetParam()); }  // the peer disconnects before this one
};
INSTANTIATE_TEST_SUITE_P(AtFrame, PartialSend, testing::Combine(testing::Values(2, 3), testing::Values("inproc", "tcp")));

class ToTheNextReceiver : public PartialSend {
public:
    // The next peer of a PAIR, which rejects peers until it has removed the previous one.
    zmq::socket_t accepted(zmq::socket_ref out, zmq::socket_ref source) {
        zmq::socket_t next;
        const auto connected = [&] {
            next = peer(ZMQ_PAIR, out);
            return writable(next, 1s) && next.send(zmq::str_buffer("hello"), zmq::send_flags::dontwait) && try_recv(source, 1s);
        };
        if (!eventually(connected)) throw std::runtime_error("no peer was accepted");
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
        EXPECT_EQ(device.statistics().in.frames_sent, 6u) << "frames of the refused attempt are not counted";
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

TEST_P(PartialSend, AnotherConnectedReceiverReceivesNoFragment) {
    until_refused([&] {
        auto in = bound(ZMQ_PULL), out = bound(ZMQ_PUSH);
        auto source = peer(ZMQ_PUSH, in), leaving = peer(ZMQ_PULL, out);
        zdev::device device(in, out);
        background run(device);
        send(source, {"first"});
        ASSERT_EQ(recv(leaving), message{"first"});
        auto staying = peer(ZMQ_PULL, out);
        // After a message to this receiver, the next one is for the other. Each must arrive before the next is sent.
        ASSERT_TRUE(eventually([&] {
            send(source, {"turn"});
            bool here = false;
            const auto arrived = [&] {
                here = try_recv(staying, 1ms).has_value();
                return here || try_recv(leaving, 1ms).has_value();
            };
            return eventually(arrived) && here;
        }));
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

TEST_P(PartialSend, AMessageToADisconnectedPeerOfARouterIsLostAndTheNextArrivesWhole) {
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
        const auto later_one_arrives = [&] {  // the drop policy may drop the first copies, sent before the reader has connected
            send(source, {"c", "d"});
            const auto copy = try_recv(next, 10ms);
            again = again || copy == interrupted_one;
            EXPECT_TRUE(!copy || copy == interrupted_one || copy == later_one) << testing::PrintToString(*copy);
            return copy == later_one;
        };
        EXPECT_TRUE(eventually(later_one_arrives));
        EXPECT_EQ(again, the_trap.refused && on_full == zdev::on_full::block);
    }
};
INSTANTIATE_TEST_SUITE_P(AtFrame, PartialCopy, testing::Combine(testing::Values(2, 3), testing::Values("inproc", "tcp")));

TEST_P(PartialCopy, IsSentAgainWholeToTheMonitorsNextReader) {
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
