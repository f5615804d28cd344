// PLAIN and CURVE as bytes: two of our handshakes, and everything that an attacker could do to what they say.

#include <gtest/gtest.h>
#include <zmq.h>

#include <array>
#include <functional>
#include <map>

#include "../src/zmtp/curve.hpp"
#include "../src/zmtp/handshake.hpp"

namespace zdev::zmtp {
namespace {

struct door final : gate {
    verdict admit(std::string_view id, std::string_view password, bool) override {
        asked.emplace_back(id);
        const auto found = known.find(std::string(id));
        return found != known.end() && found->second == password ? verdict::accepted : otherwise;
    }
    std::map<std::string, std::string> known;
    std::vector<std::string> asked;
    verdict otherwise = verdict::refused;
};

// Takes the commands out of a stream.
std::vector<std::string> commands_in(std::string_view bytes) {
    std::vector<std::string> found;
    for (frame each; parse_header(bytes, each) == parsed::whole; bytes.remove_prefix(each.size())) {
        found.emplace_back(bytes.substr(0, each.size()));
    }
    return found;
}

class Plain : public testing::Test {
protected:
    Plain() { house.known["anna"] = "secret"; }
    void talk(handshake& client, handshake& server) {
        for (int i = 0; i < 4; ++i) {
            server.feed(client.take_output());
            client.feed(server.take_output());
        }
    }
    handshake client_of(const char* name, const char* password) {
        return handshake({ZMQ_DEALER, "id", {}}, make_plain_client(name, password));
    }
    door house;
};

TEST_F(Plain, AKnownNameWithItsPasswordIsAdmitted) {
    handshake client = client_of("anna", "secret"), server({ZMQ_ROUTER, "", {}}, make_plain_server(house));
    talk(client, server);
    ASSERT_TRUE(client.done() && server.done());
    EXPECT_EQ(server.peer().routing_id, "id");
    EXPECT_EQ(server.mechanism().peer_id(), "anna");
    EXPECT_EQ(client.mechanism().make_cipher(), nullptr);
}

TEST_F(Plain, AnotherNameOrPasswordIsRefusedWithItsStatus) {
    for (const auto& [name, password] : {std::pair{"anna", "wrong"}, {"anna", ""}, {"bert", "secret"}, {"", ""}}) {
        handshake client = client_of(name, password), server({ZMQ_ROUTER, "", {}}, make_plain_server(house));
        talk(client, server);
        EXPECT_EQ(server.failure(), failure::authentication);
        EXPECT_EQ(client.failure(), failure::refused);
        EXPECT_EQ(client.reason(), "it refused: 400 (unknown name, password or key)");
    }
}

TEST_F(Plain, TheErrorOfLibzmqIsUnderstood) {
    handshake client = client_of("anna", "wrong"), server({ZMQ_ROUTER, "", {}}, make_plain_server(house));
    server.feed(client.take_output());
    client.feed(server.take_output());
    client.feed(
        "\x04\x09^RROR\x03"
        "400");
    EXPECT_EQ(client.failure(), failure::refused);
    EXPECT_EQ(client.reason(), "it refused: 400 (unknown name, password or key)");
}

TEST_F(Plain, AnUnreadableTableIsStatus500AndATemporaryFailureEndsWithoutAnError) {
    for (const auto& [answer, heard] : {std::pair{verdict::error, failure::refused}, {verdict::temporary, failure::none}}) {
        house.otherwise = answer;
        handshake client = client_of("bert", "x"), server({ZMQ_ROUTER, "", {}}, make_plain_server(house));
        talk(client, server);
        EXPECT_EQ(server.failure(), failure::authentication);
        EXPECT_EQ(client.failure(), heard);
    }
}

TEST_F(Plain, APeerWaitsForCredentialsThatAreReadAgain) {
    house.otherwise = verdict::later;
    handshake client = client_of("bert", "x"), server({ZMQ_ROUTER, "", {}}, make_plain_server(house));
    talk(client, server);
    EXPECT_TRUE(server.waits());
    house.known["bert"] = "x";
    server.decide();
    talk(server, client);
    EXPECT_TRUE(client.done() && server.done());
}

TEST_F(Plain, APasswordThatChangesDuringTheHandshakeIsRefused) {
    handshake client = client_of("anna", "secret"), server({ZMQ_ROUTER, "", {}}, make_plain_server(house));
    server.feed(client.take_output());
    client.feed(server.take_output());
    server.feed(client.take_output());
    client.feed(server.take_output());  // WELCOME
    house.known.clear();
    server.feed(client.take_output());
    EXPECT_EQ(server.failure(), failure::authentication);
}

TEST_F(Plain, AMalformedHelloIsRefused) {
    greeting theirs;
    theirs.mechanism = "PLAIN";
    for (const std::string data : {"", "\1", "\4anna", "\4anna\6secre", "\4anna\6secretx"}) {
        handshake server({ZMQ_ROUTER, "", {}}, make_plain_server(house));
        std::string hello;
        append_command(hello, "HELLO", data);
        server.feed(encode(theirs) + hello);
        EXPECT_EQ(server.failure(), failure::protocol);
    }
    EXPECT_TRUE(house.asked.empty());
}

TEST_F(Plain, TwoServersRefuseEachOther) {
    handshake one({ZMQ_ROUTER, "", {}}, make_plain_server(house)), other({ZMQ_DEALER, "", {}}, make_plain_server(house));
    talk(one, other);
    EXPECT_EQ(one.failure(), failure::mechanism);
    EXPECT_EQ(other.failure(), failure::mechanism);
}

class Curve : public testing::Test {
protected:
    Curve() {
        if (!crypto::available()) return;
        server_keys = crypto::make_keys();
        client_keys = crypto::make_keys();
        house.known[client_keys.public_key];
        client = new_client(client_keys, server_keys.public_key);
        server = new_server();
    }
    void SetUp() override {
        if (!crypto::available()) GTEST_SKIP() << "built without libsodium";
    }
    std::unique_ptr<handshake> new_client(const crypto::key_pair& keys, const std::string& server_key) {
        return std::make_unique<handshake>(identity{ZMQ_DEALER, "id", {}}, make_curve_client(keys, server_key));
    }
    std::unique_ptr<handshake> new_server() {
        return std::make_unique<handshake>(identity{ZMQ_ROUTER, "", {}}, make_curve_server(server_keys, house));
    }
    // What the sides say: greetings, and then HELLO, WELCOME, INITIATE, READY.
    using change = std::function<void(std::string&)>;
    void talk(const std::array<change, 4>& changes = {}) {
        const std::string greeting = client->take_output(), answer = server->take_output();
        server->feed(greeting);
        client->feed(answer);
        for (std::size_t i = 0; i < 4; ++i) {
            handshake &from = i % 2 == 0 ? *client : *server, &to = i % 2 == 0 ? *server : *client;
            said.push_back(from.take_output());
            if (changes[i]) changes[i](said.back());
            to.feed(said.back());
        }
    }

