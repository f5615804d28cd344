// Random bytes for every parser of the protocol. However they are cut, the handshake and the scanner get the same result as
// with all of them at once, and read nothing outside of them (the sanitizers check that).

#include <zmq.h>

#include <algorithm>

#include "../../src/zmtp/handshake.hpp"
#include "../../src/zmtp/scanner.hpp"
#include "input.hpp"

namespace {

using namespace zdev::fuzz;
using namespace zdev::zmtp;

constexpr int types[] = {ZMQ_PULL, ZMQ_ROUTER, ZMQ_XPUB, ZMQ_XSUB, ZMQ_PUSH, ZMQ_DEALER};

void parse_everything(const std::string& bytes) {
    greeting theirs;
    parse_greeting(bytes, theirs);
    if (const auto command = parse_command_body(bytes)) {
        parse_subscription(*command);
        parse_ping(command->data);
        parse_error_reason(command->data);
    }
    if (const auto properties = parse_metadata(bytes)) find_property(*properties, "Identity");
    parse_subscription(std::string_view(bytes));
    first_messages(bytes, 3);
}

// Feeds a handshake until it ends, and returns how many bytes it used.
std::size_t shake(handshake& it, std::string_view bytes, std::size_t piece) {
    std::size_t used = 0;
    while (used < bytes.size() && !it.done() && !it.failed()) used += it.feed(bytes.substr(used, piece));
    it.take_output();
    return used;
}

void check_handshake(const std::string& bytes, int type, std::size_t piece) {
    handshake whole({type, "id", {}}), cut({type, "id", {}});
    const std::size_t used = shake(whole, bytes, bytes.size()), used_cut = shake(cut, bytes, piece);
    expect(whole.done() == cut.done() && whole.failure() == cut.failure(), "pieces change how a handshake ends");
    if (whole.done()) expect(used == used_cut && whole.peer().routing_id == cut.peer().routing_id, "pieces change a handshake");
}

// Returns how many bytes belong to whole messages, scanned in growing views as in a connection.
std::size_t scan(const std::string& bytes, std::size_t piece, stop& last) {
    limits limits;
    limits.frame_bytes = 5000;
    limits.frames = 50;
    scanner it(limits);
    std::size_t begin = 0;
    last = stop::partial;
    for (std::size_t end = 0; end < bytes.size() && last == stop::partial;) {
        end = std::min(end + piece, bytes.size());
        run found;
        last = it.scan(std::string_view(bytes).substr(begin, end - begin), ~std::size_t{0}, found);
        begin += found.bytes;
    }
    return begin;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    input in(data, size);
    const int type = types[in.below(std::size(types))];
    const std::size_t piece = 1 + in.below(100);
    const bool greets = in.flag();
    std::string bytes = in.bytes(size);
    scenery = "type " + std::to_string(type) + ", pieces of " + std::to_string(piece);
    parse_everything(bytes);
    check_handshake(greets ? encode(greeting{}) + bytes : bytes, type, piece);
    stop whole = stop::partial, cut = stop::partial;
    const std::size_t taken = scan(bytes, bytes.size(), whole);
    expect(taken == scan(bytes, piece, cut) && whole == cut, "pieces change what a stream contains");
    return 0;
}
