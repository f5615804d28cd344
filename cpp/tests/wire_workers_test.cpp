// A queue that knows its workers: who gets a request, what becomes of requests that fail, and that each is counted once.

#include "wire_workers_support.hpp"

namespace zdev::test {
namespace {

// A worker that can leave at any moment.
std::unique_ptr<raw_peer> raw_worker(running& device) {
    const auto before = device.device.connections("out").connections;
    auto made = std::make_unique<raw_peer>(device.at("out"));
    made->shake_hands(ZMQ_DEALER);
    EXPECT_TRUE(device.connected("out", before + 1));
    return made;
}

// Whether it gets a request, perhaps with the end of its handshake.
bool gets_one(raw_peer& worker) { return !worker.take_extra().empty() || !worker.receive(1).empty(); }

TEST_F(Workers, ABusyWorkerGetsNoFurtherRequest) {
    running device(queue());
    auto asking = client(device);
    auto busy = worker(device);
    ask_for(asking, "slow");
    EXPECT_EQ(recv(busy), message{"slow"});
    auto idle = worker(device);
    for (int i = 0; i < 10; ++i) {
        ask_for(asking, std::to_string(i));
        EXPECT_EQ(recv(idle), message{std::to_string(i)});
        send(idle, {"done"});
        EXPECT_EQ(recv(asking), (message{"", "done"}));
    }
    send(busy, {"at last"});
    EXPECT_EQ(recv(asking), (message{"", "at last"}));
    EXPECT_TRUE(comes_to(device, &request_statistics::answered, std::uint64_t{11}));
}

TEST_F(Workers, RequestsWaitUntilAWorkerIsFree) {
    running device(queue());
    auto asking = client(device);
    ask_for(asking, "first");
    ask_for(asking, "second");
    ASSERT_TRUE(comes_to(device, &request_statistics::waiting, std::uint64_t{2}));
    EXPECT_EQ(requests(device).waiting_bytes, 2 + 5 + 2 + 6);
    auto rep = worker(device);
    EXPECT_EQ(recv(rep), message{"first"});
    EXPECT_EQ(requests(device).waiting, 1);
    EXPECT_EQ(requests(device).at_work, 1);
    send(rep, {"1"});
    EXPECT_EQ(recv(rep), message{"second"});
    send(rep, {"2"});
    EXPECT_EQ(recv(asking), (message{"", "1"}));
    EXPECT_EQ(recv(asking), (message{"", "2"}));
    const auto counts = device.device.statistics();
    EXPECT_EQ(counts.in.messages_received, 2);
    EXPECT_EQ(counts.in.messages_sent, 2);
    EXPECT_EQ(counts.in.frames_sent, 6);
    EXPECT_EQ(counts.out.messages_sent, 2);
    EXPECT_EQ(counts.pending_replies, 0);
}

TEST_F(Workers, TheOneThatHasBeenIdleLongestIsNext) {
    running device(queue());
    auto asking = client(device);
    auto first = worker(device, ZMQ_DEALER), second = worker(device, ZMQ_DEALER);
    for (int i = 0; i < 3; ++i) {
        for (auto* const each : {&first, &second}) {
            send(asking, {"x"});
            send(*each, recv(*each));
            EXPECT_EQ(recv(asking), message{"x"});
        }
    }
}

TEST_F(Workers, TheOneWithTheFewestRequestsIsNext) {
    running device(queue([](wire::workers& set) { set.max_requests = 3; }));
    auto asking = client(device);
    auto first = worker(device, ZMQ_DEALER), second = worker(device, ZMQ_DEALER);
    for (int i = 0; i < 4; ++i) send(asking, {std::to_string(i)});
    for (auto* const each : {&first, &second}) recv(*each), recv(*each);
    EXPECT_TRUE(silent(first) && silent(second));
    EXPECT_EQ(workers(device).at(0).at_work, 2);
    EXPECT_EQ(workers(device).at(1).at_work, 2);
    const auto peers = device.device.peers();
    EXPECT_EQ(peers.at(0).in_flight, 4);
    EXPECT_EQ(peers.at(1).in_flight, 2);
}

TEST_F(Workers, InTurnEachGetsOne) {
    running device(queue([](wire::workers& set) {
        set.balance = wire::balance::round_robin;
        set.max_requests = 2;
    }));
    auto asking = client(device);
    auto first = worker(device, ZMQ_DEALER), second = worker(device, ZMQ_DEALER);
    for (int i = 0; i < 5; ++i) send(asking, {std::to_string(i)});
    const auto from_first = recv(first), third = recv(first);
    EXPECT_EQ(from_first[1], "0");
    EXPECT_EQ(third[1], "2");
    EXPECT_EQ(recv(second)[1], "1");
    EXPECT_EQ(recv(second)[1], "3");
    send(first, from_first);
    EXPECT_EQ(recv(first)[1], "4");
}

TEST_F(Workers, RepliesOutOfOrderComeToTheirClients) {
    running device(queue([](wire::workers& set) { set.max_requests = 10; }));
    auto anna = client(device), bob = client(device);
    auto dealer = worker(device, ZMQ_DEALER);
    std::vector<message> got;
    for (auto* const each : {&anna, &bob, &anna}) {
        send(*each, {"id" + std::to_string(got.size()), "", "question"});
        got.push_back(recv(dealer));
    }
    for (const int i : {2, 0, 1}) send(dealer, {got[i][0], got[i][1], "", "answer", std::to_string(i)});
    EXPECT_EQ(recv(anna), (message{"id2", "", "answer", "2"}));
    EXPECT_EQ(recv(anna), (message{"id0", "", "answer", "0"}));
    EXPECT_EQ(recv(bob), (message{"id1", "", "answer", "1"}));
    EXPECT_EQ(workers(device).at(0).done, 3);
    EXPECT_EQ(requests(device).unsolicited, 0);
}

TEST_F(Workers, ASecondReplyIsDropped) {
    running device(queue());
    auto asking = client(device);
    auto dealer = worker(device, ZMQ_DEALER);
    send(asking, {"question"});
    const auto got = recv(dealer);
    for (int i = 0; i < 3; ++i) send(dealer, got);
    send(dealer, {"nobody", "answer"});
    send(dealer, {"alone"});
    EXPECT_EQ(recv(asking), message{"question"});
    EXPECT_TRUE(comes_to(device, &request_statistics::unsolicited, std::uint64_t{4}));
    EXPECT_TRUE(silent(asking));
    EXPECT_EQ(requests(device).answered, 1);
}

TEST_F(Workers, AWorkerThatDoesNotReturnTheDelimiterIsUnderstoodWhereItHasOneRequest) {
    running device(queue([](wire::workers& set) { set.max_requests = 2; }));
    auto asking = client(device);
    auto dealer = worker(device, ZMQ_DEALER);
    send(asking, {"get", "", "x"});  // the empty frame is part of the question
    const auto got = recv(dealer);
    send(dealer, {got[0], "answer"});
    EXPECT_EQ(recv(asking), message{"answer"});
    EXPECT_EQ(requests(device).unsolicited, 0);
}

TEST_F(Workers, ASecondReplyIsNotTakenForThatToTheNextRequest) {
    running device(queue([](wire::workers& set) { set.max_requests = 2; }));
    auto asking = client(device);
    auto dealer = worker(device, ZMQ_DEALER);
    send(asking, {"1", "", "x"});
    send(asking, {"2", "", "y"});
    const auto first = recv(dealer), second = recv(dealer);
    for (const auto& each : {first, first, second}) send(dealer, each);
    EXPECT_EQ(recv(asking), (message{"1", "", "x"}));
    EXPECT_EQ(recv(asking), (message{"2", "", "y"}));
    EXPECT_EQ(requests(device).unsolicited, 1);
}

// As by a frozen worker that was given up, and has connected again.
// Without an id in the request: the worker gets one for each in place of the client's routing id.
TEST_F(Workers, ALateReplyOverANewConnectionIsNotTakenForThatToTheNextRequest) {
    running device(queue([](wire::workers& set) { set.retries = 1; }));
    auto asking = client(device);
    auto gone = raw_worker(device);
    ask_for(asking, "x");
    EXPECT_TRUE(gets_one(*gone));
    gone->reset();
    ASSERT_TRUE(device.connected("out", 0));
    auto dealer = worker(device, ZMQ_DEALER);
    const auto first = recv(dealer);
    send(dealer, first);
    EXPECT_EQ(recv(asking), (message{"", "x"}));
    ask_for(asking, "y");
    const auto second = recv(dealer);
    for (const auto& each : {first, second}) send(dealer, each);
    EXPECT_EQ(recv(asking), (message{"", "y"}));
    EXPECT_EQ(requests(device).unsolicited, 1);
    EXPECT_EQ(requests(device).retried, 1);
}

// Of a client that has chosen its routing id, the reply could be a late one: a wrong reply would be worse than none.
TEST_F(Workers, ADroppedRequestHidesTheNextReplyOnlyWhereTheyCannotBeToldApart) {
    for (const bool has_name : {false, true}) {
        running device(queue([](wire::workers& set) { set.request_timeout = 100ms; }));
        auto asking = client(device, has_name ? named("anna") : setup());
        auto dealer = worker(device, ZMQ_DEALER);
        ask_for(asking, "dropped");
        recv(dealer);
        ASSERT_TRUE(eventually([&] { return requests(device).expired == 1 && workers(device).at(0).at_work == 0; }));
        ask_for(asking, "next");
        send(dealer, recv(dealer));
        EXPECT_TRUE(comes_to(device, has_name ? &request_statistics::late : &request_statistics::answered, std::uint64_t{1}));
        EXPECT_EQ(silent(asking), has_name);
    }
}

TEST_F(Workers, WhenTheRoomIsFullClientsWait) {
    running device(queue([](wire::workers& set) { set.queue_limit = 2; }));
    auto asking = client(device);
    for (int i = 0; i < 5; ++i) ask_for(asking, std::to_string(i));
    ASSERT_TRUE(comes_to(device, &request_statistics::waiting, std::uint64_t{2}));
    std::this_thread::sleep_for(a_moment);
    EXPECT_EQ(requests(device).received, 2);
    auto rep = worker(device);
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(recv(rep), message{std::to_string(i)});
        send(rep, {"done"});
        EXPECT_EQ(recv(asking), (message{"", "done"}));
    }
    EXPECT_EQ(requests(device).answered, 5);
}

TEST_F(Workers, TheRoomIsLimitedInBytesToo) {
    running device(queue([](wire::workers& set) { set.queue_bytes = 1000; }));
    auto asking = client(device);
    for (int i = 0; i < 3; ++i) ask_for(asking, std::string(400, 'x'));
    ASSERT_TRUE(comes_to(device, &request_statistics::waiting, std::uint64_t{2}));
    ask_for(asking, std::string(2000, 'y'));  // larger than the room, so only a free worker can take it
    auto rep = worker(device);
    for (const std::size_t size : {400, 400, 400, 2000}) {
        EXPECT_EQ(recv(rep).at(0).size(), size);
        send(rep, {"done"});
        recv(asking);
    }
}

TEST_F(Workers, WhenTheRoomIsFullRequestsAreRejectedIfAsked) {
    running device(queue([](wire::workers& set) {
        set.queue_limit = 1;
        set.reject_when_full = true;
        set.reply_on_failure = {"failed", "try later"};
    }));
    auto asking = client(device);
    ask_for(asking, "first");
    send(asking, {"correlation", "", "second"});
    EXPECT_EQ(recv(asking), (message{"correlation", "", "failed", "try later"}));
    send(asking, {"no delimiter"});
    EXPECT_EQ(recv(asking), (message{"failed", "try later"}));
    EXPECT_EQ(requests(device).rejected, 2);
    EXPECT_EQ(requests(device).waiting, 1);
}

TEST_F(Workers, ARequestThatWaitedTooLongExpires) {
    running device(queue([](wire::workers& set) {
        set.queue_timeout = 30ms;
        set.reply_on_failure = {"expired"};
    }));
    auto asking = client(device);
    ask_for(asking, "question");
    EXPECT_EQ(recv(asking), (message{"", "expired"}));
    EXPECT_EQ(requests(device).expired, 1);
    auto rep = worker(device);
    EXPECT_TRUE(silent(rep));
}

TEST_F(Workers, ALateReplyIsDroppedAndTheWorkerIsFreeAfterIt) {
    running device(queue([](wire::workers& set) {
        set.request_timeout = 200ms;
        set.reply_on_failure = {"expired"};
    }));
    auto asking = client(device);
    auto rep = worker(device);
    ask_for(asking, "slow");
    EXPECT_EQ(recv(rep), message{"slow"});
    EXPECT_EQ(recv(asking), (message{"", "expired"}));
    ask_for(asking, "next");
    EXPECT_TRUE(silent(rep));  // it is still busy
    send(rep, {"late"});
    EXPECT_EQ(recv(rep), message{"next"});
    send(rep, {"in time"});
    EXPECT_EQ(recv(asking), (message{"", "in time"}));
    EXPECT_TRUE(silent(asking));
    const auto found = requests(device);
    EXPECT_EQ(found.late, 1);
    EXPECT_EQ(found.expired, 1);
    EXPECT_EQ(found.answered, 1);
    EXPECT_EQ(workers(device).at(0).late, 1);
}

TEST_F(Workers, AWorkerThatDropsARequestGetsOthersLater) {
    running device(queue([](wire::workers& set) { set.request_timeout = 50ms; }));
    auto asking = client(device);
    auto dealer = worker(device, ZMQ_DEALER);
    send(asking, {"1", "", "dropped"});
    recv(dealer);
    send(asking, {"2", "", "next"});
    const auto next = recv(dealer);
    EXPECT_EQ(next[3], "next");
    send(dealer, next);
    EXPECT_EQ(recv(asking), (message{"2", "", "next"}));
    EXPECT_EQ(requests(device).expired, 1);
}

TEST_F(Workers, AWorkerWhoseRequestsFailAgainAndAgainIsSetAside) {
    running device(queue([](wire::workers& set) {
        set.request_timeout = 20ms;
        set.max_failures = 2;
        set.set_aside = 10s;
    }));
    auto asking = client(device);
    auto silent_one = worker(device, ZMQ_DEALER);
    for (int i = 0; i < 2; ++i) {
        send(asking, {std::to_string(i)});
        recv(silent_one);
    }
    ASSERT_TRUE(eventually([&] { return workers(device).at(0).state == worker_state::set_aside; }));
    EXPECT_GT(workers(device).at(0).set_aside_for.value(), 1s);
    EXPECT_EQ(workers(device).at(0).failed, 2);
    send(asking, {"x"});
    EXPECT_TRUE(silent(silent_one));
    auto good = worker(device, ZMQ_DEALER);
    EXPECT_EQ(recv(good)[1], "x");
}

TEST_F(Workers, RequestsThatFailTogetherSetAWorkerAsideOnce) {
    running device(queue([](wire::workers& set) {
        set.max_requests = 20;
        set.max_failures = 3;
        set.set_aside = 1s;
        set.request_timeout = 50ms;
    }));
    auto asking = client(device);
    auto rep = worker(device, ZMQ_DEALER);
    for (int i = 0; i < 20; ++i) ask_for(asking, "slow");
    ASSERT_TRUE(comes_to(device, &request_statistics::expired, std::uint64_t{20}));
    const auto found = workers(device).at(0);
    EXPECT_EQ(found.failed, 20);
    ASSERT_TRUE(found.set_aside_for);
    EXPECT_LE(*found.set_aside_for, 1s);
}

TEST_F(Workers, TheRequestOfAWorkerThatLeftIsGivenToAnother) {
    running device(queue([](wire::workers& set) { set.retries = 1; }));
    auto asking = client(device);
    auto gone = raw_worker(device);
    ask_for(asking, "question");
    EXPECT_TRUE(gets_one(*gone));
    auto rep = worker(device);
    gone->reset();
    EXPECT_EQ(recv(rep), message{"question"});
    send(rep, {"answer"});
    EXPECT_EQ(recv(asking), (message{"", "answer"}));
    EXPECT_EQ(requests(device).retried, 1);
    EXPECT_EQ(requests(device).answered, 1);
}

TEST_F(Workers, TheLatencyIsThatOfAnsweredRequestsWithAllRetries) {
    running device(queue([](wire::workers& set) { set.retries = 1; }));
    auto asking = client(device);
    ask_for(asking, "question");
    ASSERT_TRUE(comes_to(device, &request_statistics::waiting, std::uint64_t{1}));
    std::this_thread::sleep_for(20ms);  // what it waits
    auto gone = raw_worker(device);
    EXPECT_TRUE(gets_one(*gone));
    EXPECT_EQ(requests(device).latency.count, 0);
    std::this_thread::sleep_for(20ms);  // what the first worker takes
    gone->reset();
    ASSERT_TRUE(comes_to(device, &request_statistics::retried, std::uint64_t{1}));
    auto rep = worker(device);
    recv(rep);
    send(rep, {"answer"});
    recv(asking);
    const auto found = requests(device);
    EXPECT_EQ(found.latency.count, 1);
    EXPECT_GE(found.latency.sum, found.waited.sum + 20ms);
    EXPECT_GE(found.waited.sum, 20ms);
}

TEST_F(Workers, AReplyThatAWorkerSentBeforeItLeftCounts) {
    running device(queue([](wire::workers& set) { set.retries = 1; }));
    auto asking = client(device, named("anna"));
    auto gone = raw_worker(device);
    ask_for(asking, "question");
    EXPECT_TRUE(gets_one(*gone));
    gone->send(framed({"anna", "", "answer"}));
    gone->close();
    EXPECT_EQ(recv(asking), (message{"", "answer"}));
    EXPECT_TRUE(device.connected("out", 0));
    EXPECT_EQ(requests(device).retried, 0);
    EXPECT_EQ(requests(device).answered, 1);
}

TEST_F(Workers, ARequestThatEndsItsWorkersStopsAfterItsRetries) {
    auto spec = queue([](wire::workers& set) {
        set.retries = 2;
        set.reply_on_failure = {"failed"};
        set.dead_letter = listening(ZMQ_PUSH);
    });
    running device(spec);
    auto letters = dial(ZMQ_PULL, device.at("dead_letter"));
    ASSERT_TRUE(device.connected("dead_letter", 1));
    auto asking = client(device, named("anna"));
    ask_for(asking, "poison");
    for (int i = 0; i < 3; ++i) {
        auto victim = raw_worker(device);
        EXPECT_TRUE(gets_one(*victim)) << i;
        victim->reset();
        ASSERT_TRUE(device.connected("out", 0));
    }
    EXPECT_EQ(recv(asking), (message{"", "failed"}));
    EXPECT_EQ(recv(letters), (message{"its worker left", "anna", "", "poison"}));
    EXPECT_EQ(requests(device).retried, 2);
    EXPECT_EQ(requests(device).dead, 1);
    EXPECT_EQ(requests(device).dead_letters, 1);
    auto rep = worker(device);
    EXPECT_TRUE(silent(rep));
}

TEST_F(Workers, ARequestThatWasNotSentYetIsGivenToAnotherWithoutARetry) {
    auto spec = queue([](wire::workers& set) { set.max_requests = 1000; });
    spec.out->options.sndbuf = 4096;
    running device(spec);
    auto asking = client(device);
    auto stuck = raw_worker(device);
    for (int i = 0; i < 1000; ++i) ask_for(asking, std::to_string(i) + std::string(10000, 'x'));
    ASSERT_TRUE(comes_to(device, &request_statistics::at_work, std::uint64_t{1000}));
    stuck->reset();
    ASSERT_TRUE(device.connected("out", 0));
    auto rep = worker(device);
    std::uint64_t answered = 0, last = 0;
    for (auto got = try_recv(rep, patience); got; got = try_recv(rep, 200ms), ++answered) {
        const std::uint64_t number = std::stoul(got->at(0));
        EXPECT_TRUE(answered == 0 || number == last + 1) << number;  // in their order
        last = number;
        send(rep, {"done"});
    }
    const auto found = requests(device);
    EXPECT_GT(answered, 0);
    EXPECT_EQ(last, 999);
    EXPECT_EQ(found.answered, answered);
    EXPECT_EQ(found.dead, 1000 - answered);  // had reached the network of the worker that left
    EXPECT_EQ(found.retried, 0);
}

TEST_F(Workers, ARequestMayAskForRetriesIfThatIsAllowed) {
    for (const bool allowed : {true, false}) {
        running device(queue([&](wire::workers& set) { set.allow_request_options = allowed; }));
        auto asking = client(device);
        auto gone = raw_worker(device);
        send(asking, {"", "zdev retries=1", "question"});
        EXPECT_TRUE(gets_one(*gone));
        gone->reset();
        ASSERT_TRUE(device.connected("out", 0));
        auto rep = worker(device);
        if (allowed) {
            EXPECT_EQ(recv(rep), message{"question"});
        } else {
            EXPECT_EQ(requests(device).dead, 1);
        }
    }
}

TEST_F(Workers, ARequestWhoseClientLeftNeverReachesAWorker) {
    running device(queue());
    {
        auto gone = client(device);
        ask_for(gone, "question");
        ASSERT_TRUE(comes_to(device, &request_statistics::waiting, std::uint64_t{1}));
    }
    EXPECT_TRUE(comes_to(device, &request_statistics::abandoned, std::uint64_t{1}));
    EXPECT_EQ(requests(device).waiting_bytes, 0);
    auto rep = worker(device);
    EXPECT_TRUE(silent(rep));
}

TEST_F(Workers, AReplyToAClientThatLeftIsDroppedAndItsWorkerIsFree) {
    running device(queue());
    auto rep = worker(device);
    {
        auto gone = client(device);
        ask_for(gone, "question");
        recv(rep);
    }
    EXPECT_TRUE(comes_to(device, &request_statistics::abandoned, std::uint64_t{1}));
    EXPECT_EQ(workers(device).at(0).at_work, 1);
    send(rep, {"answer"});
    EXPECT_TRUE(eventually([&] { return workers(device).at(0).at_work == 0; }));
    EXPECT_EQ(device.device.statistics().out.unroutable, 0);
    auto asking = client(device);
    ask_for(asking, "next");
    EXPECT_EQ(recv(rep), message{"next"});
}

// A turn of the loop finds both: the end of a client, and the replies to it.
TEST_F(Workers, RepliesInTheTurnInWhichTheirClientLeavesAreDropped) {
    auto spec = queue([](wire::workers& set) { set.max_requests = 10; });
    spec.on_full = on_full::drop;
    std::atomic<bool> stuck{false}, waits{false};
    running device(spec, [&] {
        while (stuck) {
            waits = true;
            std::this_thread::sleep_for(1ms);
        }
    });
    auto dealer = raw_worker(device);
    raw_peer gone(device.at("in"));
    gone.shake_hands(ZMQ_DEALER, "anna");
    for (int i = 0; i < 3; ++i) gone.send(framed({"", "question"}));
    ASSERT_TRUE(comes_to(device, &request_statistics::at_work, std::uint64_t{3}));
    stuck = true;
    ASSERT_TRUE(eventually([&] { return waits.load(); }));
    gone.reset();
    for (int i = 0; i < 3; ++i) dealer->send(framed({"anna", "", "answer"}));
    stuck = false;
    EXPECT_TRUE(comes_to(device, &request_statistics::abandoned, std::uint64_t{3}));
    EXPECT_EQ(requests(device).answered, 0);
    EXPECT_TRUE(eventually([&] { return workers(device).at(0).at_work == 0; }));
}

TEST_F(Workers, LargeFramesInFrontOfADelimiterTakeRoomToo) {
    running device(queue([](wire::workers& set) { set.queue_bytes = 1000; }));
    auto asking = client(device);
    const message large{std::string(100000, 'x'), "", "question"};
    for (int i = 0; i < 3; ++i) send(asking, large);
    ASSERT_TRUE(eventually([&] { return device.device.connections("in").held == 1; }));
    EXPECT_EQ(requests(device).received, 0);
    auto dealer = worker(device, ZMQ_DEALER);
    for (int i = 0; i < 3; ++i) {
        send(dealer, recv(dealer));
        EXPECT_EQ(recv(asking), large);
    }
}

TEST_F(Workers, AWorkerThatDoesNotAnswerPingHasLeft) {
    running device(queue([](wire::workers& set) {
        set.heartbeat = 50ms;
        set.retries = 1;
    }));
    auto asking = client(device);
    auto frozen = raw_worker(device);  // it reads no PING
    ask_for(asking, "question");
    ASSERT_TRUE(comes_to(device, &request_statistics::at_work, std::uint64_t{1}));
    auto rep = worker(device);
    EXPECT_EQ(recv(rep), message{"question"});
    EXPECT_EQ(requests(device).retried, 1);
    EXPECT_EQ(device.device.connections("out").heartbeat_timeouts, 1);
}

TEST_F(Workers, ADrainedWorkerGetsNoMoreRequests) {
    running device(queue([](wire::workers& set) { set.max_requests = 2; }));
    auto asking = client(device);
    auto leaving = worker(device);
    ask_for(asking, "first");
    EXPECT_EQ(recv(leaving), message{"first"});
    const auto number = workers(device).at(0).number;
    EXPECT_TRUE(device.device.drain_worker(number));
    EXPECT_FALSE(device.device.drain_worker(12345));
    EXPECT_EQ(workers(device).at(0).state, worker_state::draining);
    ask_for(asking, "second");
    send(leaving, {"done"});
    EXPECT_EQ(recv(asking), (message{"", "done"}));
    EXPECT_TRUE(silent(leaving));
    EXPECT_EQ(workers(device).at(0).state, worker_state::drained);
    EXPECT_TRUE(device.device.drain_worker(number, false));
    EXPECT_EQ(recv(leaving), message{"second"});
}

TEST_F(Workers, AWorkerThatIsDrainedNoMoreTakesRequestsThatWereHeldBack) {
    running device(queue([](wire::workers& set) { set.queue_limit = 0; }));
    auto asking = client(device);
    auto rep = worker(device);
    const auto number = workers(device).at(0).number;
    ASSERT_TRUE(device.device.drain_worker(number));
    ask_for(asking, "held back");
    ASSERT_TRUE(holds_back(device));
    ASSERT_TRUE(device.device.drain_worker(number, false));
    EXPECT_EQ(recv(rep), message{"held back"});
}

TEST_F(Workers, AWorkerCanSayThatItWantsNoMore) {
    running device(queue());
    auto asking = client(device);
    auto dealer = worker(device, ZMQ_DEALER);
    send(dealer, {"DRAIN"});
    EXPECT_TRUE(eventually([&] { return workers(device).at(0).state == worker_state::drained; }));
    send(asking, {"x"});
    EXPECT_TRUE(silent(dealer));
}

TEST_F(Workers, APausedQueueGivesNoRequestsToWorkers) {
    running device(queue([](wire::workers& set) { set.queue_timeout = 50ms; }));
    device.device.pause();
    ASSERT_TRUE(eventually([&] { return device.device.statistics().state == state::paused; }));
    auto asking = client(device);
    auto rep = worker(device);
    ask_for(asking, "question");
    EXPECT_TRUE(silent(rep));
    device.device.resume();
    EXPECT_EQ(recv(rep), message{"question"});
}

TEST_F(Workers, ADrainBringsBackTheRepliesToAllRequests) {
    running device(queue());
    auto asking = client(device);
    auto rep = worker(device);
    for (int i = 0; i < 3; ++i) ask_for(asking, std::to_string(i));
    ASSERT_TRUE(comes_to(device, &request_statistics::waiting, std::uint64_t{2}));
    EXPECT_TRUE(eventually([&] { return device.device.statistics().pending_replies == 3; }));
    device.device.drain(patience);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(recv(rep), message{std::to_string(i)});
        send(rep, {"done"});
        EXPECT_EQ(recv(asking), (message{"", "done"}));
    }
    EXPECT_EQ(device.result(), outcome::drained);
    EXPECT_EQ(device.device.workers().requests.answered, 3);
}

