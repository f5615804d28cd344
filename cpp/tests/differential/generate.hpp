// Byte strings that a peer could send, from a seed: a greeting, a READY, messages, commands and rubbish.
//
// A part that the engines are known to treat differently has the name of that difference; see `explained`.

#ifndef ZDEV_TESTS_DIFFERENTIAL_GENERATE_HPP
#define ZDEV_TESTS_DIFFERENTIAL_GENERATE_HPP

#include <map>
#include <random>
#include <set>
#include <string>

#include "../wire_oracle.hpp"
#include "../wire_peer.hpp"

namespace zdev::test {

constexpr std::int64_t largest_frame = 70000;  // MAXMSGSIZE of both engines

// The differences, and why they are right.
inline const std::map<std::string, std::string> explained{
    {"older ZMTP", "libzmq serves ZMTP 1.0 and 2.0; wire refuses them"},
    {"signature", "libzmq checks one bit of the signature's last byte; wire requires 0x7F"},
    {"greeting filler", "wire ignores bytes after the mechanism's name, as it ignores the filler; libzmq compares all 20"},
    {"READY as message", "libzmq accepts a READY without the command flag; RFC 23 requires it"},
    {"no Socket-Type", "libzmq accepts a READY without Socket-Type; RFC 23 requires it"},
    {"two Socket-Types", "libzmq checks each; wire uses the first"},
    {"reserved flags", "RFC 23: these bits must be zero; libzmq ignores them"},
    {"command with more", "RFC 23: a command has one frame; libzmq ignores the flag or joins it to a message"},
    {"empty command name", "RFC 23: a name has 1 to 255 characters; libzmq ignores such a command"},
    {"bad PING", "libzmq reads outside of a PING that is too short, and cuts off a context that is too long"},
    {"ERROR later", "libzmq ignores an ERROR after the handshake; wire closes"},
    {"subscription to others", "libzmq passes SUBSCRIBE and CANCEL on as messages, which a device drops; wire ignores them"},
    {"many commands inside", "only wire limits the commands within a message"},
    {"subscription in a message",
     "libzmq reads a subscription in the first frame of a longer message; wire does not. A command "
     "between its frames makes a device on libzmq drop the message; wire executes it"},
    {"reserved id", "wire refuses a routing id that begins with 0 or has more than 255 bytes"},
    {"frame beyond the limit", "libzmq may close before it delivers the messages in front of it"},
    {"name of other case", "RFC 23 compares property names without case, as wire does; and command names with case"},
};

class generator {
public:
    generator(std::uint64_t seed, int ours, int theirs) : random_(seed), ours_(ours), theirs_(theirs) {}

    std::string hello;  // libzmq ends the connection of a peer that does not wait for its READY before it sends more
    std::string bytes;  // everything after it
    std::set<std::string> differences;
    bool clean = true;  // ends at the end of a message, if nothing before it ends the connection

    void make() {
        greet();
        introduce();
        for (std::size_t left = below(12); left > 0; --left) item();
        if (below(6) == 0) bytes.resize(bytes.size() - below(std::min<std::size_t>(bytes.size(), 100))), clean = false;
    }
    std::size_t below(std::size_t n) { return n == 0 ? 0 : random_() % n; }
    bool rarely() { return below(40) == 0; }

private:
    void differs(const char* name) { differences.insert(name); }
    std::string text(std::size_t most) {
        std::string made(below(most + 1), '\0');
        for (char& each : made) each = static_cast<char>(below(256));
        return made;
    }

