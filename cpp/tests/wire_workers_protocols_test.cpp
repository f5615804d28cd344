// Workers that speak Paranoid Pirate (RFC 6) or Majordomo (RFC 7, RFC 18), and the management interface of Majordomo (RFC 8).

#include "wire_workers_support.hpp"

namespace zdev::test {
namespace {

using wire::worker_protocol;

constexpr milliseconds rarely = 60s;  // a heartbeat that no test sees
const std::string ready = "\x01";

wire::spec queue_for(worker_protocol protocol, const std::function<void(wire::workers&)>& set = {}) {
    wire::spec spec = pair(ZMQ_ROUTER, ZMQ_ROUTER);
    auto& workers = spec.workers.emplace();
    workers.protocol = protocol;
    workers.heartbeat = rarely;
    if (set) set(workers);
    return spec;
}

bool breaks_off(const running& device, const std::string& role, std::uint64_t count) {
    return eventually([&] { return device.device.connections(role).worker_protocol_errors == count; });
}

void once(zmq::socket_t& socket) { socket.set(zmq::sockopt::reconnect_ivl, -1); }

class Protocols : public OnWire {
public:
    zmq::socket_t client(running& device, const std::string& id = {}) {
        return dial(ZMQ_DEALER, device.at("in"), id.empty() ? setup(once) : named(id));
    }
    zmq::socket_t worker(running& device, const message& first, bool is_known = true, const setup& set = once) {
        const auto before = registered(device);
        auto made = dial(ZMQ_DEALER, device.at("out"), set);
        send(made, first);
        EXPECT_TRUE(!is_known || eventually([&] { return registered(device) == before + 1; }));
        return made;
    }

private:
    static std::size_t registered(const running& device) {
        const auto all = device.device.workers().workers;
        return std::count_if(all.begin(), all.end(), [](auto& each) { return each.state != worker_state::starting; });
    }
};

std::unique_ptr<raw_peer> raw(const running& device, const std::string& role) {
    auto made = std::make_unique<raw_peer>(device.at(role));
    made->shake_hands(ZMQ_DEALER);
    return made;
}

// Whether it receives that message next; it may have come with the end of the handshake.
bool gets(raw_peer& peer, const message& wanted) {
    const std::string bytes = framed(wanted);
    std::string got = peer.take_extra();
    if (got.size() < bytes.size()) got += peer.receive(bytes.size() - got.size());
    return got == bytes;
}

class Pirates : public Protocols {
public:
    static wire::spec queue(const std::function<void(wire::workers&)>& set = {}) {
        return queue_for(worker_protocol::ppp, set);
    }
};

TEST_F(Pirates, AWorkerGetsRequestsWhenItIsReady) {
    running device(queue());
    auto asking = client(device);
    send(asking, {"", "question"});
    ASSERT_TRUE(comes_to(device, &request_statistics::waiting, std::uint64_t{1}));
    auto silent_one = dial(ZMQ_DEALER, device.at("out"));
    ASSERT_TRUE(device.connected("out", 1));
    EXPECT_TRUE(silent(silent_one));
    EXPECT_EQ(device.device.workers().workers.at(0).state, worker_state::starting);
    send(silent_one, {ready});
    const auto got = recv(silent_one);
    EXPECT_EQ((message{got.begin() + 1, got.end()}), (message{"", "question"}));
    send(silent_one, {got[0], "", "an", "answer"});
    EXPECT_EQ(recv(asking), (message{"", "an", "answer"}));
}

TEST_F(Pirates, TheAddressStackReturnsToTheClient) {
    running device(queue());
    auto asking = client(device, "anna");
    auto pirate = worker(device, {ready});
    for (const auto& stack : {message{"7"}, message{"a", "b", "c"}}) {
        message question = stack, answer{"anna"};
        question.insert(question.end(), {"", "question"});
        answer.insert(answer.end(), stack.begin(), stack.end());
        answer.insert(answer.end(), {"", "answer"});
        send(asking, question);
        recv(pirate);
        send(pirate, answer);
        EXPECT_EQ(recv(asking), message(answer.begin() + 1, answer.end()));
    }
}

TEST_F(Pirates, AWorkerWhoseFirstMessageIsNotReadyIsDropped) {
    running device(queue());
    std::uint64_t dropped = 0;
    for (const auto& first : {message{"\x02"}, message{"anna", "", "answer"}}) {
        auto early = raw(device, "out");
        early->send(framed(first));
        EXPECT_TRUE(early->ended());
        EXPECT_TRUE(breaks_off(device, "out", ++dropped));
    }
}

TEST_F(Pirates, AWorkerThatSendsAnInvalidCommandIsDropped) {
    running device(queue());
    std::uint64_t dropped = 0;
    for (const auto& wrong : {message{""}, message{"\x03"}, message{"READY"}, message{"\x01\x01"}, message{"", ready},
                              message{ready, "service"}, message{"anna", "no delimiter"}, message{"anna", ""},
                              message{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "", "too deep"}}) {
        auto wrong_one = raw(device, "out");
        wrong_one->send(framed({ready}) + framed(wrong) + framed({"\x02"}));
        EXPECT_TRUE(wrong_one->ended());
        EXPECT_TRUE(breaks_off(device, "out", ++dropped)) << wrong.size() << ' ' << wrong[0];
    }
    EXPECT_EQ(device.device.connections("out").protocol_errors(), dropped);
}

TEST_F(Pirates, AReplyToNoRequestDropsItsSender) {
    running device(queue([](wire::workers& set) { set.retries = 1; }));
    auto asking = client(device, "anna");
    auto wrong_one = raw(device, "out");
    wrong_one->send(framed({ready}));
    send(asking, {"7", "", "question"});
    EXPECT_TRUE(gets(*wrong_one, {"anna", "7", "", "question"}));
    wrong_one->send(framed({"anna", "8", "", "answer"}));
    EXPECT_TRUE(wrong_one->ended());
    auto pirate = worker(device, {ready});
    const auto got = recv(pirate);
    send(pirate, got);
    EXPECT_EQ(recv(asking), (message{"7", "", "question"}));
    EXPECT_EQ(requests(device).retried, 1);
    EXPECT_EQ(requests(device).unsolicited, 1);
}

TEST_F(Pirates, AClientMustSendTheEmptyFrame) {
    running device(queue());
    auto wrong_one = raw(device, "in");
    wrong_one->send(framed({"question"}));
    EXPECT_TRUE(wrong_one->ended());
    EXPECT_TRUE(breaks_off(device, "in", 1));
    EXPECT_EQ(device.device.statistics().in.malformed, 1);
}

TEST_F(Pirates, HeartbeatsPassInBothDirectionsAndKeepAWorkerThatIsBusy) {
    running device(queue([](wire::workers& set) { set.heartbeat = 40ms; }));
    auto asking = client(device);
    auto pirate = worker(device, {ready}, false);
    send(asking, {"", "question"});
    message question;
    for (int beats = 0; beats < 8;) {
        const auto got = recv(pirate);
        got == message{"\x02"} ? void(++beats) : void(question = got);
        send(pirate, {"\x02"});
    }
    send(pirate, question);
    EXPECT_EQ(recv(asking), (message{"", "question"}));
    EXPECT_EQ(device.device.connections("out").heartbeat_timeouts, 0);
}

TEST_F(Pirates, TheRequestOfAFrozenWorkerIsGivenToAnother) {
    running device(queue([](wire::workers& set) {
        set.heartbeat = 40ms;
        set.retries = 1;
    }));
    auto asking = client(device);
    auto frozen = raw(device, "out");
    frozen->send(framed({ready}));
    send(asking, {"", "question"});
    ASSERT_TRUE(comes_to(device, &request_statistics::at_work, std::uint64_t{1}));
    EXPECT_TRUE(frozen->ended());
    EXPECT_EQ(device.device.connections("out").heartbeat_timeouts, 1);
    auto pirate = worker(device, {ready}, false);
    message got;
    while ((got = recv(pirate)) == message{"\x02"}) {
    }
    send(pirate, got);
    EXPECT_EQ(recv(asking), (message{"", "question"}));
    EXPECT_EQ(requests(device).retried, 1);
}

TEST_F(Pirates, AWorkerThatNeverSaysReadyIsDropped) {
    running device(queue([](wire::workers& set) { set.heartbeat = 20ms; }));
    auto mute = raw(device, "out");
    EXPECT_TRUE(mute->ended());
    EXPECT_EQ(device.device.connections("out").heartbeat_timeouts, 1);
}

TEST_F(Pirates, APausedDeviceSendsHeartbeatsAndMissesNone) {
    running device(queue([](wire::workers& set) { set.heartbeat = 20ms; }));
    auto pirate = worker(device, {ready}, false);
    recv(pirate);
    device.device.pause();
    for (int i = 0; i < 10; ++i) EXPECT_EQ(recv(pirate), message{"\x02"});
    EXPECT_EQ(device.device.connections("out").heartbeat_timeouts, 0);
}

TEST_F(Pirates, AWorkerWhoseRepliesWaitForAClientIsNotLate) {
    auto spec = queue([](wire::workers& set) { set.heartbeat = 20ms; });
    spec.in.options.sndhwm = 1;
    spec.in.options.sndbuf = 4096;
    running device(spec);
    auto asking = std::make_unique<raw_peer>(device.at("in"));
    asking->shake_hands(ZMQ_DEALER, "anna");
    auto pirate = worker(device, {ready}, false);
    for (int i = 0; i < 3; ++i) asking->send(framed({"", "question"}));
    for (int beats = 0; beats < 10; ++beats) {
        if (recv(pirate) == message{"\x02"}) continue;
        send(pirate, {"anna", "", std::string(4 << 20, 'x')});
        beats = 0;
    }
    EXPECT_EQ(device.device.connections("out").heartbeat_timeouts, 0);
}

TEST_F(Pirates, AWorkerThatIsReadyAgainTakesRequestsThatWereHeldBack) {
    running device(queue([](wire::workers& set) { set.queue_limit = 0; }));
    auto serving = worker(device, {ready});
    {
        auto leaving = client(device);
        send(leaving, {"", "abandoned"});
        recv(serving);
    }
    ASSERT_TRUE(eventually([&] { return requests(device).abandoned == 1; }));
    auto asking = client(device);
    send(asking, {"", "held back"});
    ASSERT_TRUE(holds_back(device));
    send(serving, {ready});
    EXPECT_EQ(recv(serving).back(), "held back");
}

TEST_F(Pirates, AWorkerThatIsReadyAgainHasNoRequest) {
    running device(queue([](wire::workers& set) { set.retries = 1; }));
    auto asking = client(device);
    auto pirate = worker(device, {ready});
    send(asking, {"", "question"});
    const auto first = recv(pirate);
    send(pirate, {ready});
    EXPECT_EQ(recv(pirate), first);
    EXPECT_EQ(requests(device).retried, 1);
    send(pirate, first);
    EXPECT_EQ(recv(asking), (message{"", "question"}));
}

// Majordomo. The commands of a version, without the addresses that a ROUTER adds.
struct version {
    const char* name;
    message client;  // in front of a service, of a request
    message final;   // the same of its reply
    message worker;
    char reply, heartbeat, disconnect;