TEST_F(Workers, AtAStopEachRequestFailsAndIsCounted) {
    auto spec = queue([](wire::workers& set) { set.reply_on_failure = {"failed"}; });
    spec.in.options.linger = spec.out->options.linger = 100ms;
    running device(spec);
    auto asking = client(device);
    auto rep = worker(device);
    for (int i = 0; i < 3; ++i) ask_for(asking, std::to_string(i));
    ASSERT_TRUE(comes_to(device, &request_statistics::waiting, std::uint64_t{2}));
    EXPECT_EQ(device.stop(), outcome::stopped);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(recv(asking), (message{"", "failed"}));
    const auto found = device.device.workers().requests;
    EXPECT_EQ(found.dead, 3);
    EXPECT_EQ(found.received, sum(found));
    EXPECT_EQ(device.device.statistics().pending_replies, 3);  // that did not come, as of a plain queue
}

TEST_F(Workers, DeadLettersAreSentBeforeTheEnd) {
    constexpr int count = 500;
    auto spec = queue([](wire::workers& set) { set.dead_letter = listening(ZMQ_PUSH); });
    spec.workers->dead_letter->options.sndbuf = 4096;
    running device(spec);
    auto letters = dial(ZMQ_PULL, device.at("dead_letter"), tiny);
    ASSERT_TRUE(device.connected("dead_letter", 1));
    auto asking = client(device);
    for (int i = 0; i < count; ++i) ask_for(asking, std::string(20000, 'x'));
    ASSERT_TRUE(comes_to(device, &request_statistics::waiting, std::uint64_t{count}));
    device.device.stop();
    for (int i = 0; i < count; ++i) EXPECT_EQ(recv(letters).at(0), "the device ended");
    EXPECT_EQ(device.result(), outcome::stopped);
    EXPECT_EQ(device.device.workers().requests.dead_letters, count);
}

