// The pure functions of the control protocol (rows 8 and 9 of the relay contract).

#include <gtest/gtest.h>

#include <string>
#include <zdev/command.hpp>

using namespace std::chrono_literals;
using namespace std::string_literals;
using zdev::parse_command;
using zdev::verb;

TEST(ParseCommand, AcceptsTheFiveCommands) {
    EXPECT_EQ(parse_command("PAUSE").value().verb, verb::pause);
    EXPECT_EQ(parse_command("RESUME").value().verb, verb::resume);
    EXPECT_EQ(parse_command("DRAIN").value().verb, verb::drain);
    EXPECT_EQ(parse_command("TERMINATE").value().verb, verb::terminate);
    EXPECT_EQ(parse_command("STATISTICS").value().verb, verb::statistics);
}

TEST(ParseCommand, ADrainMayHaveATimeoutInMilliseconds) {
    EXPECT_EQ(parse_command("DRAIN 100").value().verb, verb::drain);
    EXPECT_EQ(parse_command("DRAIN 100").value().timeout, 100ms);
    EXPECT_EQ(parse_command("DRAIN 0").value().timeout, 0ms);
}

TEST(ParseCommand, ADrainWithoutATimeoutUsesTheDevices) { EXPECT_LT(parse_command("DRAIN").value().timeout, 0ms); }

class InvalidCommand : public testing::TestWithParam<std::string> {};

TEST_P(InvalidCommand, IsRefused) { EXPECT_FALSE(parse_command(GetParam())) << testing::PrintToString(GetParam()); }

INSTANTIATE_TEST_SUITE_P(EmptyOrUnknown, InvalidCommand,
                         testing::Values("", "\0"s, "KILL", "STOP", "PAUSERESUME", "\xff\xfe"s));
INSTANTIATE_TEST_SUITE_P(OtherCase, InvalidCommand,
                         testing::Values("pause", "Resume", "drain", "drain 100", "terminate", "sTATISTICS"));
INSTANTIATE_TEST_SUITE_P(TextAround, InvalidCommand,
                         testing::Values(" PAUSE", "PAUSE ", "PAUSE\n", "PAUSE\0"s, "PAUS", "RESUME 1", "TERMINATE now",
                                         "STATISTICS\t"));
INSTANTIATE_TEST_SUITE_P(BadTimeout, InvalidCommand,
                         testing::Values("DRAIN ", "DRAIN  100", " DRAIN 100", "DRAIN 100 ", "DRAIN100", "DRAIN x", "DRAIN 10x",
                                         "DRAIN 1.5", "DRAIN +5", "DRAIN -1", "DRAIN 0x10", "DRAIN\t100", "DRAIN 1 2",
                                         "DRAIN 100\0"s, "DRAIN 99999999999999999999999999"));

TEST(ParseCommand, TextNeedNotBeNullTerminated) {
    const std::string_view text = "PAUSED";
    EXPECT_EQ(parse_command(text.substr(0, 5)).value().verb, verb::pause);
    const std::string_view number = "DRAIN 1234";
    EXPECT_EQ(parse_command(number.substr(0, 8)).value().timeout, 12ms);
}

TEST(StatisticsReply, CountsFramesAndBytesInTheOrderOfLibzmq) {
    zdev::statistics s;
    s.in.frames_received = 1;  // received by the frontend
    s.in.bytes_received = 2;
    s.out.frames_sent = 3;  // sent by the frontend
    s.out.bytes_sent = 4;
    s.out.frames_received = 5;  // received by the backend
    s.out.bytes_received = 6;
    s.in.frames_sent = 7;  // sent by the backend
    s.in.bytes_sent = 8;
    s.in.messages_received = s.out.messages_sent = 99;
    EXPECT_EQ(zdev::statistics_reply(s), (std::array<std::uint64_t, 8>{1, 2, 3, 4, 5, 6, 7, 8}));
}
