#include "handshake.hpp"

#include <zmq.h>

#include <algorithm>
#include <utility>

#include "frame.hpp"
#include "socket_type.hpp"

namespace zdev::zmtp {

namespace {

constexpr std::size_t longest_command = 8192;
constexpr std::size_t longest_routing_id = 255;

bool has_routing_id(int type) noexcept { return type == ZMQ_DEALER || type == ZMQ_REQ || type == ZMQ_ROUTER; }

std::string printable(std::string text) {
    std::replace_if(text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return text.substr(0, 40);
}

std::string encode(const identity& ours) {
    std::string properties;
    append_property(properties, "Socket-Type", type_name(ours.socket_type));
    if (has_routing_id(ours.socket_type)) append_property(properties, "Identity", ours.routing_id);
    for (const auto& [name, value] : ours.properties) append_property(properties, name, value);
    return properties;
}

greeting greeting_of(const mechanism& chosen) {
    greeting made;
    made.mechanism = chosen.name();
    made.as_server = chosen.as_server();
    return made;
}

}  // namespace

handshake::handshake(identity ours, std::unique_ptr<zmtp::mechanism> mechanism)
    : mechanism_(std::move(mechanism)),
      socket_type_(ours.socket_type),
      properties_(encode(ours)),
      output_(encode(greeting_of(*mechanism_))) {}

std::size_t handshake::feed(std::string_view bytes) {
    const std::size_t kept = input_.size();
    input_.append(bytes);
    std::size_t used = 0;
    while (!done() && !failed() && !waits_) {
        const std::size_t taken = advance(std::string_view(input_).substr(used));
        if (taken == 0) break;
        used += taken;
    }
    if (failed()) return bytes.size();
    if (waits_ && input_.size() - used > longest_command) {
        fail(failure::protocol, "it sent too much before the end of its handshake");
        return bytes.size();
    }
    if (done()) return used - kept;  // the last step used some of these bytes, or it would have succeeded before
    input_.erase(0, used);
    return bytes.size();
}

// Uses the greeting or command at the front, and returns its size; 0: it is not complete, or the handshake has failed.
std::size_t handshake::advance(std::string_view bytes) {
    return state_ == state::greeting ? take_greeting(bytes) : take_command(bytes);
}

std::size_t handshake::take_greeting(std::string_view bytes) {
    greeting theirs;
    switch (parse_greeting(bytes, theirs)) {
        case greeted::partial: return 0;
        case greeted::not_zmtp: return fail(failure::protocol, "it does not speak ZMTP");
        case greeted::too_old: return fail(failure::version, "it speaks ZMTP 1.0 or 2.0; 3.0 or later is required");
        case greeted::whole: break;
    }
    const std::string name(mechanism_->name());
    if (theirs.mechanism != name) {
        return fail(failure::mechanism, "it uses the mechanism " + printable(theirs.mechanism) + ", not " + name);
    }
    // A server of libzmq does not say that it is one.
    if (theirs.as_server && mechanism_->as_server()) {
        return fail(failure::mechanism, "it is a server of " + name + ", as this socket is");
    }
    peer_.minor = theirs.major > 3 ? 1 : std::min<unsigned char>(theirs.minor, 1);
    mechanism_->begin(properties_, output_);
    state_ = state::commands;
    return greeting_size;
}

std::size_t handshake::take_command(std::string_view bytes) {
    frame header;
    switch (parse_header(bytes, header)) {
        case parsed::partial: return 0;
        case parsed::invalid: return fail(failure::protocol, "its first frame is invalid");
        case parsed::whole: break;
    }
    if (!header.command()) return fail(failure::protocol, "it sent a message before the end of its handshake");
    if (header.body > longest_command) return fail(failure::protocol, "its handshake command is too long");
    if (bytes.size() < header.size()) return 0;

    const auto body = bytes.substr(header.header, static_cast<std::size_t>(header.body));
    const auto command = parse_command_body(body);
    if (!command) return fail(failure::protocol, "its handshake command is invalid");
    if (command->name == "ERROR") return fail(failure::refused, "it refused: " + parse_error_reason(command->data));
    std::string output;
    apply(mechanism_->take(*command, properties_, output), output);
    return failed() ? 0 : static_cast<std::size_t>(header.size());
}

void handshake::decide() {
    if (!waits_) return;
    std::string output;
    apply(mechanism_->decide(properties_, output), output);
    if (done() && !input_.empty()) fail(failure::protocol, "it sent a message before the end of its handshake");
    if (!done() && !failed()) feed({});
}

// What the mechanism answers is sent only if the peer's properties are acceptable.
void handshake::apply(zmtp::step made, const std::string& output) {
    waits_ = made.waits;
    if (made.failure != failure::none) {
        if (made.status != 0) append_error(output_, std::to_string(made.status));
        return void(fail(made.failure, std::move(made.reason)));
    }
    if (made.properties && !take_properties(*made.properties)) return;
    output_ += output;
    if (made.properties) state_ = state::done;
}

bool handshake::take_properties(std::string_view data) {
    auto properties = parse_metadata(data);
    const std::string* const type = properties ? find_property(*properties, "Socket-Type") : nullptr;
    if (!type) return fail(failure::protocol, "its properties are invalid"), false;
    peer_.socket_type = type_named(*type);
    if (!compatible(socket_type_, peer_.socket_type)) {
        fail(failure::type, "a " + printable(*type) + " cannot talk to a " + std::string(type_name(socket_type_)));
        return false;
    }
    if (const std::string* const id = find_property(*properties, "Identity")) peer_.routing_id = *id;
    const bool reserved = !peer_.routing_id.empty() && peer_.routing_id[0] == '\0';  // for ids that a ROUTER generates
    if (peer_.routing_id.size() > longest_routing_id || reserved) {
        return fail(failure::protocol, "its routing id is too long or begins with a zero byte"), false;
    }
    peer_.properties = *std::move(properties);
    return true;
}

// Only a peer of a wrong type gets an ERROR, which libzmq logs: it would reconnect again and again. Others may not speak ZMTP.
std::size_t handshake::fail(zmtp::failure why, std::string reason) {
    if (why == failure::type) append_error(output_, reason);
    state_ = state::failed;
    failure_ = why;
    reason_ = std::move(reason);
    return 0;
}

}  // namespace zdev::zmtp
