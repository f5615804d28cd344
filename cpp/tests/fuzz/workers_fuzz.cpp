// Random messages of clients and workers for the rules of each worker protocol. A message that is understood has the parts that
// the protocol gives it, and what the device makes of it is a whole message that the other side understands.

#include <algorithm>
#include <memory>
#include <vector>

#include "../../src/wire/workers/frames.hpp"
#include "../../src/wire/workers/rules.hpp"
#include "input.hpp"

namespace {

using namespace zdev::fuzz;
using namespace zdev::wire;

constexpr worker_protocol protocols[] = {worker_protocol::plain, worker_protocol::ppp, worker_protocol::mdp};
const std::string words[] = {"",     "MDPC01", "MDPC02",      "MDPW01",  "MDPW02", "\x01", "\x02",  "\x03",   "\x04",
                             "\x05", "\x06",   "mmi.service", "mmi.any", "tea",    "anna", "DRAIN", "a body", "\n"};

std::string framed(const std::vector<std::string>& frames) {
    std::string bytes;
    for (std::size_t i = 0; i < frames.size(); ++i) {
        zdev::zmtp::append_frame(bytes, i + 1 < frames.size() ? zdev::zmtp::more_flag : 0, frames[i]);
    }
    return bytes;
}

std::string random_message(input& in) {
    std::vector<std::string> frames;
    do {
        const unsigned word = in.below(std::size(words) + 2);
        frames.push_back(word < std::size(words) ? words[word] : in.bytes(word == std::size(words) ? 300 : 3));
    } while (frames.size() < 12 && in.below(4) != 0);
    return framed(frames);
}

bool is_whole(std::string_view frames) {
    bool more = true;
    while (const auto next = take_frame(frames)) more = next->more;
    return !more && frames.empty();
}

bool is_part(std::string_view part, std::string_view of) {
    return part.empty() || (part.data() >= of.data() && part.data() + part.size() <= of.data() + of.size());
}

// What a worker answers to a request: the same frames, as a REPLY or FINAL of its version.
std::string echo(worker_protocol protocol, std::string bytes, int dialect) {
    if (protocol != worker_protocol::mdp) return bytes;
    const std::size_t command = dialect == 2 ? 10 : 12;
    bytes[command] = dialect == 1 ? 3 : 4;
    return bytes;
}

void check_request(worker_rules& rules, worker_protocol protocol, const std::string& bytes) {
    asked found;
    if (!rules.read_request(bytes, found)) return expect(protocol != worker_protocol::plain, "a plain request is invalid");
    expect(std::string(found.envelope).append(found.content) == bytes, "a request has lost frames");
    expect(is_whole(found.content), "a request has no content");
    expect(is_whole(rules.failure_head(found.envelope) + framed({"failed"})), "a failure is not a whole message");
    const std::string client = framed({"anna", ""}).substr(0, 6);
    for (const int dialect : {1, 2, 3}) {
        std::string request;
        rules.append_request_head(request, client, found.envelope, dialect);
        const std::string reply = echo(protocol, request.append(found.content), dialect);
        expect(is_whole(request), "a request for a worker is not a whole message");
        const said heard = rules.read(reply);
        expect(heard.what == meaning::reply && heard.client == "anna", "the reply to a request is not understood");
        expect(rules.answers(heard.content, found.envelope), "the reply to a request is not recognised");
        for (const bool partial : {false, true}) {
            std::string head;
            rules.append_reply_head(head, found.envelope, partial);
            expect(is_whole(head.append(heard.content)), "a reply for a client is not a whole message");
        }
    }
}

void check_worker(const worker_rules& rules, const std::string& bytes) {
    const said heard = rules.read(bytes);
    expect(is_part(heard.client, bytes) && is_part(heard.content, bytes), "a part is outside of its message");
    if (heard.what != meaning::reply && heard.what != meaning::partial_reply) return;
    expect(is_whole(heard.content), "a reply has no content");
    std::string unfinished;
    append_unfinished(unfinished, heard.content);
    expect(unfinished.size() == heard.content.size() && !is_whole(unfinished), "a part of a reply ends it");
    expect(is_whole(unfinished.append(framed({"last"}))), "parts of a reply are not a whole message");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    input in(data, size);
    const unsigned which = in.below(std::size(protocols));
    scenery = "protocol " + std::to_string(which);
    const auto rules = make_rules(protocols[which], [](std::string_view name) { return name == "tea"; });
    while (!in.empty()) {
        const std::string bytes = random_message(in);
        check_request(*rules, protocols[which], bytes);
        check_worker(*rules, bytes);
    }
    asked found;
    const std::string any(reinterpret_cast<const char*>(data), size);
    rules->read_request(any, found);
    rules->read(any);
    return 0;
}
