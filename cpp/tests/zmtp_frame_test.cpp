// Frames, and whole messages in a stream of them.

#include <gtest/gtest.h>

#include "../src/zmtp/scanner.hpp"

namespace zdev::zmtp {
namespace {

std::string framed(std::initializer_list<std::string> frames) {
    std::string bytes;
    std::size_t left = frames.size();
    for (const auto& body : frames) append_frame(bytes, --left > 0 ? more_flag : 0, body);
    return bytes;
}

TEST(Frame, AHeaderIsTheShortestAndReadsBackAsWritten) {
    for (const std::uint64_t size : {0ULL, 1ULL, 255ULL, 256ULL, 70000ULL, 1ULL << 40, (1ULL << 63) - 1}) {
        char bytes[longest_header];
        const std::size_t length = write_header(bytes, more_flag, size);
        EXPECT_EQ(length, size <= 255 ? 2 : 9);
        frame found;
        ASSERT_EQ(parse_header({bytes, length}, found), parsed::whole);
        EXPECT_EQ(found.body, size);
        EXPECT_EQ(found.header, length);
        EXPECT_TRUE(found.more());
        for (std::size_t cut = 0; cut < length; ++cut) EXPECT_EQ(parse_header({bytes, cut}, found), parsed::partial);
    }
}

TEST(Frame, ReservedFlagsACommandWithMoreAndASizeBeyondInt64AreInvalid) {
    frame found;
    EXPECT_EQ(parse_header(std::string_view("\x08\x01", 2), found), parsed::invalid);
    EXPECT_EQ(parse_header(std::string_view("\x05\x01", 2), found), parsed::invalid);
    EXPECT_EQ(parse_header(std::string_view("\x02\x80\0\0\0\0\0\0\0", 9), found), parsed::invalid);
}

TEST(Scanner, FindsWholeMessagesOnlyHoweverTheBytesArrive) {
    const std::string first = framed({"a", "", std::string(300, 'b')}), second = framed({"c"});
    const std::string bytes = first + second;
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        scanner it({});
        run found;
        EXPECT_EQ(it.scan(std::string_view(bytes).substr(0, cut), 10, found), stop::partial);
        const std::size_t whole = cut < first.size() ? 0 : cut < bytes.size() ? first.size() : bytes.size();
        EXPECT_EQ(found.bytes, whole);
        run rest;
        it.scan(std::string_view(bytes).substr(whole), 10, rest);
        EXPECT_EQ(found.messages + rest.messages, 2);
        EXPECT_EQ(found.frames + rest.frames, 4);
        EXPECT_EQ(found.content + rest.content, 302);
    }
}

TEST(Scanner, StopsAfterAsManyMessagesAsAskedFor) {
    const std::string one = framed({"x", "y"});
    scanner it({});
    run found;
    EXPECT_EQ(it.scan(one + one + one, 2, found), stop::full);
    EXPECT_EQ(found.bytes, 2 * one.size());
    EXPECT_EQ(first_messages(one + one, 1).bytes, one.size());
}

TEST(Scanner, ACommandIsCutOutOfAMessage) {
    const std::string head(
        "\x01\x01"
        "a",
        3),
        tail(
            "\x00\x01"
            "b",
            3),
        ping("\x04\x02\x01P", 4);
    scanner it({});
    run found;
    ASSERT_EQ(it.scan(head + ping + tail, 9, found), stop::command);
    EXPECT_TRUE(it.inside_message());
    EXPECT_EQ(it.command_at(), head.size());
    EXPECT_EQ(it.command().size(), ping.size());
    it.cut();
    EXPECT_EQ(it.scan(head + tail, 9, found), stop::partial);
    EXPECT_EQ(found.messages, 1);
    EXPECT_EQ(found.frames, 2);
}

TEST(Scanner, AFrameOrMessageBeyondALimitIsFoundByItsHeaderAlone) {
    const auto verdict = [](const limits& limits, const std::string& bytes) {
        run found;
        return scanner(limits).scan(bytes, 9, found);
    };
    const std::string two = framed({"12345", "67890"});
    limits by_frame, by_message, by_count;
    by_frame.frame_bytes = 4;
    by_message.message_bytes = 9;
    by_count.frames = 1;
    EXPECT_EQ(verdict(by_frame, two.substr(0, 2)), stop::too_large);
    EXPECT_EQ(verdict(by_message, two.substr(0, 9)), stop::too_large);
    EXPECT_EQ(verdict(by_count, two.substr(0, 9)), stop::too_large);
    by_message.message_bytes = 10;
    EXPECT_EQ(verdict(by_message, two), stop::partial);
}

TEST(Scanner, CommandsWithoutEndInsideAMessageAreRefused) {
    limits limits;
    limits.commands_inside = 2;
    scanner it(limits);
    run found;
    const std::string head(
        "\x01\x01"
        "a",
        3),
        ping("\x04\x01\x00", 3);
    for (int i = 0; i < 2; ++i) {
        ASSERT_EQ(it.scan(head + ping, 9, found), stop::command);
        it.cut();
    }
    EXPECT_EQ(it.scan(head + ping, 9, found), stop::invalid);
}

}  // namespace
}  // namespace zdev::zmtp
