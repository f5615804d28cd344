// The messages in the bytes of a peer, and the rules about where they may arrive, in the simplest form. Messages are strings of
// whole frames.

#ifndef ZDEV_TESTS_WIRE_ORACLE_HPP
#define ZDEV_TESTS_WIRE_ORACLE_HPP

#include <zmq.h>

#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "../src/zmtp/command.hpp"
#include "../src/zmtp/scanner.hpp"

namespace zdev::test {

enum role_name { in, out, mon };
constexpr std::array<const char*, 3> role_names{"in", "out", "mon"};

inline bool publishes(int type) { return type == ZMQ_PUB || type == ZMQ_XPUB; }
inline bool subscribes(int type) { return type == ZMQ_SUB || type == ZMQ_XSUB; }

// The type of an ordinary peer.
inline int peer_type(int type) {
    if (publishes(type)) return ZMQ_XSUB;
    if (subscribes(type)) return ZMQ_XPUB;
    return type == ZMQ_PULL ? ZMQ_PUSH : type == ZMQ_PUSH ? ZMQ_PULL : ZMQ_DEALER;
}

// Whether a connection survives a command.
inline bool is_allowed(std::string_view body) {
    const auto command = zmtp::parse_command_body(body);
    if (!command || command->name == "ERROR") return false;
    return command->name != "PING" || zmtp::parse_ping(command->data);
}

// What a peer sent after its handshake.
struct spoken {
    std::vector<std::string> messages;
    std::vector<zmtp::subscription> wishes;  // SUBSCRIBE and CANCEL commands
    bool broken = false;                     // then come bytes that end the connection
};

inline spoken understand(std::string_view stream, const zmtp::limits& limits) {
    spoken found;
    std::string text;
    std::uint64_t frames = 0, content = 0, commands = 0;
    zmtp::frame next;
    for (zmtp::parsed result; (result = zmtp::parse_header(stream, next)) != zmtp::parsed::partial;) {
        found.broken = true;
        if (result == zmtp::parsed::invalid || next.body > limits.frame_bytes) return found;
        if (next.command() && !text.empty() && ++commands > limits.commands_inside) return found;
        if (!next.command() && (content + next.body > limits.message_bytes || frames == limits.frames)) return found;
        const bool whole = next.size() <= stream.size();
        if (!whole) break;
        const auto bytes = stream.substr(0, static_cast<std::size_t>(next.size()));
        stream.remove_prefix(bytes.size());
        if (next.command()) {
            if (!is_allowed(bytes.substr(next.header))) return found;
            const auto wish = zmtp::parse_subscription(*zmtp::parse_command_body(bytes.substr(next.header)));
            if (wish) found.wishes.push_back(*wish);
            continue;
        }
        text.append(bytes);
        ++frames, content += next.body;
        if (next.more()) continue;
        found.messages.push_back(std::exchange(text, {}));
        frames = content = commands = 0;
    }
    found.broken = false;
    return found;
}

// Takes the first frame off a message and returns its body. Nothing: it is the only frame.
inline std::optional<std::string> take_first(std::string& text) {
    zmtp::frame first;
    zmtp::parse_header(text, first);
    if (!first.more()) return std::nullopt;
    std::string body = text.substr(first.header, static_cast<std::size_t>(first.body));
    text.erase(0, static_cast<std::size_t>(first.size()));
    return body;
}

inline std::string first_frame(std::string_view text) {
    zmtp::frame first;
    zmtp::parse_header(text, first);
    return std::string(text.substr(first.header, static_cast<std::size_t>(first.body)));
}

// A subscription in the form of a message.
inline std::optional<zmtp::subscription> wish_in(std::string_view text) {
    zmtp::frame first;
    zmtp::parse_header(text, first);
    if (first.more()) return std::nullopt;
    return zmtp::parse_subscription(text.substr(first.header));
}

// The routing ids that a ROUTER generates are all the same to a test.
inline std::string without_made_up(const std::string& id) { return id.size() == 5 && id[0] == '\0' ? std::string() : id; }

// One direction of a device: in which form a message that was sent arrives, and at whom.
struct direction {
    int from = -1, to = -1;  // types of the sockets that receive and send
    bool one_socket = false;

    struct letter {
        std::string text;                    // as it arrives
        std::optional<std::string> address;  // the routing id of its receiver
    };
    // Nothing: malformed. Its text begins with `sender` if a ROUTER receives it.
    std::optional<letter> relayed(std::string text, const std::string& sender) const {
        letter made;
        if (one_socket) {
            if (to == ZMQ_ROUTER) made.address = sender;
            made.text = std::move(text);
            return made;
        }
        if (to == ZMQ_ROUTER && from == ZMQ_ROUTER) {
            made.address = take_first(text);
            if (!made.address || made.address->empty() || made.address->size() > 255) return std::nullopt;
        } else if (to == ZMQ_ROUTER) {
            made.address = take_first(text);
            if (!made.address) return std::nullopt;
        }
        if (from == ZMQ_ROUTER) zmtp::append_frame(made.text, zmtp::more_flag, sender);
        made.text += text;
        return made;
    }
    // The same for a message as it arrived: a made-up id in front becomes an empty one.
    std::string normal(std::string text) const {
        if (from != ZMQ_ROUTER || one_socket) return text;
        const auto sender = take_first(text);
        if (!sender) return text;
        std::string made;
        zmtp::append_frame(made, zmtp::more_flag, without_made_up(*sender));
        return made + text;
    }
};

// Everything that was sent in one direction and everything that arrived. Each function returns the rule that was broken, or
// nothing.
class arrivals {
public:
    void sent(int sender, direction::letter&& letter) {
        auto& copies = sent_[std::move(letter.text)];
        copies.push_back({sender, next_[sender]++, std::move(letter.address)});
        ++total_;
    }
    std::size_t total() const noexcept { return total_; }

    // At one of several receivers. `ordered`: no message can have been given back by a receiver that left.
    std::optional<std::string> once(int receiver, const std::string& name, const std::string& text, bool ordered) {
        const auto found = sent_.find(text);
        if (found == sent_.end()) return "a message that nobody sent";
        if (++arrived_[text] > found->second.size()) return "a message arrived twice";
        return check(receiver, name, found->second, ordered);
    }
    // At every subscriber.
    std::optional<std::string> published(int receiver, const std::string& text) {
        const auto found = sent_.find(text);
        if (found == sent_.end()) return "a message that nobody published";
        if (++copies_[{receiver, text}] > found->second.size()) return "a copy arrived twice";
        return check(receiver, {}, found->second, true);
    }

private:
    struct origin {
        int sender;
        int number;
        std::optional<std::string> address;
    };
    std::optional<std::string> check(int receiver, const std::string& name, const std::vector<origin>& origins, bool ordered) {
        bool addressed = false;
        for (const auto& each : origins) addressed = addressed || !each.address || *each.address == name;
        if (!addressed) return "a message arrived at another peer than its receiver";
        if (origins.size() > 1 || !ordered) return std::nullopt;  // the same text twice: the order cannot be seen
        int& last = last_.try_emplace({origins[0].sender, receiver}, -1).first->second;
        if (origins[0].number <= last) return "messages arrived in another order than they were sent";
        last = origins[0].number;
        return std::nullopt;
    }

    std::map<std::string, std::vector<origin>> sent_;
    std::map<int, int> next_;
    std::map<std::string, std::size_t> arrived_;
    std::map<std::pair<int, std::string>, std::size_t> copies_;
    std::map<std::pair<int, int>, int> last_;
    std::size_t total_ = 0;
};

}  // namespace zdev::test

#endif