    crypto::key_pair server_keys, client_keys;
    door house;
    std::unique_ptr<handshake> client, server;
    std::vector<std::string> said;
};

TEST_F(Curve, AKnownKeyIsAdmittedAndNothingIsReadable) {
    talk();
    ASSERT_TRUE(client->done() && server->done());
    EXPECT_EQ(server->mechanism().peer_id(), client_keys.public_key);
    EXPECT_EQ(server->peer().routing_id, "id");
    for (const auto& each : said) {
        EXPECT_EQ(each.find("DEALER"), std::string::npos);
        EXPECT_EQ(each.find(client_keys.public_key), std::string::npos);
    }
}

TEST_F(Curve, AnUnknownKeyIsRefusedWithItsStatus) {
    house.known.clear();
    talk();
    EXPECT_EQ(server->failure(), failure::authentication);
    EXPECT_EQ(client->reason(), "it refused: 400 (unknown name, password or key)");
}

TEST_F(Curve, AServerWithAnotherKeyIsRefusedByBothSides) {
    client = new_client(client_keys, crypto::make_keys().public_key);
    talk();
    EXPECT_EQ(server->failure(), failure::authentication);
    EXPECT_TRUE(house.asked.empty());
}

TEST_F(Curve, APeerOfAnotherTypeIsNotAdmitted) {
    client = std::make_unique<handshake>(identity{ZMQ_SUB, "", {}}, make_curve_client(client_keys, server_keys.public_key));
    talk();
    EXPECT_EQ(server->failure(), failure::type);
    EXPECT_EQ(client->failure(), failure::refused);
}

TEST_F(Curve, NoByteOfAHandshakeCanBeChanged) {
    talk();
    for (std::size_t message = 0; message < 4; ++message) {
        const std::size_t size = said[message].size();
        for (std::size_t at = 0; at < size; ++at) {
            if (message == 0 && at >= 2 + 6 + 2 && at < 2 + 6 + 74) continue;  // padding of HELLO
            client = new_client(client_keys, server_keys.public_key);
            server = new_server();
            said.clear();
            std::array<change, 4> changes;
            changes[message] = [at](std::string& bytes) { bytes[at] = static_cast<char>(bytes[at] ^ 1); };
            talk(changes);
            EXPECT_FALSE(client->done()) << "message " << message << ", byte " << at;
            EXPECT_FALSE(message < 3 && server->done()) << "message " << message << ", byte " << at;
        }
    }
}

TEST_F(Curve, NoCommandCanBeReplayedLeftOutOrSentInAnotherOrder) {
    talk();
    const auto first = std::exchange(said, {});
    for (std::size_t message = 0; message < 4; ++message) {
        for (std::size_t other = 0; other < 4; ++other) {
            client = new_client(client_keys, server_keys.public_key);
            server = new_server();
            std::array<change, 4> changes;
            changes[message] = [&](std::string& bytes) { bytes = first[other]; };
            said.clear();
            talk(changes);
            EXPECT_FALSE(client->done() || (server->done() && message < 3)) << other << " of another session as " << message;
        }
    }
    for (std::size_t message = 0; message < 2; ++message) {  // a second INITIATE would come after the handshake, as a MESSAGE
        client = new_client(client_keys, server_keys.public_key);
        server = new_server();
        std::array<change, 4> changes;
        changes[message] = [](std::string& bytes) { bytes += bytes; };
        said.clear();
        talk(changes);
        EXPECT_FALSE(client->done()) << message << " twice";
    }
}

TEST_F(Curve, ACutCommandIsIncompleteAndAShorterOneIsInvalid) {
    talk();
    for (std::size_t message = 0; message < 4; ++message) {
        for (const std::size_t left : std::array<std::size_t, 3>{10, 30, 100}) {
            client = new_client(client_keys, server_keys.public_key);
            server = new_server();
            std::array<change, 4> changes;
            changes[message] = [&](std::string& bytes) {
                const auto whole = commands_in(bytes).at(0);
                frame header;
                parse_header(whole, header);
                const auto body = std::string_view(whole).substr(header.header);
                bytes.clear();
                append_frame(bytes, command_flag, body.substr(0, std::min(left, body.size() - 1)));
            };
            said.clear();
            talk(changes);
            EXPECT_FALSE(client->done());
        }
    }
}

// A client made by hand, which can say that it has any key, and vouch for anything.
class forger {
public:
    struct vouch {
        std::string key;                     // the one that it claims to have
        crypto::secret_key signer;           // with which the vouch is made
        std::string short_term, server_key;  // what it vouches for
    };

