// The send queue against a model: bytes go out in order, and the number of waiting messages is exact at every byte.

#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "../src/wire/send_queue.hpp"
#include "../src/zmtp/frame.hpp"

namespace zdev::wire {
namespace {

class model {
public:
    explicit model(unsigned seed) : random_(seed) {}

    void step() {
        switch (random_() % 6) {
            case 0: add_copied(); break;
            case 1: add_owned(); break;
            case 2: add_run(); break;
            case 3: add_command(); break;
            default: write(random_() % 3 == 0 ? random_() % 200000 : random_() % 50);
        }
        ASSERT_EQ(queue_.messages(), waiting());
        ASSERT_EQ(queue_.bytes(), bytes_.size() - written_);
        ASSERT_EQ(queue_.empty(), written_ == bytes_.size());
    }

    void end() {
        std::vector<std::string> whole, expected;
        std::size_t lost = 0;
        for (const auto& [begin, end] : messages_) {
            if (begin >= written_) expected.push_back(bytes_.substr(begin, end - begin));
            if (begin < written_ && written_ < end) ++lost;
        }
        ASSERT_EQ(queue_.give_back(whole), lost);
        ASSERT_EQ(whole, expected);
        ASSERT_TRUE(queue_.empty());
    }

private:
    std::string message() {
        std::string framed;
        for (std::size_t left = random_() % 3; left > 0; --left) zmtp::append_frame(framed, zmtp::more_flag, body());
        zmtp::append_frame(framed, 0, body());
        return framed;
    }
    std::string body() {
        return std::string(random_() % 10 == 0 ? random_() % 50000 : random_() % 300, static_cast<char>(random_()));
    }
    std::string head() {
        std::string framed;
        if (random_() % 2) zmtp::append_frame(framed, zmtp::more_flag, "head");
        return framed;
    }
    void expect(const std::string& framed) {
        messages_.emplace_back(bytes_.size(), bytes_.size() + framed.size());
        bytes_ += framed;
    }
    void add_copied() {
        const std::string front = head(), rest = message();
        queue_.append(front, rest);
        expect(front + rest);
    }
    void add_owned() {
        const std::string front = head(), rest = message();
        auto owner = std::make_shared<buffer>();
        owner->append("before" + rest);
        queue_.append(front, owner->view().substr(6), owner);
        expect(front + rest);
    }
    void add_run() {
        std::string bytes;
        const std::size_t count = 1 + random_() % 5;
        for (std::size_t i = 0; i < count; ++i) {
            const std::string next = message();
            bytes += next;
            expect(next);
        }
        if (!queue_.empty() || random_() % 2) return queue_.append(bytes, count);
        const std::size_t sent = 1 + random_() % (bytes.size() - 1);  // as if a write had taken the beginning
        queue_.append_rest(bytes, sent, count);
        written_ += sent;
    }
    void add_command() {
        std::string framed;
        zmtp::append_frame(framed, zmtp::command_flag, std::string("\4PING\0\0", 7));
        queue_.append(framed, 0);
        bytes_ += framed;
    }
    void write(std::size_t most) {
        iovec parts[8];
        const std::size_t count = queue_.gather(parts, 8);
        std::size_t done = 0;
        for (std::size_t i = 0; i < count && done < most; ++i) {
            const std::size_t part = std::min(parts[i].iov_len, most - done);
            ASSERT_EQ(std::string_view(static_cast<const char*>(parts[i].iov_base), part),
                      std::string_view(bytes_).substr(written_ + done, part));
            done += part;
        }
        queue_.consume(done);
        written_ += done;
    }
    std::size_t waiting() const {
        std::size_t count = 0;
        for (const auto& each : messages_) count += each.second > written_ ? 1 : 0;
        return count;
    }

    std::mt19937 random_;
    chunk_pool chunks_;
    send_queue queue_{chunks_};
    std::string bytes_;
    std::size_t written_ = 0;
    std::deque<std::pair<std::size_t, std::size_t>> messages_;  // where each begins and ends in bytes_
};

TEST(SendQueue, CountsWaitingMessagesExactlyAndReturnsThoseNotBegun) {
    for (unsigned seed = 0; seed < 300; ++seed) {
        SCOPED_TRACE(seed);
        model it(seed);
        for (int i = 0; i < 60 && !testing::Test::HasFatalFailure(); ++i) it.step();
        it.end();
        if (testing::Test::HasFatalFailure()) break;
    }
}

}  // namespace
}  // namespace zdev::wire
