#include "tap.hpp"

#include <memory>

namespace zdev {

namespace {

zmq::message_t to_frame(const std::string& text) { return zmq::message_t(text.data(), text.size()); }

// The probe that is being sent. A probe is a prefix with a free callback. If no subscriber takes it, libzmq frees it within
// zmq_msg_send, in the sending thread: dist_t::distribute (dist.cpp, 4.2 to 4.3.5) closes a message for which it has no pipes,
// and gives up the references of full pipes. If a subscriber takes it, another thread frees it.
thread_local const void* expected = nullptr;

// An older probe, of this device or another, cannot be taken for the expected one: they are alive together, at two addresses.
// If libzmq changes, SlowMonitor.IsSentAlmostNothingWhileItsOnlySubscriberIsFull fails, and so does
// Monitor.SubscribersToDroppedMessagesAloneReceiveThem.
void free_probe(void*, void* probe) {
    if (probe == expected) expected = nullptr;
    delete static_cast<std::string*>(probe);
}

}  // namespace

tap::tap(relay_socket* monitor, const std::optional<std::string>& prefix, const zdev::monitor& options)
    : monitor_(monitor),
      on_full_(options.on_full),
      prefixed_(prefix.has_value()),
      probes_(prefixed_ && monitor && !monitor->pollout_reliable()),
      prefix_(to_frame(prefix.value_or(""))),
      copy_(monitor) {
    if (options.dropped_prefix) dropped_prefix_ = to_frame(*options.dropped_prefix);
}

void tap::copy(outbox& message) {
    probe_ = nullptr;
    if (prefixed_) add_prefix();
    add_frames(message);
}

// Which subscribers have room changes only when the socket is refreshed (or by itself, a millisecond later). So the first
// prefix after each refresh() shows whether copies are needed until the next.
void tap::add_prefix() {
    if (!probes_ || probed_at_ == monitor_->refresh_count()) return share(copy_.add(), prefix_);
    auto text = std::make_unique<std::string>(prefix_.to_string());
    copy_.add().rebuild(text->data(), text->size(), free_probe, text.get());
    probe_ = text.release();
    probed_at_ = monitor_->refresh_count();
}

void tap::add_frames(outbox& message) {
    for (std::size_t i = 0; i < message.frames(); ++i) share(copy_.add(), message[i]);
}

// libzmq refused the message, so its frames are still there.
void tap::copy_dropped(outbox& message) {
    copy_.clear();
    if (!dropped_prefix_ || !monitor_ || !monitor_->has_subscribers()) return;
    probe_ = nullptr;
    share(copy_.add(), *dropped_prefix_);
    add_frames(message);
}

bool tap::deliver(flow_counters& counters) {
    expected = probe_;
    const bool sent = copy_.send() == sending::sent;
    const bool refused = probe_ && !expected;
    expected = nullptr;
    if (!sent && on_full_ == on_full::block) return false;
    if (!sent) {
        counters.monitor_dropped.add(1);
        copy_.clear();
    } else if (refused) {
        refused_at_ = probed_at_;
    } else {
        counters.monitor_sent.add(1);
    }
    return true;
}

}  // namespace zdev