    explicit forger(std::string server_key) : server_key_(std::move(server_key)) {
        crypto::agree(hello_key_, server_key_, short_term_.secret);
    }
    const std::string& short_term() const { return short_term_.public_key; }

    // Shakes hands with the server until INITIATE.
    void talk(handshake& server, const vouch& with) {
        greeting ours;
        ours.mechanism = "CURVE";
        server.take_output();
        std::string hello("\1\0", 2), said = encode(ours);
        hello.append(72, '\0').append(short_term()).append(number(1));
        hello += sealed(std::string(64, '\0'), "CurveZMQHELLO---" + number(1), hello_key_);
        append_command(said, "HELLO", hello);
        server.feed(said);
        const std::string welcome = server.take_output();
        const auto box = std::string_view(welcome).substr(2 + 8);
        std::string inside(box.size() - 16 - crypto::mac_size, '\0');
        ASSERT_TRUE(
            crypto::open(inside.data(), box.substr(16), nonce_of("WELCOME-" + std::string(box.substr(0, 16))), hello_key_));
        said.clear();
        append_command(said, "INITIATE", initiate(inside.substr(0, 32), inside.substr(32), with));
        server.feed(said);
    }

private:
    static crypto::nonce nonce_of(const std::string& text) {
        crypto::nonce made;
        text.copy(reinterpret_cast<char*>(made.data()), made.size());
        return made;
    }
    static std::string number(int n) { return std::string(7, '\0') + static_cast<char>(n); }
    static std::string sealed(const std::string& plain, const std::string& nonce, const crypto::secret_key& key) {
        std::string box(plain.size() + crypto::mac_size, '\0');
        crypto::seal(box.data(), plain, nonce_of(nonce), key);
        return box;
    }
    std::string initiate(const std::string& server_short_term, const std::string& cookie, const vouch& with) const {
        crypto::secret_key session, vouching;
        crypto::agree(session, server_short_term, short_term_.secret);
        crypto::agree(vouching, server_short_term, with.signer);
        const std::string nonce(16, 'n');
        std::string inside = with.key + nonce + sealed(with.short_term + with.server_key, "VOUCH---" + nonce, vouching);
        append_property(inside, "Socket-Type", "DEALER");
        return cookie + number(2) + sealed(inside, "CurveZMQINITIATE" + number(2), session);
    }

