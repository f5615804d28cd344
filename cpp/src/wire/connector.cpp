#include "connector.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>
#include <system_error>
#include <thread>

#include "errors.hpp"
#include "sockets.hpp"

namespace zdev::wire {

// A thread calls the resolver and then writes to a pipe. The thread and the connector share this, and the last one frees it.
struct connector::lookup {
    std::mutex guard;
    std::vector<address> found;
    std::string fault;
    descriptor read_end, write_end;
};

namespace {

bool is_numeric(const endpoint_text& endpoint) {
    in_addr four;
    return endpoint.ipc || endpoint.tcp.bracketed || ::inet_pton(AF_INET, endpoint.tcp.host.c_str(), &four) == 1;
}

// A connect to a local port without a listener may connect to itself.
bool is_own(int fd) {
    address there;
    there.size = sizeof there.storage;
    ::getpeername(fd, reinterpret_cast<sockaddr*>(&there.storage), &there.size);
    const address here = local_address(fd);
    return here.family() != AF_UNIX && here.size == there.size && std::memcmp(&here.storage, &there.storage, here.size) == 0;
}

}  // namespace

connector::connector(loop& loop, const std::string& endpoint, const socket_options& options, events handlers)
    : loop_(loop),
      endpoint_(parse_endpoint(endpoint, false)),
      options_(options),
      handlers_(std::move(handlers)),
      delay_(options.reconnect_ivl),
      retry_(loop.timers()),
      timeout_(loop.timers()) {
    status_.endpoint = endpoint;
    if (endpoint_.source) sources_ = resolve(*endpoint_.source, true, true);
    if (endpoint_.ipc) {
        addresses_ = {ipc_address(endpoint_.path)};
    } else if (is_numeric(endpoint_)) {
        addresses_ = resolve(endpoint_.tcp, false, options_.ipv6);
    }
}

connector::~connector() { stop_watching(); }

void connector::cancel() noexcept {
    cancelled_ = true;
    stop_watching();
    retry_.cancel();
    timeout_.cancel();
    plan({});
}

void connector::stop_watching() noexcept {
    if (fd_) loop_.remove(fd_.get());
    if (lookup_) loop_.remove(lookup_->read_end.get());
    fd_.reset();
    lookup_.reset();
}

void connector::start() {
    plan({});
    gave_up_ = false;
    next_ = 0;
    if (is_numeric(endpoint_)) return try_next();
    auto asked = std::make_shared<lookup>();
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return fail(reason(errno));
    asked->read_end = descriptor(ends[0]);
    asked->write_end = descriptor(ends[1]);
    loop_.add(*this, ends[0], EPOLLIN);
    lookup_ = asked;
    const auto look_up = [asked, host = endpoint_.tcp, ipv6 = options_.ipv6] {
        const std::lock_guard<std::mutex> lock(asked->guard);
        try {
            asked->found = resolve(host, false, ipv6);
        } catch (const std::exception& fault) {
            asked->fault = fault.what();
        }
        asked->write_end.reset();
    };
    try {
        std::thread(look_up).detach();
    } catch (const std::system_error& fault) {
        fail(fault.what());
    }
}

// Tries the next of its addresses.
void connector::try_next() {
    if (next_ == addresses_.size()) return fail("no address");
    const address& to = addresses_[next_++];
    fd_ = open_socket(to.family(), options_);
    if (!fd_) return fail(reason(errno));
    if (!bind_source(to) || (::connect(fd_.get(), to.get(), to.size) != 0 && errno != EINPROGRESS)) {
        const std::string why = reason(errno);
        return give_up(why);
    }
    loop_.add(*this, fd_.get(), EPOLLOUT);
    if (options_.connect_timeout.count() > 0) {
        timeout_.start(loop_.now() + options_.connect_timeout, [this] { give_up("connecting took too long"); });
    }
}

// Gives up this address. If it was the last one, the attempt has failed.
void connector::give_up(const std::string& why) {
    stop_watching();
    next_ < addresses_.size() ? try_next() : fail(why);
}

// True: the endpoint has no source address, or the socket is bound to it. False: see errno.
bool connector::bind_source(const address& to) const {
    const auto same = [&](const address& each) { return each.family() == to.family(); };
    const auto from = std::find_if(sources_.begin(), sources_.end(), same);
    if (from == sources_.end()) return errno = EAFNOSUPPORT, sources_.empty();
    return ::bind(fd_.get(), from->get(), from->size) == 0;
}

void connector::on_events(std::uint32_t) {
    if (lookup_) {
        const auto done = lookup_;
        stop_watching();
        const std::lock_guard<std::mutex> lock(done->guard);
        addresses_ = std::move(done->found);
        return done->fault.empty() ? try_next() : fail(done->fault);
    }
    timeout_.cancel();
    int fault = 0;
    socklen_t size = sizeof fault;
    ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &fault, &size);
    descriptor connected = std::exchange(fd_, descriptor());
    loop_.remove(connected.get());
    if (fault == 0 && is_own(connected.get())) fault = ECONNREFUSED;
    if (fault != 0) return give_up(reason(fault));
    set_options(connected.get(), addresses_[next_ - 1].family(), options_);
    handlers_.on_connected(*this, std::move(connected));
}

void connector::fail(const std::string& why) {
    stop_watching();
    timeout_.cancel();
    handlers_.on_failed();
    connection_ended(why);
}

void connector::connection_is_up() {
    delay_ = options_.reconnect_ivl;
    report(true, {});
}

void connector::connection_ended(const std::string& why) {
    report(false, why);
    gave_up_ = options_.reconnect_ivl.count() < 0;
    if (!cancelled_ && !gave_up_) retry();
}

void connector::adopt_options() {
    delay_ = options_.reconnect_ivl;
    if (gave_up_ && delay_.count() >= 0) start();
}

// Between half of the delay and all of it, so that many peers do not connect at the same time.
void connector::retry() {
    thread_local std::minstd_rand random{std::random_device{}()};
    const auto most = std::max<std::int64_t>(delay_.count(), 1);
    const milliseconds wait(most - static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(most / 2 + 1)));
    if (options_.reconnect_ivl_max > options_.reconnect_ivl) delay_ = std::min(delay_ * 2, options_.reconnect_ivl_max);
    retry_.start(loop_.now() + wait, [this] { start(); });
    plan(loop_.now() + wait);
}

void connector::plan(std::optional<clock::time_point> retry_at) noexcept {
    const std::lock_guard<std::mutex> lock(guard_);
    retry_at_ = retry_at;
}

void connector::report(bool connected, const std::string& failure) {
    const std::lock_guard<std::mutex> lock(guard_);
    status_.connected = connected;
    status_.failure = failure;
    retry_at_.reset();
}

connect_status connector::status() const {
    const std::lock_guard<std::mutex> lock(guard_);
    connect_status now = status_;
    if (retry_at_) {
        now.retry_in = std::max(std::chrono::ceil<milliseconds>(*retry_at_ - clock::now()), milliseconds{0});
    }
    return now;
}

}  // namespace zdev::wire
