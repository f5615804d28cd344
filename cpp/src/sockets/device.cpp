#include <cerrno>
#include <string>

#include "device_impl.hpp"

namespace zdev {

namespace {

bool publishes(const relay_socket& socket) { return socket.type() == ZMQ_XPUB || socket.type() == ZMQ_XSUB; }

}  // namespace

device::impl::impl(zmq::socket_ref in, zmq::socket_ref out, const options& options)
    : in_(in, "in"),
      own_out_(in == out ? std::nullopt : std::make_optional<relay_socket>(out, "out")),
      out_(own_out_ ? *own_out_ : in_),
      mon_(options.monitor.socket == nullptr ? std::nullopt : std::make_optional<relay_socket>(options.monitor.socket, "mon")),
      ways_(check_pair(in_, out_)),
      replies_(ways_.forward && ways_.backward && !publishes(in_) && !publishes(out_)
                   ? std::make_optional<pending_replies>(in_.type() == ZMQ_ROUTER)
                   : std::nullopt),
      drain_timeout_(options.drain_timeout) {
    if (mon_) check_type(*mon_, {ZMQ_PUB, ZMQ_XPUB, ZMQ_PUSH, ZMQ_PAIR, ZMQ_DEALER});
    if (options.control != nullptr) control_.emplace(options.control);
    check_separate();
    make_flows(options);
    if (mon_ && mon_->type() == ZMQ_XPUB) unread_[0] = &*mon_;
    if (in_.type() == ZMQ_XPUB && !forward_) unread_[1] = &in_;
    if (out_.type() == ZMQ_XPUB && !backward_ && own_out_) unread_[2] = &out_;
}

// `in` and `out` may be one socket; the others may not.
void device::impl::check_separate() const {
    for (const relay_socket* extra : {mon_ ? &*mon_ : nullptr, control_ ? &control_->socket() : nullptr}) {
        if (extra && (extra->handle() == in_.handle() || extra->handle() == out_.handle())) {
            throw error(EINVAL,
                        std::string("device: ") + extra->role() + " is the same socket as in or out: use a separate socket");
        }
    }
    if (mon_ && control_ && mon_->handle() == control_->socket().handle()) {
        throw error(EINVAL, "device: mon and ctrl are the same socket: use separate sockets");
    }
}

void device::impl::make_flows(const options& options) {
    const auto tap_after = [&](const std::optional<std::string>& prefix) {
        return tap(mon_ ? &*mon_ : nullptr, prefix, options.monitor);
    };
    pending_replies* const replies = replies_ ? &*replies_ : nullptr;
    if (ways_.forward) {
        const flow::replies requests{replies, replies != nullptr};
        forward_.emplace(in_, out_, options.on_full, tap_after(options.monitor.in_prefix), requests);
    }
    if (ways_.backward) {
        backward_.emplace(out_, in_, options.on_full, tap_after(options.monitor.out_prefix), flow::replies{replies, false});
    }
}

outcome device::impl::run(const interrupt_check& check) {
    if (running_.exchange(true)) throw error(EBUSY, "device: already running, in another thread");
    struct end_of_run {
        impl& self;
        ~end_of_run() {
            self.steering.reset();
            self.state_ = zdev::state::idle;
            self.running_ = false;
        }
    } const end{*this};
    for_each_socket([](relay_socket& socket) { socket.unsettle(); });
    if (mon_) mon_->watch_subscribers();
    for_each_flow([](flow& flow) { flow.begin_run(); });
    next_housekeeping_ = next_check_ = {};
    last_turn_ = clock::now();
    return loop(check);
}

int device::impl::discard() {
    if (running_.exchange(true)) throw error(EBUSY, "device: cannot discard pending messages: it is running");
    int messages = 0;
    for_each_flow([&](flow& flow) { messages += flow.drop_pending(); });
    running_ = false;
    return messages;
}

zdev::statistics device::impl::statistics() const noexcept {
    return {state_, forward_ ? forward_->statistics() : flow_statistics{},
            backward_ ? backward_->statistics() : flow_statistics{}, replies_ ? replies_->total() : 0, loop_iterations_.get()};
}

device::device(zmq::socket_ref in, zmq::socket_ref out, const options& options)
    : impl_(std::make_unique<impl>(in, out, options)) {}
device::~device() = default;

outcome device::run(const interrupt_check& check) { return impl_->run(check); }
void device::pause() noexcept { impl_->steering.ask_pause(true); }
void device::resume() noexcept { impl_->steering.ask_pause(false); }
void device::stop() noexcept { impl_->steering.ask_stop(); }
void device::drain(std::chrono::milliseconds timeout) noexcept { impl_->steering.ask_drain(timeout); }
int device::discard() { return impl_->discard(); }
statistics device::statistics() const noexcept { return impl_->statistics(); }

}  // namespace zdev