    const std::string server_key_;
    const crypto::key_pair short_term_ = crypto::make_keys();
    crypto::secret_key hello_key_;
};

TEST_F(Curve, AVouchIsWorthNothingWithAnotherKeyForAnotherConnectionOrForAnotherServer) {
    const auto mallory = crypto::make_keys();
    const std::string others = crypto::make_keys().public_key;
    const auto result = [&](const forger::vouch& with, forger& client) {
        server = new_server();
        house.asked.clear();
        client.talk(*server, with);
        return server->done();
    };
    forger client(server_keys.public_key);
    const std::string& own = client.short_term();
    EXPECT_TRUE(result({client_keys.public_key, client_keys.secret, own, server_keys.public_key}, client));
    const std::vector<forger::vouch> forged = {
        {client_keys.public_key, mallory.secret, own, server_keys.public_key},         // without the client's secret
        {client_keys.public_key, client_keys.secret, others, server_keys.public_key},  // of another connection of the client
        {client_keys.public_key, client_keys.secret, own, others},                     // for another server
        {mallory.public_key, client_keys.secret, own, server_keys.public_key},         // of another client
    };
    for (const auto& each : forged) {
        EXPECT_FALSE(result(each, client));
        EXPECT_EQ(server->failure(), failure::authentication);
        EXPECT_TRUE(house.asked.empty());
    }
}

class Sealed : public Curve {
protected:
    void SetUp() override {
        Curve::SetUp();
        if (IsSkipped()) return;
        talk();
        ours = client->mechanism().make_cipher();
        theirs = server->mechanism().make_cipher();
    }
    std::string seal(const std::string& body, unsigned char flags = 0) {
        std::string to(body.size() + longest_header + cipher::overhead, '\0');
        to.resize(ours->seal(to.data(), flags, body));
        return to;
    }
    std::string open(std::string bytes) {
        frame header;
        parse_header(bytes, header);
        const auto size = theirs->open(bytes.data(), std::string_view(bytes).substr(header.header));
        return bytes.substr(0, size);
    }
    std::unique_ptr<cipher> ours, theirs;
};

TEST_F(Sealed, FramesOfAnySizeArriveAsTheyWereSent) {
    for (const std::size_t size : std::array<std::size_t, 10>{0, 1, 221, 222, 223, 254, 255, 256, 300, 70000}) {
        for (const unsigned char flags : std::array<unsigned char, 3>{0, more_flag, command_flag}) {
            std::string body(size, 'x'), plain;
            append_frame(plain, flags, body);
            EXPECT_EQ(open(seal(body, flags)), plain) << size;
        }
    }
}

// The key of a direction is derived once, by us; the boxes must be those that libsodium makes of the whole nonce.
TEST_F(Sealed, AMessageIsABoxOfLibsodium) {
    const crypto::secret_key shared(std::string(crypto::key_size, 's'));
    cipher writer(shared, false, 2, 0), reader(shared, true, 0, 2);
    for (std::size_t number = 3, size = 0; size < 12000; ++number, size += size < 400 ? 1 : 97) {
        crypto::nonce whole{};
        std::string("CurveZMQMESSAGEC").copy(reinterpret_cast<char*>(whole.data()), 16);
        detail::put_big_endian(reinterpret_cast<char*>(whole.data()) + 16, number);
        std::string body(size, static_cast<char>(number)), box(1 + size + crypto::mac_size, '\0');
        crypto::seal(box.data(), std::string(1, '\0') + body, whole, shared);
        std::string sealed(size + longest_header + cipher::overhead, '\0'), plain;
        sealed.resize(writer.seal(sealed.data(), 0, body));
        frame outer;
        parse_header(sealed, outer);
        ASSERT_EQ(sealed.substr(outer.header + 16), box) << size;
        append_frame(plain, 0, body);
        sealed.resize(reader.open(sealed.data(), std::string_view(sealed).substr(outer.header)));
        ASSERT_EQ(sealed, plain) << size;
    }
}

TEST_F(Sealed, NoByteCanBeChanged) {
    const std::string sealed = seal("hello");
    for (std::size_t at = 2; at < sealed.size(); ++at) {
        std::string changed = sealed;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        EXPECT_EQ(open(changed), "") << at;
    }
    EXPECT_NE(open(sealed), "");
}

TEST_F(Sealed, NoFrameCanBeReplayedOrReordered) {
    const std::string first = seal("1"), second = seal("2"), third = seal("3");
    EXPECT_NE(open(first), "");
    EXPECT_EQ(open(first), "");
    EXPECT_NE(open(third), "");
    EXPECT_EQ(open(second), "");
}

// The box is genuine, and its number one that was used already: in the handshake, or by a message.
TEST_F(Sealed, ANumberThatIsNotGreaterThanTheLastIsRefused) {
    const crypto::secret_key shared(std::string(crypto::key_size, 's'));
    for (const std::uint64_t number : std::array<std::uint64_t, 4>{0, 1, 2, 6}) {
        ours = std::make_unique<cipher>(shared, false, number, 0);  // seals with the next number
        theirs = std::make_unique<cipher>(shared, true, 0, 7);
        EXPECT_EQ(open(seal("x")), "") << number + 1;
    }
    EXPECT_NE(open(seal("x")), "") << "8";
}

// As pyomq sets them; libzmq has none.
TEST_F(Sealed, TheFlagsOfTheFrameAroundItMeanNothing) {
    for (const unsigned char outer : std::array<unsigned char, 3>{0, more_flag, command_flag}) {
        std::string sealed = seal("x"), plain;
        sealed[0] = static_cast<char>(outer);
        append_frame(plain, 0, "x");
        EXPECT_EQ(open(sealed), plain);
    }
}

TEST_F(Sealed, AFrameOfAnotherSessionOrDirectionIsRefused) {
    std::string own(100, '\0');
    own.resize(theirs->seal(own.data(), 0, "back"));
    EXPECT_EQ(open(own), "");
    client = new_client(client_keys, server_keys.public_key);
    server = new_server();
    talk();
    ours = client->mechanism().make_cipher();
    EXPECT_EQ(open(seal("other")), "");
}

TEST_F(Sealed, AnythingShorterOrNotAMessageIsRefused) {
    const std::string sealed = seal("");
    for (std::size_t left = 2; left < sealed.size(); ++left) EXPECT_EQ(open(sealed.substr(0, left)), "");
    std::string plain;
    append_frame(plain, 0, std::string(100, 'x'));
    EXPECT_EQ(open(plain), "");
}

}  // namespace
}  // namespace zdev::zmtp
