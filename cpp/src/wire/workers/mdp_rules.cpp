// Majordomo 0.1 (RFC 7), 0.2 (RFC 18) and its management interface (RFC 8): https://rfc.zeromq.org/spec/7/

#include <algorithm>

#include "frames.hpp"
#include "rules.hpp"

namespace zdev::wire {

namespace {

// Version 0.2 has no empty frame in front of its commands (RFC 18, "Goals"), but there are workers that send it: a device
// answers them in the same way.
enum version { none, mdp_01, mdp_02, mdp_02_behind_empty };

// The commands of workers (RFC 7 and RFC 18, "MDP/Worker").
struct commands {
    char ready, request, partial, reply, heartbeat, disconnect;
};
constexpr commands of_01{1, 2, -1, 3, 4, 5}, of_02{1, 2, 3, 4, 5, 6};  // reply: FINAL in 0.2

constexpr std::string_view client_01 = "MDPC01", client_02 = "MDPC02", worker_01 = "MDPW01", worker_02 = "MDPW02";
constexpr std::string_view asks = "\x01", partial = "\x02", final = "\x03";  // of clients of 0.2 (RFC 18, "MDP/Client")
constexpr std::string_view internal = "mmi.";                                // RFC 8, "Namespace"
constexpr std::string_view found_200("\0\003200", 5), not_found_404("\0\003404", 5), not_implemented_501("\0\003501", 5);

const commands& commands_of(int of) noexcept { return of == mdp_01 ? of_01 : of_02; }

// "Printable string": UTF-8 without control characters. The RFC has no limit of its length.
bool can_be_service(std::string_view name) noexcept {
    const auto is_control = [](char each) { return (each >= 0 && each < ' ') || each == 127; };
    return !name.empty() && name.size() <= 255 && std::none_of(name.begin(), name.end(), is_control);
}

bool is_internal(std::string_view service) noexcept { return service.substr(0, internal.size()) == internal; }

// Takes the frames in front of a command.
int take_dialect(std::string_view& frames) noexcept {
    auto next = take_frame(frames);
    const bool empty = next && next->content.empty();
    if (empty) next = take_frame(frames);
    if (!next || !next->more) return none;
    if (next->content == worker_02) return empty ? mdp_02_behind_empty : mdp_02;
    return empty && next->content == worker_01 ? mdp_01 : none;
}

class mdp_rules final : public worker_rules {
public:
    explicit mdp_rules(directory has_workers) : has_workers_(std::move(has_workers)) {}

    bool read_request(std::string_view frames, asked& found) override {
        std::string_view rest = frames;
        const auto first = take_frame(rest), second = take_frame(rest), service = take_frame(rest);
        if (!service || !service->more || !can_be_service(service->content)) return false;
        const bool is_01 = first->content.empty() && second->content == client_01;
        if (!is_01 && !(first->content == client_02 && second->content == asks)) return false;
        found.service = service->content;
        found.envelope = frames.substr(0, frames.size() - rest.size());
        found.content = rest;
        if (is_internal(found.service)) found.answer = answer(found.service, rest);
        return true;
    }

    said read(std::string_view frames) const override {
        said found;
        const int dialect = take_dialect(frames);
        const auto command = take_frame(frames);
        if (dialect == none || !command || command->content.size() != 1) return found;
        const commands& known = commands_of(dialect);
        const char byte = command->content[0];
        if (byte == known.ready) {
            found.what = read_ready(frames, found);
        } else if (byte == known.reply || byte == known.partial) {
            found.what = read_reply(frames, found, byte == known.partial);
        } else if (!command->more) {
            found.what = byte == known.heartbeat    ? meaning::heartbeat
                         : byte == known.disconnect ? meaning::leaving
                                                    : meaning::invalid;
        }
        if (found.what != meaning::invalid) found.dialect = dialect;
        return found;
    }

    void append_request_head(std::string& to, std::string_view client, std::string_view, int dialect) const override {
        append_command(to, dialect, commands_of(dialect).request, true);
        to.append(client);
        zmtp::append_frame(to, zmtp::more_flag, {});
    }
    // A client of 0.1 gets the frames of its request; one of 0.2 another command.
    void append_reply_head(std::string& to, std::string_view envelope, bool is_partial) const override {
        if (!takes_parts(envelope)) return void(to.append(envelope));
        std::string_view rest = envelope;
        take_frame(rest);
        to.append(envelope.substr(0, envelope.size() - rest.size()));
        zmtp::append_frame(to, zmtp::more_flag, is_partial ? partial : final);
        take_frame(rest);
        to.append(rest);
    }
    std::string failure_head(std::string_view envelope) const override {
        std::string head;
        append_reply_head(head, envelope, false);
        return head;
    }
    bool answers(std::string_view, std::string_view) const override { return true; }  // a worker has one request
    bool takes_parts(std::string_view envelope) const override {
        const auto first = take_frame(envelope);
        return first && !first->content.empty();
    }

    bool registers() const override { return true; }
    std::string heartbeat(int dialect) const override { return alone(dialect, commands_of(dialect).heartbeat); }
    std::string goodbye(int dialect) const override { return alone(dialect, commands_of(dialect).disconnect); }

private:
    // RFC 8, "Default services".
    std::string_view answer(std::string_view service, std::string_view body) const {
        if (service != "mmi.service") return not_implemented_501;
        const auto name = take_frame(body);
        return name && has_workers_(name->content) ? found_200 : not_found_404;
    }

    // RFC 8: a broker "MUST disconnect any workers that attempt to register services in this namespace".
    static meaning read_ready(std::string_view frames, said& found) noexcept {
        const auto service = take_frame(frames);
        if (!service || service->more || !can_be_service(service->content)) return meaning::invalid;
        found.content = service->content;
        return is_internal(service->content) ? meaning::misplaced : meaning::ready;
    }

    // "Precisely one client address frame", then an empty one.
    static meaning read_reply(std::string_view frames, said& found, bool is_partial) noexcept {
        const auto client = take_frame(frames), empty = take_frame(frames);
        if (!empty || !empty->more || !empty->content.empty()) return meaning::invalid;
        found.client = client->content;
        found.content = frames;
        return is_partial ? meaning::partial_reply : meaning::reply;
    }

    static void append_command(std::string& to, int dialect, char command, bool more) {
        if (dialect != mdp_02) zmtp::append_frame(to, zmtp::more_flag, {});
        zmtp::append_frame(to, zmtp::more_flag, dialect == mdp_01 ? worker_01 : worker_02);
        zmtp::append_frame(to, more ? zmtp::more_flag : 0, {&command, 1});
    }
    static std::string alone(int dialect, char command) {
        std::string bytes;
        if (dialect != none) append_command(bytes, dialect, command, false);
        return bytes;
    }

    const directory has_workers_;
};

}  // namespace

std::unique_ptr<worker_rules> make_mdp_rules(directory has_workers) {
    return std::make_unique<mdp_rules>(std::move(has_workers));
}

}  // namespace zdev::wire
