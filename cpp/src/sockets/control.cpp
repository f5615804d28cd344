#include "control.hpp"

#include <string>
#include <utility>
#include <zdev/device.hpp>

#include "pairs.hpp"

namespace zdev {

control::control(zmq::socket_ref socket) : socket_(socket, "ctrl"), reply_(&socket_) {
    check_type(socket_, {ZMQ_REP, ZMQ_PAIR, ZMQ_DEALER, ZMQ_SUB, ZMQ_PULL, ZMQ_XSUB});
}

void control::serve(const execute& device) {
    constexpr int commands_per_turn = 100;
    std::string_view text;
    for (int i = 0; i < commands_per_turn && receive(text); ++i) answer(text, device);
}

// Takes the next message. A command has one frame: of a longer message the text is empty, and so no command. False: none has
// come whole yet; a message of very many frames is read in several turns.
bool control::receive(std::string_view& text) {
    constexpr int frames_per_turn = 4000;
    for (int left = frames_per_turn; left > 0; --left) {
        const int size = socket_.receive(command_);
        if (size == relay_socket::nothing) return false;
        if (size == relay_socket::out_of_turn)
            throw error(EFSM, "device: ctrl: cannot receive: the last command has no reply (send it before the run)");
        ++frames_;
        if (command_.more()) continue;
        text = std::exchange(frames_, 0) == 1 ? command_.to_string_view() : std::string_view();
        return true;
    }
    return false;
}

void control::answer(std::string_view text, const execute& device) {
    const auto command = parse_command(text);
    if (!command) return reply("unknown command: zdev knows PAUSE, RESUME, DRAIN [milliseconds], TERMINATE and STATISTICS");
    const auto counters = device(*command);
    if (!counters) return reply("the device is draining: only DRAIN, TERMINATE and STATISTICS are obeyed now");
    if (command->verb == verb::statistics) return reply(*counters);
    reply("");
}

void control::reply(std::string_view text) {
    if (socket_.type() != ZMQ_REP) return;
    reply_.add().rebuild(text.data(), text.size());
    if (reply_.send() != sending::sent) reply_.clear();
}

void control::reply(const statistics& s) {
    if (!socket_.can_send() || socket_.type() == ZMQ_XSUB) return;
    for (const std::uint64_t number : statistics_reply(s)) reply_.add().rebuild(&number, sizeof number);
    if (reply_.send() != sending::sent) reply_.clear();  // nobody reads the replies: commands go on
}

}  // namespace zdev