    void greet() {
        zmtp::greeting theirs;
        theirs.minor = static_cast<unsigned char>(below(2));
        std::string made = encode(theirs);
        if (rarely()) made[10] = static_cast<char>(below(3)), differs("older ZMTP");
        if (rarely()) made[10] = '\4';
        if (rarely()) made[9] = '\1', differs("signature");
        if (rarely()) made[0] = 'G', differs("older ZMTP");  // libzmq takes it for the length of a routing id
        if (rarely()) made[25] = 'x', differs("greeting filler");
        if (rarely()) made[12] = 'M', clean = false;
        if (below(10) == 0) made[32] = '\1', made[40] = 'x';  // as-server and filler mean nothing with NULL
        hello += made;
    }
    void introduce() {
        std::string properties, type(zmtp::type_name(theirs_));
        if (rarely()) type = "PAIR", clean = false;
        if (rarely()) type = "pull", clean = false;
        const bool other_case = rarely();
        if (other_case) differs("name of other case");
        if (!rarely())
            zmtp::append_property(properties, other_case ? "socket-TYPE" : "Socket-Type", type);
        else
            differs("no Socket-Type");
        std::string id = below(3) == 0 ? std::string() : "id" + std::to_string(random_());
        if (rarely()) id = std::string(1, '\0') + "x", differs("reserved id");
        if (rarely()) id = std::string(256, 'x'), differs("reserved id");
        zmtp::append_property(properties, "Identity", id);
        if (rarely()) zmtp::append_property(properties, "Socket-Type", "PAIR"), differs("two Socket-Types");
        if (below(4) == 0) zmtp::append_property(properties, "X-" + std::to_string(below(100)), text(300));
        if (rarely()) properties += text(10), clean = false, differs("name of other case");
        const bool plain = rarely();
        if (plain)
            zmtp::append_frame(hello, 0, "\5READY" + properties), differs("READY as message");
        else
            zmtp::append_command(hello, rarely() ? (clean = false, "HELLO") : "READY", properties);
    }

    void item() {
        if (below(60) == 0) return rubbish();
        if (below(4) == 0) return command();
        message();
    }
    void frame(unsigned char flags, const std::string& body) {
        if (body.size() > static_cast<std::size_t>(largest_frame)) clean = false, differs("frame beyond the limit");
        if (below(300) == 0) flags |= static_cast<unsigned char>(8 << below(5)), differs("reserved flags");
        if (below(8) == 0) {  // a long size where a short one would do
            bytes += static_cast<char>(flags | zmtp::large_flag);
            for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(std::uint64_t{body.size()} >> shift & 0xff);
            bytes += body;
        } else {
            char header[zmtp::longest_header];
            bytes.append(header, zmtp::write_header(header, flags, body.size())).append(body);
        }
    }
    void message() {
        const std::size_t frames = below(3) == 0 ? 1 : 1 + below(below(20) == 0 ? 200 : 4);
        for (std::size_t i = 0; i < frames; ++i) {
            if (i > 0 && below(10) == 0) command(true);
            std::string made = body();
            // What a publisher's peer sends in this form is a subscription.
            if (frames > 1 && !made.empty() && (made[0] == 0 || made[0] == 1)) differs("subscription in a message");
            frame(i + 1 < frames ? zmtp::more_flag : 0, made);
        }
    }
    std::string body() {
        switch (below(12)) {
            case 0: return {};
            case 1: return text(8);
            case 2: return std::string(below(4) == 0 ? below(static_cast<std::size_t>(largest_frame)) : below(3000), 'm');
            case 3: return std::string(200 + below(100), 'b');
            case 4: return below(40) == 0 ? std::string(static_cast<std::size_t>(largest_frame) + 1, 'l') : std::string("s");
            default: return "m" + std::to_string(random_() % 1000);
        }
    }
    void command(bool inside = false) {
        switch (below(9)) {
            case 0: return zmtp::append_ping(bytes, {std::chrono::milliseconds(below(2) * 100'000), text(16)});
            case 1: return zmtp::append_pong(bytes, text(16));
            case 2: return zmtp::append_command(bytes, "FUTURE", text(300));
            case 3:
                if (!rarely()) return;
                return differs("bad PING"),
                       zmtp::append_command(bytes, "PING", below(2) == 0 ? text(1) : text(2) + std::string(20, 'c'));
            case 4:
                if (rarely()) differs("ERROR later"), zmtp::append_error(bytes, "why");
                return;
            case 5:
                if (rarely()) differs("empty command name"), zmtp::append_command(bytes, "", text(4));
                return;
            case 6:
                if (rarely()) differs("command with more"), frame(zmtp::command_flag | zmtp::more_flag, "\3ABC");
                return;
            default:
                if (ours_ != ZMQ_XPUB && !rarely()) return;
                if (ours_ != ZMQ_XPUB) differs("subscription to others");
                if (inside) differs("subscription in a message");
                return zmtp::append_subscription(bytes, 1, {below(3) > 0, topic()});
        }
    }
    std::string topic() { return std::string("abc").substr(below(3), below(3)); }
    void rubbish() {
        clean = false;
        for (const auto& [name, why] : explained) differences.insert(name);  // it may be anything
        bytes += text(200);
    }

    std::mt19937_64 random_;
    int ours_, theirs_;
};

}  // namespace zdev::test

#endif