    message ask(const std::string& service, const message& body) const { return join(client, {service}, body); }
    message answer(const std::string& service, const message& body) const { return join(final, {service}, body); }
    message command(char byte, const message& rest = {}) const { return join(worker, {std::string(1, byte)}, rest); }
    message ready(const std::string& service) const { return command(1, {service}); }
    message request(const std::string& from, const message& body) const { return command(2, join({from, ""}, body, {})); }
    message final_reply(const std::string& to, const message& body) const { return command(reply, join({to, ""}, body, {})); }
    static message join(message all, const message& more, const message& last) {
        all.insert(all.end(), more.begin(), more.end());
        all.insert(all.end(), last.begin(), last.end());
        return all;
    }
};

const version mdp_01{"0.1", {"", "MDPC01"}, {"", "MDPC01"}, {"", "MDPW01"}, 3, 4, 5};
const version mdp_02{"0.2", {"MDPC02", "\x01"}, {"MDPC02", "\x03"}, {"MDPW02"}, 4, 5, 6};
const version behind_empty{"0.2 behind an empty frame", {"MDPC02", "\x01"}, {"MDPC02", "\x03"}, {"", "MDPW02"}, 4, 5, 6};
const version* const versions[] = {&mdp_01, &mdp_02, &behind_empty};

class Majordomo : public Protocols {
public:
    static wire::spec queue(const std::function<void(wire::workers&)>& set = {}) {
        return queue_for(worker_protocol::mdp, set);
    }
};

TEST_F(Majordomo, ClientsAndWorkersOfAllVersionsUnderstandEachOther) {
    running device(queue());
    std::vector<zmq::socket_t> all;
    for (const version* const clients : {&mdp_01, &mdp_02}) {
        for (const version* const workers : versions) {
            const std::string service = std::string(clients->name) + " " + workers->name;
            auto asking = client(device, service);
            auto serving = worker(device, workers->ready(service));
            EXPECT_EQ(device.device.workers().workers.back().service, service);
            for (const auto& body : {message{"question"}, message{"", "two", ""}}) {
                send(asking, clients->ask(service, body));
                EXPECT_EQ(recv(serving), workers->request(service, body)) << service;
                send(serving, workers->final_reply(service, body));
                EXPECT_EQ(recv(asking), clients->answer(service, body)) << service;
            }
            all.push_back(std::move(serving));
        }
    }
    EXPECT_EQ(requests(device).answered, 12);
}

TEST_F(Majordomo, ARequestGoesToAWorkerOfItsService) {
    running device(queue());
    auto asking = client(device, "anna");
    send(asking, mdp_01.ask("tea", {"green"}));
    send(asking, mdp_02.ask("coffee", {"black"}));
    ASSERT_TRUE(comes_to(device, &request_statistics::waiting, std::uint64_t{2}));
    auto coffee = worker(device, mdp_01.ready("coffee"));
    EXPECT_EQ(recv(coffee), mdp_01.request("anna", {"black"}));
    send(asking, mdp_01.ask("coffee", {"white"}));
    EXPECT_TRUE(silent(coffee));  // it handles one request at a time
    auto tea = worker(device, mdp_02.ready("tea"));
    EXPECT_EQ(recv(tea), mdp_02.request("anna", {"green"}));
    send(coffee, mdp_01.final_reply("anna", {"ok"}));
    EXPECT_EQ(recv(coffee), mdp_01.request("anna", {"white"}));
    EXPECT_EQ(recv(asking), mdp_02.answer("coffee", {"ok"}));
}

TEST_F(Majordomo, ARequestForAServiceWithoutWorkersExpires) {
    running device(queue([](wire::workers& set) {
        set.queue_timeout = 30ms;
        set.reply_on_failure = {"expired"};
    }));
    auto asking = client(device);
    for (const version* const each : {&mdp_01, &mdp_02}) {
        send(asking, each->ask("none", {"question"}));
        EXPECT_EQ(recv(asking), each->answer("none", {"expired"}));
    }
    EXPECT_EQ(requests(device).expired, 2);
}

TEST_F(Majordomo, PartsOfAReplyComeToAClientOf02AsTheyAreSent) {
    running device(queue());
    auto asking = client(device, "anna");
    auto serving = worker(device, mdp_02.ready("tea"));
    send(asking, mdp_02.ask("tea", {"question"}));
    recv(serving);
    for (const std::string part : {"first", "second"}) {
        send(serving, mdp_02.command(3, {"anna", "", part}));
        EXPECT_EQ(recv(asking), (message{"MDPC02", "\x02", "tea", part}));
        EXPECT_EQ(requests(device).at_work, 1);
    }
    send(serving, mdp_02.final_reply("anna", {"last"}));
    EXPECT_EQ(recv(asking), mdp_02.answer("tea", {"last"}));
}

TEST_F(Majordomo, AClientOf01GetsThePartsAsOneReply) {
    running device(queue());
    auto asking = client(device, "anna");
    auto serving = worker(device, mdp_02.ready("tea"));
    const std::string large(300, 'x');
    for (int i = 0; i < 2; ++i) {
        send(asking, mdp_01.ask("tea", {"question"}));
        recv(serving);
        send(serving, mdp_02.command(3, {"anna", "", "first", large}));
        send(serving, mdp_02.command(3, {"anna", "", ""}));
        EXPECT_TRUE(silent(asking));
        send(serving, mdp_02.final_reply("anna", {"last"}));
        EXPECT_EQ(recv(asking), mdp_01.answer("tea", {"first", large, "", "last"}));
    }
}

TEST_F(Majordomo, PartsForAClientOf01AreLimitedByTheRoom) {
    running device(queue([](wire::workers& set) {
        set.queue_bytes = 1000;
        set.reply_on_failure = {"failed"};
    }));
    auto asking = client(device, "anna");
    auto serving = worker(device, mdp_02.ready("tea"));
    for (std::uint64_t i = 1; i <= 2; ++i) {
        send(asking, mdp_01.ask("tea", {"question"}));
        recv(serving);
        for (int part = 0; part < 3; ++part) send(serving, mdp_02.command(3, {"anna", "", std::string(400, 'x')}));
        EXPECT_EQ(recv(asking), mdp_01.answer("tea", {"failed"}));
        send(serving, mdp_02.final_reply("anna", {"last"}));
        EXPECT_EQ(requests(device).dead, i);
    }
    EXPECT_TRUE(silent(asking));
}

TEST_F(Majordomo, ASmallerRoomEndsTheRepliesWhosePartsFillIt) {
    auto spec = queue([](wire::workers& set) { set.reply_on_failure = {"failed"}; });
    running device(spec);
    auto asking = client(device, "anna");
    auto serving = worker(device, mdp_02.ready("tea"));
    send(asking, mdp_01.ask("tea", {"question"}));
    recv(serving);
    send(serving, mdp_02.command(3, {"anna", "", std::string(400, 'x')}));
    ASSERT_TRUE(eventually([&] { return device.device.peers().back().messages_received == 2; }));
    spec.workers->queue_bytes = 300;
    EXPECT_EQ(device.device.change(spec), message{"workers: queue_bytes 67108864 -> 300"});
    send(serving, mdp_02.command(3, {"anna", "", "more"}));
    EXPECT_EQ(recv(asking), mdp_01.answer("tea", {"failed"}));
}

TEST_F(Majordomo, ARequestWhoseFirstPartsWereDeliveredIsNotRepeated) {
    running device(queue([](wire::workers& set) {
        set.retries = 5;
        set.reply_on_failure = {"failed"};
    }));
    auto asking = client(device, "anna");
    for (const version* const each : {&mdp_01, &mdp_02}) {
        auto gone = raw(device, "out");
        gone->send(framed(mdp_02.ready("tea")));
        send(asking, each->ask("tea", {"question"}));
        EXPECT_TRUE(gets(*gone, mdp_02.request("anna", {"question"})));
        gone->send(framed(mdp_02.command(3, {"anna", "", "part"})) + framed(mdp_02.command(6)));
        if (each == &mdp_02) {
            EXPECT_EQ(recv(asking), (message{"MDPC02", "\x02", "tea", "part"}));
            EXPECT_EQ(recv(asking), mdp_02.answer("tea", {"failed"}));
        } else {  // it has seen nothing
            auto serving = worker(device, mdp_02.ready("tea"), false);
            EXPECT_EQ(recv(serving), mdp_02.request("anna", {"question"}));
            send(serving, mdp_02.final_reply("anna", {"whole"}));
            EXPECT_EQ(recv(asking), mdp_01.answer("tea", {"whole"}));
            send(serving, mdp_02.command(6));
            ASSERT_TRUE(device.connected("out", 0));
        }
    }
    EXPECT_EQ(requests(device).retried, 1);
}

TEST_F(Majordomo, TheBrokerAnswersForTheServicesOfItsNamespace) {
    running device(queue());
    auto asking = client(device);
    auto serving = worker(device, mdp_01.ready("tea"));
    for (const version* const each : {&mdp_01, &mdp_02}) {
        const auto asks = [&](const std::string& service, const message& body) {
            send(asking, each->ask(service, body));
            return recv(asking);
        };
        EXPECT_EQ(asks("mmi.service", {"tea"}), each->answer("mmi.service", {"200"}));
        EXPECT_EQ(asks("mmi.service", {"coffee"}), each->answer("mmi.service", {"404"}));
        EXPECT_EQ(asks("mmi.service", {"mmi.service"}), each->answer("mmi.service", {"404"}));
        EXPECT_EQ(asks("mmi.discovery", {"tea"}), each->answer("mmi.discovery", {"501"}));
        EXPECT_EQ(asks("mmi.", {""}), each->answer("mmi.", {"501"}));
    }
    send(serving, mdp_01.command(5));
    ASSERT_TRUE(device.connected("out", 0));
    send(asking, mdp_01.ask("mmi.service", {"tea"}));
    EXPECT_EQ(recv(asking), mdp_01.answer("mmi.service", {"404"}));
    EXPECT_EQ(requests(device).answered, 11);
}

TEST_F(Majordomo, AWorkerThatRegistersAServiceOfTheBrokerIsDisconnected) {
    running device(queue());
    std::uint64_t dropped = 0;
    for (const version* const each : versions) {
        auto wrong_one = raw(device, "out");
        wrong_one->send(framed(each->ready("mmi.service")));
        EXPECT_TRUE(gets(*wrong_one, each->command(each->disconnect))) << each->name;
        EXPECT_TRUE(wrong_one->ended());
        EXPECT_TRUE(breaks_off(device, "out", ++dropped));
    }
}

TEST_F(Majordomo, AValidCommandThatIsNotExpectedIsAnsweredWithDisconnect) {
    running device(queue());
    std::uint64_t dropped = 0;
    for (const version* const each : versions) {
        const version& other = each == &mdp_01 ? mdp_02 : mdp_01;
        const auto registered = framed(each->ready("tea"));
        for (const auto& bytes :
             {framed(each->command(each->heartbeat)), framed(each->final_reply("anna", {"x"})), registered + registered,
              registered + framed(each->final_reply("anna", {"x"})), registered + framed(other.command(other.heartbeat))}) {
            auto wrong_one = raw(device, "out");
            wrong_one->send(bytes + framed(each->command(each->heartbeat)));
            EXPECT_TRUE(gets(*wrong_one, each->command(each->disconnect))) << each->name;
            EXPECT_TRUE(wrong_one->ended());
            EXPECT_TRUE(breaks_off(device, "out", ++dropped));
        }
    }
}

TEST_F(Majordomo, AWorkerThatSendsAnInvalidCommandIsDropped) {
    running device(queue());
    std::vector<message> wrong{
        {""},       {"", ""},       {"MDPW01", "\x01", "tea"},      {"", "MDPW03", "\x01", "tea"}, {"", "", "MDPW02"},
        {"MDPW02"}, {"", "MDPW01"}, {"MDPC02", "\x01", "tea", "x"}, {"", "MDPC01", "tea", "x"}};
    for (const version* const each : versions) {
        for (const auto& rest : {message{"", "tea"}, message{"\x01"}, message{"\x01", ""}, message{"\x01", "tea", "more"},
                                 message{"\x01", "te\na"}, message{"\x01", std::string(256, 'x')}, message{"\x01\x01", "tea"},
                                 message{"\x02", "anna", "", "x"}, message{"\x07"}, message{std::string(1, '\xff')}}) {
            wrong.push_back(version::join(each->worker, rest, {}));
        }
        wrong.push_back(each->command(each->reply));
        wrong.push_back(each->command(each->reply, {"anna"}));
        wrong.push_back(each->command(each->reply, {"anna", ""}));
        wrong.push_back(each->command(each->reply, {"anna", "bob", "", "x"}));
        wrong.push_back(each->command(each->heartbeat, {"x"}));
        wrong.push_back(each->command(each->disconnect, {"x"}));
    }
    std::uint64_t dropped = 0;
    for (const auto& each : wrong) {
        auto wrong_one = raw(device, "out");
        wrong_one->send(framed(each));
        EXPECT_TRUE(wrong_one->ended());
        ASSERT_TRUE(breaks_off(device, "out", ++dropped)) << dropped;
    }
}

TEST_F(Majordomo, AClientThatSendsAnInvalidRequestIsDropped) {
    running device(queue());
    auto serving = worker(device, mdp_01.ready("tea"));
    std::uint64_t dropped = 0;
    for (const auto& wrong :
         {message{"question"}, message{"", "question"}, message{"", "MDPC01"}, message{"", "MDPC01", "tea"},
          message{"MDPC01", "tea", "x"}, message{"", "MDPC01", "", "x"}, message{"", "MDPC01", std::string("t\0a", 3), "x"},
          message{"", "MDPC01", std::string(256, 'x'), "x"}, message{"", "MDPC02", "\x01", "tea", "x"},
          message{"MDPC02", "\x01", "tea"}, message{"MDPC02", "\x02", "tea", "x"}, message{"MDPC02", "", "tea", "x"},
          message{"MDPC02", "tea", "x"}, message{"", "MDPC03", "tea", "x"}, message{"", "MDPW01", "\x01", "tea"}}) {
        auto wrong_one = raw(device, "in");
        wrong_one->send(framed(wrong) + framed(mdp_01.ask("tea", {"after"})));
        EXPECT_TRUE(wrong_one->ended());
        EXPECT_TRUE(breaks_off(device, "in", ++dropped)) << dropped;
    }
    EXPECT_TRUE(silent(serving));
    EXPECT_EQ(device.device.statistics().in.malformed, dropped);
}

TEST_F(Majordomo, AWorkerCanDisconnectAtAnyTime) {
    running device(queue([](wire::workers& set) { set.retries = 1; }));
    auto asking = client(device, "anna");
    for (const version* const each : versions) {
        auto early = worker(device, each->command(each->disconnect), false);
        ASSERT_TRUE(eventually([&] {
            const auto counts = device.device.connections("out");
            return counts.accepted > 0 && counts.connections == 0;
        }));
        auto leaving = worker(device, each->ready("tea"));
        send(asking, mdp_01.ask("tea", {"question"}));
        EXPECT_EQ(recv(leaving), each->request("anna", {"question"}));
        send(leaving, each->command(each->disconnect));
        ASSERT_TRUE(device.connected("out", 0));
        EXPECT_TRUE(silent(leaving));
        auto serving = worker(device, each->ready("tea"));
        EXPECT_EQ(recv(serving), each->request("anna", {"question"}));
        send(serving, each->final_reply("anna", {"answer"}));
        EXPECT_EQ(recv(asking), mdp_01.answer("tea", {"answer"}));
        send(serving, each->command(each->disconnect));
        ASSERT_TRUE(device.connected("out", 0));
    }
    EXPECT_EQ(requests(device).retried, 3);
    EXPECT_EQ(device.device.connections("out").worker_protocol_errors, 0);
}

TEST_F(Majordomo, ADeviceThatEndsDisconnectsItsWorkers) {
    running device(queue());
    std::vector<zmq::socket_t> serving;
    for (const version* const each : versions) serving.push_back(worker(device, each->ready("tea"), true, {}));
    EXPECT_EQ(device.stop(), outcome::stopped);
    for (std::size_t i = 0; i < serving.size(); ++i) {
        EXPECT_EQ(recv(serving[i]), versions[i]->command(versions[i]->disconnect)) << versions[i]->name;
    }
}

TEST_F(Majordomo, HeartbeatsPassInBothDirections) {
    running device(queue([](wire::workers& set) { set.heartbeat = 40ms; }));
    for (const version* const each : versions) {
        auto serving = worker(device, each->ready("tea"), false);
        for (int i = 0; i < 5; ++i) {
            EXPECT_EQ(recv(serving), each->command(each->heartbeat));
            send(serving, each->command(each->heartbeat));
        }
    }
    EXPECT_EQ(device.device.connections("out").worker_protocol_errors, 0);
}

TEST_F(Majordomo, AFrozenWorkerIsDisconnectedAndItsRequestIsGivenToAnother) {
    running device(queue([](wire::workers& set) {
        set.heartbeat = 100ms;
        set.retries = 1;
    }));
    auto asking = client(device, "anna");
    auto frozen = raw(device, "out");
    frozen->send(framed(mdp_02.ready("tea")));
    send(asking, mdp_01.ask("tea", {"question"}));
    std::string all = frozen->take_extra();
    for (std::string more; !(more = frozen->receive(1)).empty();) all += more;
    EXPECT_EQ(all.find(framed(mdp_02.request("anna", {"question"}))), 0);
    const auto last = framed(mdp_02.command(6));
    EXPECT_EQ(all.substr(all.size() - last.size()), last);
    EXPECT_EQ(device.device.connections("out").heartbeat_timeouts, 1);
    auto serving = worker(device, mdp_01.ready("tea"), false);
    EXPECT_EQ(recv(serving), mdp_01.request("anna", {"question"}));
    send(serving, mdp_01.final_reply("anna", {"answer"}));
    EXPECT_EQ(recv(asking), mdp_01.answer("tea", {"answer"}));
}

TEST_F(Majordomo, TheMonitorGetsRequestsAsClientsSentThem) {
    auto spec = queue();
    spec.mon.emplace().socket = listening(ZMQ_PUB);
    running device(spec);
    auto watching = dial(ZMQ_SUB, device.at("mon"), subscribed_to(""));
    ASSERT_TRUE(device.connected("mon", 1));
    ASSERT_TRUE(eventually([&] { return device.device.peers().back().subscriptions == 1; }));
    auto asking = client(device, "anna");
    send(asking, mdp_02.ask("tea", {"waits"}));
    ASSERT_TRUE(comes_to(device, &request_statistics::waiting, std::uint64_t{1}));
    auto serving = worker(device, mdp_01.ready("tea"));
    for (const std::string each : {"waits", "does not wait"}) {
        recv(serving);
        send(serving, mdp_01.final_reply("anna", {"answer"}));
        recv(asking);
        EXPECT_EQ(recv(watching), (message{"in", "anna", "MDPC02", "\x01", "tea", each}));
        EXPECT_EQ(recv(watching), (message{"out", "anna", "MDPC02", "\x03", "tea", "answer"}));
        if (each == "waits") send(asking, mdp_02.ask("tea", {"does not wait"}));
    }
}

// Clients and workers of both versions that come and go, and workers that break the protocol: each request has one outcome, at
// every moment.
TEST_F(Majordomo, EachRequestIsCountedOnceWhilePeersComeAndGoAndBreakTheProtocol) {
    running device(queue([](wire::workers& set) {
        set.retries = 2;
        set.queue_timeout = 30ms;
        set.request_timeout = 20ms;
        set.queue_limit = 20;
        set.queue_bytes = 2000;
        set.max_failures = 0;
        set.heartbeat = 20ms;
        set.reply_on_failure = {"failed"};
    }));
    const auto come_and_go = [&](const std::string& role, auto act) {
        return [at = device.at(role), act, context = std::make_shared<zmq::context_t>(), round = 0]() mutable {
            zmq::socket_t socket(*context, ZMQ_DEALER);
            socket.set(zmq::sockopt::linger, 0);
            socket.connect(at);
            act(socket, ++round);
        };
    };
    const auto asks = [](zmq::socket_t& socket, int round) {
        for (int i = 0; i < 200; ++i) {
            const auto& as = round % 2 == 0 ? mdp_01 : mdp_02;
            if (writable(socket, 1ms))
                send(socket, as.ask(i % 20 == 0 ? "mmi.service" : i % 7 == 0 ? "none" : "tea", {"green"}));
            while (try_recv(socket, i % 10 == 0 ? 2ms : 0ms)) {
            }
        }
    };
    const auto works = [](zmq::socket_t& socket, int round) {
        const auto& as = *versions[round % 3];
        send(socket, as.ready("tea"));
        for (int i = 0; i < 100; ++i) {
            const auto got = try_recv(socket, 2ms);
            send(socket, as.command(as.heartbeat));
            const auto at = as.worker.size();
            if (!got || got->size() < at + 4 || got->at(at) != "\x02") continue;
            if (i % 40 == 7) std::this_thread::sleep_for(25ms);
            const bool in_parts = &as != &mdp_01 && i % 3 == 0;
            if (in_parts)
                send(socket, as.command(3, {got->at(at + 1), "", std::string(static_cast<std::size_t>(i) * 10, 'x')}));
            send(socket, as.final_reply(got->at(at + 1), {"leaves"}));
            if (i % 30 == 11) send(socket, as.final_reply(got->at(at + 1), {"leaves", "again"}));
        }
        if (round % 2 == 0) send(socket, as.command(as.disconnect));
    };
    const auto breaks = [](zmq::socket_t& socket, int round) {
        const auto& as = *versions[round % 3];
        send(socket, as.ready("tea"));
        try_recv(socket, 5ms);
        send(socket, round % 4 == 0   ? as.ready("tea")
                     : round % 4 == 1 ? message{"nonsense"}
                     : round % 4 == 2 ? as.final_reply("nobody", {"x"})
                                      : as.command(as.disconnect));
        try_recv(socket, 2ms);
    };
    {
        repeatedly first(come_and_go("in", asks)), second(come_and_go("in", asks));
        repeatedly third(come_and_go("out", works)), fourth(come_and_go("out", works)), fifth(come_and_go("out", breaks));
        watch_requests(device);
    }
    EXPECT_TRUE(comes_to_rest(device));
    EXPECT_GT(requests(device).answered, 100);
    EXPECT_GT(device.device.connections("out").worker_protocol_errors, 3);
}

TEST_F(Majordomo, AClientThatReadsNoAnswersOfTheDeviceStopsNobody) {
    auto spec = queue();
    spec.in.options.sndhwm = 10;
    spec.in.options.sndbuf = 4096;
    running device(spec);
    auto serving = worker(device, mdp_01.ready("tea"));
    auto flood = raw(device, "in");
    std::string asks;
    for (int i = 0; i < 1000; ++i) asks += framed({"", "MDPC01", "mmi.service", "tea"});
    repeatedly asking([&] { flood->send_now(asks); });
    ASSERT_TRUE(eventually([&] { return requests(device).rejected > 1000; }));
    auto other = client(device);
    send(other, {"", "MDPC01", "tea", "please"});
    EXPECT_EQ(recv(serving).back(), "please");
}

TEST_F(Majordomo, TheHeartbeatThatIsNotSetIsNoChange) {
    auto spec = queue([](wire::workers& set) { set.heartbeat = {}; });
    running device(spec);
    ASSERT_TRUE(eventually([&] { return device.device.statistics().state == state::active; }));
    spec.in.options.sndhwm = 10;
    EXPECT_EQ(device.device.change(spec), message{"in: sndhwm 1000 -> 10"});
}

TEST_F(Majordomo, SettingsThatTheProtocolsForbidAreRefused) {
    const auto refused = [](const std::function<void(wire::spec&)>& change) {
        auto spec = queue();
        change(spec);
        return refusal_of(spec);
    };
    EXPECT_NE(refused([](auto& spec) { spec.workers->max_requests = 2; }).find("one request at a time"), std::string::npos);
    EXPECT_NE(refused([](auto& spec) { spec.out.reset(); }).find("cannot share one"), std::string::npos);
    EXPECT_NE(refused([](auto& spec) { spec.out->type = ZMQ_PUSH; }).find("DEALER or ROUTER"), std::string::npos);
}

}  // namespace
}  // namespace zdev::test
