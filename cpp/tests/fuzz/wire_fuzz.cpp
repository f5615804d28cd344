// One connection of the wire engine, and a peer that sends frames, commands and random bytes, cut anywhere, while its messages
// are taken or refused. The messages taken are those sent, whole and in order, and a refused message is offered again.

#include <sys/socket.h>
#include <zmq.h>

#include "../../src/wire/connection.hpp"
#include "input.hpp"

namespace {

using namespace zdev::fuzz;
using namespace zdev::wire;
namespace zmtp = zdev::zmtp;

// The messages of a stream, up to the first error, found in the simplest way.
std::vector<std::string> messages_of(std::string_view stream) {
    std::vector<std::string> found;
    std::string message;
    for (zmtp::frame next; zmtp::parse_header(stream, next) == zmtp::parsed::whole && next.size() <= stream.size();) {
        const auto bytes = stream.substr(0, static_cast<std::size_t>(next.size()));
        stream.remove_prefix(bytes.size());
        if (next.command()) continue;
        message.append(bytes);
        if (!next.more()) found.push_back(std::exchange(message, {}));
    }
    return found;
}

class scene final : public connection_handler {
public:
    explicit scene(input& in) : in_(in) {
        int ends[2];
        expect(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0, "no socket pair");
        peer_ = descriptor(ends[1]);
        options_.maxmsgsize = 600000;
        options_.max_message_frames = 200;
        batch_ = in_.flag() ? 1 : ~std::size_t{0};
        connection_ =
            std::make_unique<connection>(loop_, *this, descriptor(ends[0]), options_, zmtp::identity{ZMQ_PULL, {}, {}});
        scenery = batch_ == 1 ? "one message at a time" : "runs";
    }

    void play() {
        zmtp::handshake theirs({ZMQ_PUSH, {}, {}});
        write(theirs.take_output());
        theirs.feed(zmtp::encode({}));
        write(theirs.take_output());
        for (int i = 0; !in_.empty() && i < 100 && connection_; ++i) step();
        refuse_ = 0;
        settle();
        const auto expected = messages_of(stream_);
        expect(taken_.size() <= expected.size(), "a message that was not sent");
        for (std::size_t i = 0; i < taken_.size(); ++i) expect(taken_[i] == expected[i], "a message is not as it was sent");
        if (connection_) expect(taken_.size() == expected.size(), "a message is missing");
    }

private:
    void step() {
        switch (in_.below(8)) {
            case 0: send(in_.bytes(in_.below(40))); break;
            case 1: zmtp::append_ping(pending_, {std::chrono::milliseconds(0), in_.bytes(in_.below(17))}); break;
            case 2: zmtp::append_subscription(pending_, 1, {in_.flag(), "topic"}); break;
            case 3: refuse_ = static_cast<int>(in_.below(4)); break;
            case 4: cut_ = 1 + std::size_t{in_.below(200)} * in_.below(200); break;
            case 5: frame(std::size_t{in_.below(256)} * 4096); break;
            default: frame(in_.below(256)); break;
        }
        if (in_.below(3) == 0) send(std::exchange(pending_, {}));
    }
    void frame(std::size_t size) {
        zmtp::append_frame(pending_, in_.flag() ? zmtp::more_flag : 0, std::string(std::min<std::size_t>(size, 500000), 'x'));
    }
    void send(const std::string& bytes) {
        stream_ += bytes;
        const std::size_t piece = std::max(cut_, bytes.size() / 500);
        for (std::size_t at = 0; at < bytes.size() && connection_; at += piece) write(bytes.substr(at, piece));
    }
    // Alternates between the peer, which also reads, and the loop.
    void write(std::string bytes) {
        for (int idle = 0; !bytes.empty() && connection_ && idle < 100; ++idle) {
            const ssize_t count = ::send(peer_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (count > 0) bytes.erase(0, static_cast<std::size_t>(count)), idle = 0;
            turn();
        }
        if (!bytes.empty())
            stream_.resize(stream_.size() - bytes.size());  // the connection stays held: these bytes were never sent
    }
    void turn() {
        loop_.turn(milliseconds(0));
        char rubbish[4096];
        while (::recv(peer_.get(), rubbish, sizeof rubbish, 0) > 0) {
        }
        if (connection_ && held_ && refuse_-- == 0) held_ = false, refuse_ = 0, connection_->resume(), loop_.settle();
        refuse_ = std::max(refuse_, 0);
    }
    void settle() {
        for (int i = 0; i < 200; ++i) turn();
    }

    bool on_handshake(connection&) override { return true; }
    bool may_read() const override { return refuse_ == 0; }
    std::size_t batch(const connection&) override { return batch_; }
    std::size_t on_messages(connection&, std::string_view bytes, const zmtp::run& run, buffer* whole) override {
        const zmtp::run found = zmtp::first_messages(bytes, run.messages);
        expect(found.bytes == bytes.size() && found.frames == run.frames && found.content == run.content,
               "a run is miscounted");
        expect(!whole || (run.messages == 1 && whole->view() == bytes), "a buffer that is not the message");
        if (refuse_ > 0) {
            held_ = true;
            return 0;
        }
        const zmtp::run first = zmtp::first_messages(bytes, 1 + in_.below(4));
        const std::size_t before = taken_.size();
        for (auto& message : messages_of(bytes.substr(0, first.bytes))) taken_.push_back(std::move(message));
        expect(taken_.size() - before == first.messages, "a command within a run");
        held_ = first.bytes < bytes.size();
        if (whole && !held_) const buffer kept = std::move(*whole);
        return first.bytes;
    }
    void on_subscription(connection&, const zmtp::subscription& wish) override {
        expect(wish.prefix.size() < 600000, "a subscription beyond the limit");
    }
    void on_room(connection&) override {}
    void on_unwritable(connection&) override {}
    void on_end(connection&, ending, const std::string&) override { connection_.reset(); }

    input& in_;
    loop loop_;
    socket_options options_;
    descriptor peer_;
    std::unique_ptr<connection> connection_;
    std::string pending_, stream_;
    std::vector<std::string> taken_;
    std::size_t cut_ = 65536, batch_ = 1;
    int refuse_ = 0;
    bool held_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    input in(data, size);
    scene(in).play();
    return 0;
}