TEST_F(Workers, TheMonitorGetsEveryRequestAndReplyOnce) {
    auto spec = queue([](wire::workers& set) { set.retries = 1; });
    spec.mon.emplace().socket = listening(ZMQ_PUB);
    running device(spec);
    auto watching = dial(ZMQ_SUB, device.at("mon"), subscribed_to(""));
    ASSERT_TRUE(device.connected("mon", 1));
    ASSERT_TRUE(eventually([&] { return device.device.peers().back().subscriptions == 1; }));
    auto asking = client(device, named("anna"));
    ask_for(asking, "question");
    ASSERT_TRUE(comes_to(device, &request_statistics::waiting, std::uint64_t{1}));
    auto gone = raw_worker(device);
    EXPECT_TRUE(gets_one(*gone));
    auto rep = worker(device);
    gone->reset();
    EXPECT_EQ(recv(rep), message{"question"});
    send(rep, {"answer"});
    EXPECT_EQ(recv(watching), (message{"in", "anna", "", "question"}));
    EXPECT_EQ(recv(watching), (message{"out", "anna", "", "answer"}));
    EXPECT_TRUE(silent(watching));
}

TEST_F(Workers, LargeRequestsAreKeptToo) {
    running device(queue([](wire::workers& set) { set.retries = 1; }));
    auto asking = client(device);
    const std::string large(3 << 20, 'x');
    ask_for(asking, large);
    auto gone = raw_worker(device);
    EXPECT_TRUE(gets_one(*gone));
    auto rep = worker(device);
    gone->reset();
    EXPECT_EQ(recv(rep), message{large});
    send(rep, {large});
    EXPECT_EQ(recv(asking), (message{"", large}));
}

