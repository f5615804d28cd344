// Random bytes for every parser of the protocol. However they are cut, the handshake and the scanner get the same result as
// with all of them at once, and read nothing outside of them (the sanitizers check that).

#include <zmq.h>

#include <algorithm>

#include "../../src/zmtp/curve.hpp"
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

struct gatekeeper final : gate {
    verdict admit(std::string_view id, std::string_view, bool) override {
        return id == "anna" || id.size() == crypto::key_size ? verdict::accepted : verdict::refused;
    }
};

const crypto::key_pair& keys() {
    static const auto& fixed = *new crypto::key_pair([] {
        const crypto::secret_key secret(std::string(crypto::key_size, 'k'));
        return crypto::key_pair{crypto::public_key_of(secret), secret};
    }());
    return fixed;
}

std::unique_ptr<mechanism> mechanism_of(std::size_t piece) {
    static gatekeeper door;
    const bool curve = crypto::available();
    switch (piece % 8) {
        case 1: return make_plain_server(door);
        case 2: return make_plain_client("anna", "secret");
        case 3: return curve ? make_curve_server(keys(), door) : make_null();
        case 4: return curve ? make_curve_client(keys(), keys().public_key) : make_null();
        default: return make_null();
    }
}

// What a client of CURVE says first; random bytes would never be that.
std::string hello() {
    handshake client({ZMQ_DEALER, "id", {}}, make_curve_client(keys(), keys().public_key));
    client.take_output();
    greeting theirs;
    theirs.mechanism = "CURVE";
    client.feed(encode(theirs));
    return client.take_output();
}

// However a frame is changed, a cipher refuses it; and it accepts what was sealed.
void check_cipher(std::string bytes) {
    if (!crypto::available()) return;
    const crypto::secret_key shared(std::string(crypto::key_size, 's'));
    cipher ours(shared, false, 2, 2), theirs(shared, true, 2, 2);
    std::string opened(bytes.size() + longest_header, '\0');
    expect(theirs.open(opened.data(), bytes) == 0, "random bytes are accepted");
    std::string sealed(bytes.size() + longest_header + cipher::overhead, '\0');
    sealed.resize(ours.seal(sealed.data(), 0, bytes));
    frame outer;
    parse_header(sealed, outer);
    std::string changed = sealed;
    const std::size_t at = outer.header + bytes.size() % outer.body;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    expect(theirs.open(changed.data(), std::string_view(changed).substr(outer.header)) == 0, "a changed frame is accepted");
    const std::size_t size = theirs.open(sealed.data(), std::string_view(sealed).substr(outer.header));
    std::string plain;
    append_frame(plain, 0, bytes);
    expect(sealed.substr(0, size) == plain, "a sealed frame is not what was sealed");
}

void check_handshake(const std::string& bytes, int type, std::size_t piece) {
    handshake whole({type, "id", {}}, mechanism_of(piece)), cut({type, "id", {}}, mechanism_of(piece));
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
    greeting theirs;
    theirs.mechanism = mechanism_of(piece)->name();
    const bool says_hello = greets && theirs.mechanism == "CURVE" && piece > 50;
    check_handshake((greets ? encode(theirs) : "") + (says_hello ? hello() : "") + bytes, type, piece);
    check_cipher(bytes);
    stop whole = stop::partial, cut = stop::partial;
    const std::size_t taken = scan(bytes, bytes.size(), whole);
    expect(taken == scan(bytes, piece, cut) && whole == cut, "pieces change what a stream contains");
    return 0;
}
