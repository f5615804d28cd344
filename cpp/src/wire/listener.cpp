#include "listener.hpp"

#include <fcntl.h>
#include <sys/epoll.h>

#include <cerrno>

#include "errors.hpp"
#include "sockets.hpp"

namespace zdev::wire {

namespace {

constexpr int accepted_a_turn = 64;
constexpr milliseconds pause_time{100};

[[noreturn]] void fail() {
    const int number = errno;
    throw error(number, reason(number));
}

}  // namespace

listener::listener(loop& loop, const std::string& endpoint, int ready, const socket_options& options, events handlers)
    : loop_(loop), options_(options), handlers_(std::move(handlers)), retry_(loop.timers()) {
    const endpoint_text text = parse_endpoint(endpoint, true);
    ready < 0 ? bind(text) : adopt(ready);
    bound_ = to_text(local_address(fd_.get()));
    if (ready >= 0 && bound_.rfind("ipc://", 0) == 0) file_.adopt(bound_.substr(6));
    loop_.add(*this, fd_.get(), EPOLLIN);
}

listener::~listener() { close(); }

void listener::close() noexcept {
    retry_.cancel();
    if (fd_) loop_.remove(fd_.get());
    fd_.reset();
    file_.remove();
}

void listener::bind(const endpoint_text& endpoint) {
    const address to = endpoint.ipc ? address{{}, 0} : resolve(endpoint.tcp, true, options_.ipv6).front();
    fd_ = open_socket(endpoint.ipc ? AF_UNIX : to.family(), options_);
    if (!fd_) fail();
    if (endpoint.ipc) {
        file_.bind(fd_.get(), endpoint.path);
    } else if (::bind(fd_.get(), to.get(), to.size) != 0) {
        fail();
    }
    if (::listen(fd_.get(), options_.backlog) != 0) fail();
}

void listener::adopt(int ready) {
    int listens = 0;
    socklen_t size = sizeof listens;
    if (::getsockopt(ready, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0) fail();
    if (listens == 0) throw error(EINVAL, "its descriptor is not a listening socket");
    fd_ = descriptor(::fcntl(ready, F_DUPFD_CLOEXEC, 0));
    if (!fd_ || ::fcntl(fd_.get(), F_SETFL, ::fcntl(fd_.get(), F_GETFL) | O_NONBLOCK) != 0) fail();
}

void listener::on_events(std::uint32_t) {
    for (int i = 0; i < accepted_a_turn; ++i) {
        descriptor accepted(::accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!accepted) {
            const bool exhausted = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
            return exhausted ? pause() : void();
        }
        set_options(accepted.get(), local_address(accepted.get()).family(), options_);
        handlers_.on_accepted(std::move(accepted), bound_);
    }
}

void listener::pause() {
    handlers_.on_paused();
    loop_.modify(*this, fd_.get(), 0);
    retry_.start(loop_.now() + pause_time, [this] { loop_.modify(*this, fd_.get(), EPOLLIN); });
}

}  // namespace zdev::wire
