// Greeting, NULL handshake and commands, as bytes.

#include <gtest/gtest.h>
#include <zmq.h>

#include "../src/zmtp/frame.hpp"
#include "../src/zmtp/handshake.hpp"
#include "../src/zmtp/socket_type.hpp"

namespace zdev::zmtp {
namespace {

using namespace std::chrono_literals;

std::string ready(const std::string& type, const metadata& more = {}) {
    std::string properties, bytes;
    append_property(properties, "Socket-Type", type);
    for (const auto& [name, value] : more) append_property(properties, name, value);
    append_command(bytes, "READY", properties);
    return bytes;
}

std::string greeting_of(unsigned char minor, const std::string& mechanism = "NULL") {
    greeting theirs;
    theirs.minor = minor;
    theirs.mechanism = mechanism;
    return encode(theirs);
}

failure why_refused(const std::string& bytes, int ours = ZMQ_PULL) {
    handshake it({ours, "", {}});
    it.feed(bytes);
    return it.failure();
}

TEST(Handshake, TwoOfOursAgreeAndExchangeTypeAndRoutingId) {
    handshake router({ZMQ_ROUTER, "", {}}), dealer({ZMQ_DEALER, "anna", {{"X-Key", "value"}}});
    for (int i = 0; i < 2; ++i) {
        router.feed(dealer.take_output());
        dealer.feed(router.take_output());
    }
    ASSERT_TRUE(router.done() && dealer.done());
    EXPECT_EQ(router.peer().socket_type, ZMQ_DEALER);
    EXPECT_EQ(router.peer().routing_id, "anna");
    EXPECT_EQ(router.peer().minor, 1);
    EXPECT_EQ(*find_property(router.peer().properties, "x-key"), "value");
}

TEST(Handshake, BytesMayArriveInAnyPiecesAndTheRestIsLeft) {
    const std::string bytes = greeting_of(0) + ready("PUSH", {{"Unknown", "ignored"}}) + "rest";
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        handshake it({ZMQ_PULL, "", {}});
        std::size_t used = it.feed(std::string_view(bytes).substr(0, cut));
        if (used == cut) used += it.done() ? 0 : it.feed(std::string_view(bytes).substr(cut));
        ASSERT_TRUE(it.done());
        EXPECT_EQ(bytes.substr(used), "rest");
        EXPECT_EQ(it.peer().minor, 0);
    }
}

TEST(Handshake, OlderPeersAreRefusedByVersionWithTheFirstByteThatShowsIt) {
    EXPECT_EQ(why_refused(std::string("\x01\x00", 2)), failure::version);                         // ZMTP 1.0
    EXPECT_EQ(why_refused(std::string("\xff\0\0\0\0\0\0\0\x01\x7f\x01", 11)), failure::version);  // ZMTP 2.0
    EXPECT_EQ(why_refused("GET / HTTP/1.1"), failure::protocol);
    EXPECT_EQ(why_refused(std::string("\xff\0\0\0\0\0\0\0\x01\x7f", 10)), failure::none);
}

TEST(Handshake, AnotherMechanismAndAnErrorAreTheirOwnFailures) {
    EXPECT_EQ(why_refused(greeting_of(1, "CURVE")), failure::mechanism);
    std::string error;
    append_error(error, "no\n");
    handshake it({ZMQ_PULL, "", {}});
    it.feed(greeting_of(1) + error);
    EXPECT_EQ(it.failure(), failure::refused);
    EXPECT_EQ(it.reason(), "it refused: no?");
}

TEST(Handshake, IncompatibleTypesAreRefusedByNameAndThePeerGetsAnError) {
    handshake it({ZMQ_PULL, "", {}});
    it.feed(greeting_of(1) + ready("SUB"));
    EXPECT_EQ(it.failure(), failure::type);
    EXPECT_EQ(it.reason(), "a SUB cannot talk to a PULL");
    EXPECT_NE(it.take_output().find("ERROR"), std::string::npos);
    EXPECT_EQ(why_refused(greeting_of(1) + ready("NONSENSE")), failure::type);
}

TEST(Handshake, AnythingThatBreaksTheProtocolFails) {
    std::string message, unknown, no_type, cut_metadata;
    append_frame(message, 0, "hello");
    append_command(unknown, "HELLO", "");
    append_command(no_type, "READY", "");
    append_command(cut_metadata, "READY", std::string("\x0bSocket-Type\0\0\0\xff", 16));
    for (const auto& bytes : {message, unknown, no_type, cut_metadata, std::string("\x06\0\0\0\0\0\1\0\0", 9)}) {
        EXPECT_EQ(why_refused(greeting_of(1) + bytes), failure::protocol);
    }
    EXPECT_EQ(why_refused(greeting_of(1) + ready("DEALER", {{"Identity", std::string("\0x", 2)}}), ZMQ_ROUTER),
              failure::protocol);
    EXPECT_EQ(why_refused(greeting_of(1) + ready("DEALER", {{"Identity", std::string(256, 'x')}}), ZMQ_ROUTER),
              failure::protocol);
}

TEST(SocketType, CompatibilityIsSymmetric) {
    for (int ours = ZMQ_PAIR; ours <= ZMQ_XSUB; ++ours) {
        EXPECT_EQ(type_named(type_name(ours)), ours);
        for (int theirs = ZMQ_PAIR; theirs <= ZMQ_XSUB; ++theirs) {
            EXPECT_EQ(compatible(ours, theirs), compatible(theirs, ours)) << type_name(ours) << type_name(theirs);
        }
    }
    EXPECT_FALSE(compatible(ZMQ_PULL, unknown_type));
}

command body_of(const std::string& framed) {
    frame header;
    EXPECT_EQ(parse_header(framed, header), parsed::whole);
    EXPECT_TRUE(header.command());
    EXPECT_EQ(header.size(), framed.size());
    return parse_command_body(std::string_view(framed).substr(header.header)).value();
}

TEST(Command, APingHasItsTimeToLiveAndContext) {
    std::string framed;
    append_ping(framed, {1500ms, "context"});
    const command it = body_of(framed);
    EXPECT_EQ(it.name, "PING");
    EXPECT_EQ(parse_ping(it.data)->ttl, 1500ms);
    EXPECT_EQ(parse_ping(it.data)->context, "context");
    EXPECT_FALSE(parse_ping("x"));
    EXPECT_FALSE(parse_ping(std::string(19, 'x')));
}

TEST(Command, ANameMustBeWhole) {
    EXPECT_FALSE(parse_command_body(""));
    EXPECT_FALSE(parse_command_body(std::string("\0x", 2)));
    EXPECT_FALSE(parse_command_body("\x05PING"));
}

TEST(Subscription, BothFormsReadBackAsWritten) {
    for (const bool subscribe : {true, false}) {
        std::string as_command, as_message;
        append_subscription(as_command, 1, {subscribe, "topic"});
        append_subscription(as_message, 0, {subscribe, "topic"});
        const auto first = parse_subscription(body_of(as_command));
        const auto second = parse_subscription(std::string_view(as_message).substr(2));
        ASSERT_TRUE(first && second);
        EXPECT_EQ(first->subscribe, subscribe);
        EXPECT_EQ(second->subscribe, subscribe);
        EXPECT_EQ(first->prefix, "topic");
        EXPECT_EQ(second->prefix, "topic");
    }
    EXPECT_FALSE(parse_subscription(std::string_view("topic")));
    EXPECT_FALSE(parse_subscription(std::string_view()));
}

}  // namespace
}  // namespace zdev::zmtp
