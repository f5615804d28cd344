// A running queue that knows its workers takes over other settings: nothing is lost, and they apply at once.

#include "wire_workers_support.hpp"

namespace zdev::test {
namespace {

TEST_F(Workers, MoreRequestsForEachWorkerAreGivenAtOnceAndFewerLeaveThoseAtWork) {
    auto spec = queue();
    running device(spec);
    auto asking = client(device);
    auto busy = worker(device, ZMQ_DEALER);
    for (const char* const each : {"1", "2", "3", "4"}) ask_for(asking, each);
    const message first = recv(busy);
    ASSERT_TRUE(comes_to(device, &request_statistics::waiting, std::uint64_t{3}));

    spec.workers->max_requests = 3;
    EXPECT_EQ(device.device.change(spec), message{"workers: max_requests 1 -> 3"});
    const message second = recv(busy), third = recv(busy);
    EXPECT_EQ(second.back() + third.back(), "23");

    spec.workers->max_requests = 1;
    EXPECT_EQ(device.device.change(spec), message{"workers: max_requests 3 -> 1"});
    EXPECT_EQ(requests(device).at_work, 3);
    for (const message& each : {first, second}) {
        send(busy, each);
        EXPECT_EQ(recv(asking), (message{"", each.back()}));
    }
    EXPECT_TRUE(silent(busy));  // it still has one
    send(busy, third);
    EXPECT_EQ(recv(busy).back(), "4");
}

TEST_F(Workers, AnotherBalanceAppliesToTheNextRequest) {
    auto spec = queue([](wire::workers& set) { set.max_requests = 10; });
    running device(spec);
    auto asking = client(device);
    auto first = worker(device, ZMQ_DEALER), second = worker(device, ZMQ_DEALER);
    ask_for(asking, "1");
    const message at_first = recv(first);
    ask_for(asking, "2");
    recv(second);
    send(first, at_first);
    recv(asking);
    ask_for(asking, "3");  // the first has none
    EXPECT_EQ(recv(first).back(), "3");

    spec.workers->balance = wire::balance::round_robin;
    EXPECT_EQ(device.device.change(spec), message{"workers: balance least-requests -> round-robin"});
    for (const char* const each : {"5", "6", "7", "8"}) ask_for(asking, each);
    for (zmq::socket_t* const each : {&first, &second}) {
        recv(*each);
        recv(*each);
    }

    spec.workers->balance = wire::balance::least_requests;
    device.device.change(spec);
    auto idle = worker(device, ZMQ_DEALER);
    for (int i = 0; i < 3; ++i) {
        ask_for(asking, "x");
        EXPECT_EQ(recv(idle).back(), "x");
    }
}

TEST_F(Workers, ALargerRoomTakesThoseThatWereHeldBackAndASmallerOneKeepsWhatWaits) {
    auto spec = queue([](wire::workers& set) { set.queue_limit = 2; });
    running device(spec);
    auto asking = client(device);
    for (int i = 0; i < 6; ++i) ask_for(asking, std::to_string(i));
    ASSERT_TRUE(comes_to(device, &request_statistics::waiting, std::uint64_t{2}));
    spec.workers->queue_limit = 4;
    device.device.change(spec);
    EXPECT_TRUE(comes_to(device, &request_statistics::waiting, std::uint64_t{4}));
    spec.workers->queue_limit = 1;
    spec.workers->queue_bytes = 100;
    spec.workers->reject_when_full = true;
    spec.workers->reply_on_failure = {"busy"};
    EXPECT_EQ(device.device.change(spec), (message{"workers: queue_limit 4 -> 1", "workers: queue_bytes 67108864 -> 100",
                                                   "workers: reply_on_failure changed", "workers: on_full block -> reject"}));
    for (int i = 4; i < 6; ++i) EXPECT_EQ(recv(asking), (message{"", "busy"}));
    EXPECT_EQ(requests(device).waiting, 4);
    auto rep = worker(device);
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(recv(rep), message{std::to_string(i)});
        send(rep, {"done"});
        EXPECT_EQ(recv(asking), (message{"", "done"}));
    }
}

TEST_F(Workers, AnotherTimeoutAppliesToRequestsThatWaitAndThoseAtWork) {
    auto spec = queue();
    running device(spec);
    auto asking = client(device);
    auto busy = worker(device);
    ask_for(asking, "at work");
    EXPECT_EQ(recv(busy), message{"at work"});
    ask_for(asking, "waits");
    ASSERT_TRUE(comes_to(device, &request_statistics::waiting, std::uint64_t{1}));
    spec.workers->queue_timeout = 10ms;
    EXPECT_EQ(device.device.change(spec), message{"workers: queue_timeout 0 -> 10 ms"});
    EXPECT_TRUE(comes_to(device, &request_statistics::expired, std::uint64_t{1}));
    EXPECT_EQ(requests(device).at_work, 1);
    spec.workers->request_timeout = 10ms;
    device.device.change(spec);
    EXPECT_TRUE(comes_to(device, &request_statistics::expired, std::uint64_t{2}));
    spec.workers->queue_timeout = spec.workers->request_timeout = 0ms;
    device.device.change(spec);
    send(busy, {"late"});
    ask_for(asking, "next");
    EXPECT_EQ(recv(busy), message{"next"});
}

TEST_F(Workers, WorkersKeepTheirTurns) {
    for (const auto balance : {wire::balance::least_requests, wire::balance::round_robin}) {
        auto spec = queue([&](wire::workers& set) { set.balance = balance; });
        running device(spec);
        auto asking = client(device);
        std::vector<zmq::socket_t> working;
        for (int i = 0; i < 5; ++i) working.push_back(worker(device));
        for (zmq::socket_t& next : working) {
            ++spec.workers->queue_limit;
            device.device.change(spec);
            ask_for(asking, "x");
            EXPECT_EQ(recv(next), message{"x"});
            send(next, {"done"});
            recv(asking);
        }
    }
}

TEST_F(Workers, WorkersThatAreSetAsideComeBackIfTheNewSettingsSaySo) {
    auto spec = queue([](wire::workers& set) {
        set.max_failures = 1;
        set.set_aside = 60s;
        set.request_timeout = 10ms;
    });
    running device(spec);
    auto asking = client(device);
    auto rep = worker(device);
    const auto fail = [&] {
        ask_for(asking, "slow");
        EXPECT_EQ(recv(rep), message{"slow"});
        EXPECT_TRUE(eventually([&] { return workers(device).at(0).state == worker_state::set_aside; }));
        send(rep, {"late"});
    };
    fail();
    ask_for(asking, "waits");
    EXPECT_TRUE(silent(rep));
    spec.workers->max_failures = 0;
    spec.workers->request_timeout = 0ms;
    device.device.change(spec);
    EXPECT_EQ(recv(rep), message{"waits"});
    send(rep, {"done"});
    recv(asking);

    spec.workers->max_failures = 1;
    spec.workers->request_timeout = 10ms;
    device.device.change(spec);
    fail();
    ask_for(asking, "waits");
    EXPECT_TRUE(silent(rep));
    spec.workers->set_aside = 1ms;
    spec.workers->request_timeout = 0ms;
    device.device.change(spec);
    EXPECT_EQ(recv(rep), message{"waits"});
}

TEST_F(Workers, OtherRetriesAreThoseOfTheNextRequest) {
    auto spec = queue();
    running device(spec);
    auto asking = client(device);
    const auto leave_with_one = [&](const char* what) {
        {
            auto leaving = worker(device);
            ask_for(asking, what);
            EXPECT_EQ(recv(leaving), message{what});
        }
        EXPECT_TRUE(eventually([&] { return workers(device).empty(); }));
    };
    spec.workers->retries = 1;
    spec.workers->allow_request_options = true;
    EXPECT_EQ(device.device.change(spec), (message{"workers: retries 0 -> 1", "workers: allow_request_options 0 -> 1"}));
    leave_with_one("again");
    auto rep = worker(device);
    EXPECT_EQ(recv(rep), message{"again"});
    send(rep, {"done"});
    EXPECT_EQ(recv(asking), (message{"", "done"}));
    rep.close();
    ASSERT_TRUE(eventually([&] { return workers(device).empty(); }));
    spec.workers->retries = 0;
    device.device.change(spec);
    leave_with_one("not again");
    EXPECT_TRUE(comes_to(device, &request_statistics::dead, std::uint64_t{1}));
}

TEST_F(Workers, ARunningQueueKeepsProtocolHeartbeatAndDeadLetters) {
    auto spec = queue([](wire::workers& set) { set.heartbeat = 10s; });
    running device(spec);
    ASSERT_TRUE(eventually([&] { return device.device.statistics().state == state::active; }));
    const auto refusal = [&](const std::function<void(wire::spec&)>& change) {
        auto wanted = spec;
        wanted.workers->retries = 9;
        change(wanted);
        try {
            device.device.change(wanted);
        } catch (const error& fault) {
            EXPECT_EQ(fault.num(), ENOTSUP);
            return std::string(fault.what());
        }
        return std::string();
    };
    const std::string refused = "device: cannot be changed while it runs: ";
    EXPECT_EQ(refusal([](auto& wanted) { wanted.workers->protocol = wire::worker_protocol::ppp; }),
              refused + "workers: protocol plain -> ppp");
    EXPECT_EQ(refusal([](auto& wanted) { wanted.workers->heartbeat = 5s; }), refused + "workers: heartbeat 10000 -> 5000 ms");
    EXPECT_EQ(refusal([](auto& wanted) { wanted.workers->dead_letter = listening(ZMQ_PUSH); }),
              refused + "workers: dead_letter changed");
    EXPECT_EQ(refusal([](auto& wanted) { wanted.workers.reset(); }), refused + "the workers were removed");
    EXPECT_EQ(device.device.change(spec), message{});  // nothing of it was taken over
}

TEST_F(Workers, SettingsMayChangeUnderLoadManyTimes) {
    auto spec = queue();
    running device(spec);
    auto asking = client(device);
    std::vector<std::unique_ptr<repeatedly>> working;
    for (int i = 0; i < 3; ++i) {
        auto rep = std::make_shared<zmq::socket_t>(worker(device));
        working.push_back(std::make_unique<repeatedly>([rep] {
            if (const auto question = try_recv(*rep, 1ms)) send(*rep, *question);
        }));
    }
    constexpr int total = 3000;
    int asked = 0, answered = 0;
    for (int changes = 0; answered < total; ++changes) {
        for (int i = 0; i < 20 && asked < total; ++i) ask_for(asking, std::to_string(asked++));
        auto& set = *spec.workers;
        set.balance = changes % 2 == 0 ? wire::balance::round_robin : wire::balance::least_requests;
        set.max_requests = 1 + static_cast<std::size_t>(changes % 5);
        set.queue_limit = static_cast<std::size_t>(changes % 7) * 10;
        set.retries = static_cast<std::uint32_t>(changes % 3);
        set.allow_request_options = changes % 4 == 0;
        device.device.change(spec);
        while (try_recv(asking, changes % 10 == 0 ? 1ms : 0ms)) ++answered;
    }
    EXPECT_EQ(requests(device).answered, total);
    EXPECT_EQ(requests(device).unsolicited, 0);
}

}  // namespace
}  // namespace zdev::test