TEST_F(Workers, SettingsThatMakeNoSenseAreRefused) {
    const auto refused = [](const std::function<void(wire::spec&)>& change) {
        auto spec = queue();
        change(spec);
        return refusal_of(spec);
    };
    EXPECT_NE(refused([](auto& spec) { spec.in.type = ZMQ_PULL; }).find("in must be ROUTER"), std::string::npos);
    EXPECT_NE(refused([](auto& spec) { spec.workers->max_requests = 0; }).find("max_requests"), std::string::npos);
    EXPECT_NE(refused([](auto& spec) { spec.workers->reply_on_failure.emplace(); }).find("reply_on_failure"),
              std::string::npos);
    EXPECT_NE(refused([](auto& spec) { spec.workers->queue_timeout = -1ms; }).find("queue_timeout"), std::string::npos);
    EXPECT_NE(refused([](auto& spec) { spec.workers->dead_letter = listening(ZMQ_PUB); }).find("PUSH"), std::string::npos);
}

// Clients and workers that come and go: each request has one outcome, at every moment.
TEST_F(Workers, EachRequestIsCountedOnceWhileClientsAndWorkersComeAndGo) {
    running device(queue([](wire::workers& set) {
        set.retries = 1;
        set.queue_timeout = 30ms;
        set.request_timeout = 20ms;
        set.max_requests = 3;
        set.queue_limit = 20;
        set.max_failures = 0;
        set.reply_on_failure = {"failed"};
    }));
    const auto come_and_go = [&](int type, const std::string& role, auto act) {
        return [type, at = device.at(role), act, context = std::make_shared<zmq::context_t>()]() mutable {
            zmq::socket_t socket(*context, type);
            socket.set(zmq::sockopt::linger, 0);
            socket.connect(at);
            for (int i = 0; i < 200; ++i) act(socket, i);
        };
    };
    const auto asks = [](zmq::socket_t& socket, int i) {
        if (writable(socket, 1ms)) send(socket, {std::to_string(i), "", "question"});
        while (try_recv(socket, i % 10 == 0 ? 1ms : 0ms)) {
        }
    };
    const auto works = [](zmq::socket_t& socket, int i) {
        auto got = try_recv(socket, 1ms);
        if (!got) return;
        if (i % 50 == 7) std::this_thread::sleep_for(25ms);
        send(socket, *got);
        if (i % 20 == 3) send(socket, *got);
    };
    {
        repeatedly first(come_and_go(ZMQ_DEALER, "in", asks)), second(come_and_go(ZMQ_DEALER, "in", asks));
        repeatedly third(come_and_go(ZMQ_DEALER, "out", works)), fourth(come_and_go(ZMQ_DEALER, "out", works));
        watch_requests(device);
    }
    EXPECT_TRUE(comes_to_rest(device));
    EXPECT_GT(requests(device).answered, 100);
}

}  // namespace
}  // namespace zdev::test
