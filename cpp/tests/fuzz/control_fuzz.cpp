// Arbitrary commands on every type of control socket, one or several at a time. A REP answers every message as the contract
// says; the other types answer only STATISTICS. The device continues and executes valid commands whatever arrives.

#include <zdev/command.hpp>
#include <zdev/device.hpp>

#include "../messages.hpp"
#include "input.hpp"

namespace {

using namespace zdev::fuzz;
using namespace std::chrono_literals;
using zdev::test::message;

constexpr int types[] = {ZMQ_REP, ZMQ_PAIR, ZMQ_DEALER, ZMQ_SUB, ZMQ_PULL, ZMQ_XSUB};
constexpr const char* words[] = {"PAUSE", "RESUME", "DRAIN", "DRAIN 0", "DRAIN 99999", "TERMINATE", "STATISTICS"};

class scene {
public:
    explicit scene(input& in) : in_(in), context_(0), type_(types[in_.below(std::size(types))]) {
        for (zmq::socket_t* s : {&in_socket_, &out_socket_, &control_, &operator_}) s->set(zmq::sockopt::linger, 0);
        control_.bind("inproc://ctrl");
        if (type_ == ZMQ_SUB) control_.set(zmq::sockopt::subscribe, "");
        operator_.connect("inproc://ctrl");
        zdev::options options;
        options.control = control_;
        device_.emplace(in_socket_, out_socket_, options);
        scenery = "ctrl of type " + std::to_string(type_);
        if (type_ == ZMQ_XSUB) control_.send(zmq::str_buffer("\1"));
        static_cast<void>(control_.get(zmq::sockopt::events));  // connects to the operator, and sends the subscription
        while (zdev::test::try_recv(operator_, 0ms)) {
        }
    }

    void play() {
        for (int rounds = 0; !in_.empty() && rounds < 50; ++rounds) {
            std::vector<message> sent(1 + in_.below(8));
            for (auto& command : sent) command = make();
            for (const auto& command : sent) send(command);
            run_one_iteration();
            draining_ = false;
            for (const auto& command : sent) expect_answer(command);
            expect(!zdev::test::try_recv(operator_, 0ms), "an answer without a command");
        }
    }

private:
    message make() {
        message frames;
        for (unsigned n = in_.below(16) == 15 ? 2 + in_.below(100) : 1; n > 0; --n) frames.push_back(frame());
        return frames;
    }
    std::string frame() {
        const unsigned choice = in_.below(std::size(words) + 4);
        std::string word = choice < std::size(words) ? words[choice] : in_.bytes(in_.below(20));
        if (choice == std::size(words)) word = "DRAIN " + word;
        if (choice == std::size(words) + 1) word = words[in_.below(std::size(words))] + word;
        return word;
    }
    void send(message command) {
        if (type_ == ZMQ_REP) command.insert(command.begin(), "");  // a DEALER must add the delimiter that a REQ adds
        zdev::test::send(operator_, command);
    }

    // One iteration reads all commands. A TERMINATE among them ends the run, and the end of a run discards other commands.
    void run_one_iteration() {
        device_->run([this] { device_->stop(); });
        const auto s = device_->statistics();
        expect(s.state == zdev::state::idle && s.in.pending() == 0 && s.in.messages_received == 0, "commands moved messages");
    }

    void expect_answer(const message& command) {
        const bool known = command.size() == 1 && zdev::parse_command(command[0]).has_value();
        const bool numbers = command == message{"STATISTICS"};
        const bool silent = type_ == ZMQ_SUB || type_ == ZMQ_PULL || type_ == ZMQ_XSUB;
        if (silent || (type_ != ZMQ_REP && !numbers)) return;
        auto answer = zdev::test::try_recv(operator_, 0ms);
        expect(answer.has_value(), "no answer");
        if (type_ == ZMQ_REP) {
            expect(answer->front().empty() && answer->size() > 1, "no envelope");
            answer->erase(answer->begin());
        }
        if (numbers) {
            expect(answer->size() == 8, "not eight numbers");
            for (const auto& number : *answer) expect(number.size() == sizeof(std::uint64_t), "not a number");
            return;
        }
        const bool text = answer->size() == 1 && !answer->front().empty();
        const bool accepted = answer->size() == 1 && answer->front().empty();
        const bool steers = command == message{"PAUSE"} || command == message{"RESUME"};
        draining_ = draining_ || (known && command[0].rfind("DRAIN", 0) == 0);
        expect(known && !(steers && draining_) ? accepted : text, "a wrong answer");
    }

    input& in_;
    zmq::context_t context_;
    int type_;
    zmq::socket_t in_socket_{context_, ZMQ_ROUTER}, out_socket_{context_, ZMQ_DEALER};
    zmq::socket_t control_{context_, type_}, operator_{context_, ZMQ_DEALER};
    std::optional<zdev::device> device_;
    bool draining_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    input in(data, size);
    scene(in).play();
    return 0;
}
