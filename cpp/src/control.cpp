#include "control.hpp"

#include <cerrno>
#include <cstring>
#include <string>
#include <zdev/command.hpp>
#include <zdev/device.hpp>

namespace zdev {

namespace {

constexpr std::string_view commands_known = "zdev knows PAUSE, RESUME, DRAIN [milliseconds], TERMINATE and STATISTICS";

}  // namespace

control::control(zmq::socket_ref socket, zdev::steering& steering, std::chrono::milliseconds drain_timeout)
    : socket_(socket, "ctrl"), steering_(steering), drain_timeout_(drain_timeout), reply_(&socket_) {
    check_type(socket_, {ZMQ_REP, ZMQ_PAIR, ZMQ_DEALER, ZMQ_SUB, ZMQ_PULL, ZMQ_XSUB});
}

void control::serve(const std::function<statistics()>& now) {
    std::string_view text;
    while (receive(text)) obey(text, now);
}

// Takes the next message. A command has one frame: of a longer message the text is empty, and so no command.
bool control::receive(std::string_view& text) {
    for (std::size_t frames = 1;; ++frames) {
        while (zmq_msg_recv(command_.handle(), socket_.handle, ZMQ_DONTWAIT) < 0) {
            if (zmq_errno() == EINTR) continue;
            if (zmq_errno() != EAGAIN) throw zmq::error_t();
            socket_.settled = true;
            return false;
        }
        if (!command_.more()) {
            text = frames == 1 ? command_.to_string_view() : std::string_view();
            return true;
        }
    }
}

void control::obey(std::string_view text, const std::function<statistics()>& now) {
    const auto command = parse_command(text);
    if (!command) return reply("unknown command: " + std::string(commands_known));
    if (command->verb == verb::statistics) return reply(now());
    if (steering_.drain() && (command->verb == verb::pause || command->verb == verb::resume)) {
        return reply("the device is draining: only DRAIN, TERMINATE and STATISTICS are obeyed now");
    }
    switch (command->verb) {
        case verb::pause: steering_.ask_pause(true); break;
        case verb::resume: steering_.ask_pause(false); break;
        case verb::drain: steering_.ask_drain(command->timeout.count() < 0 ? drain_timeout_ : command->timeout); break;
        case verb::terminate: steering_.ask_stop(); break;
        case verb::statistics: break;
    }
    reply("");
}

void control::reply(std::string_view text) {
    if (socket_.type != ZMQ_REP) return;
    reply_.add().rebuild(text.data(), text.size());
    if (reply_.send() != sending::sent) reply_.clear();
}

void control::reply(const statistics& s) {
    if (!socket_.can_send() || socket_.type == ZMQ_XSUB) return;
    for (const std::uint64_t number : statistics_reply(s)) reply_.add().rebuild(&number, sizeof number);
    if (reply_.send() != sending::sent) reply_.clear();  // nobody reads the replies: commands go on
}

}  // namespace zdev
