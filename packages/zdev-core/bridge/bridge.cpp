#include "bridge.hpp"

#include <zmq.h>

#include <optional>
#include <stdexcept>
#include <type_traits>

#include "library.hpp"

// All functions that the C++ library and the load generator call, also through cppzmq's inline functions. If one is missing,
// the build's check of the extensions' dynamic symbols names it.
#define ZDEV_ZMQ_FUNCTIONS(X)                                                                               \
    X(int, zmq_errno, (), ())                                                                               \
    X(const char*, zmq_strerror, (int errnum), (errnum))                                                    \
    X(void, zmq_version, (int* major, int* minor, int* patch), (major, minor, patch))                       \
    X(int, zmq_getsockopt, (void* s, int option, void* value, size_t* size), (s, option, value, size))      \
    X(int, zmq_msg_init, (zmq_msg_t * msg), (msg))                                                          \
    X(int, zmq_msg_init_size, (zmq_msg_t * msg, size_t size), (msg, size))                                  \
    X(int, zmq_msg_init_data, (zmq_msg_t * msg, void* data, size_t size, zmq_free_fn* release, void* hint), \
      (msg, data, size, release, hint))                                                                     \
    X(int, zmq_msg_close, (zmq_msg_t * msg), (msg))                                                         \
    X(int, zmq_msg_move, (zmq_msg_t * to, zmq_msg_t * from), (to, from))                                    \
    X(int, zmq_msg_copy, (zmq_msg_t * to, zmq_msg_t * from), (to, from))                                    \
    X(void*, zmq_msg_data, (zmq_msg_t * msg), (msg))                                                        \
    X(size_t, zmq_msg_size, (const zmq_msg_t* msg), (msg))                                                  \
    X(int, zmq_msg_more, (const zmq_msg_t* msg), (msg))                                                     \
    X(const char*, zmq_msg_gets, (const zmq_msg_t* msg, const char* property), (msg, property))             \
    X(int, zmq_msg_recv, (zmq_msg_t * msg, void* s, int flags), (msg, s, flags))                            \
    X(int, zmq_msg_send, (zmq_msg_t * msg, void* s, int flags), (msg, s, flags))                            \
    X(void*, zmq_ctx_new, (), ())                                                                           \
    X(int, zmq_ctx_shutdown, (void* context), (context))                                                    \
    X(int, zmq_ctx_term, (void* context), (context))                                                        \
    X(void*, zmq_socket, (void* context, int type), (context, type))                                        \
    X(int, zmq_close, (void* s), (s))                                                                       \
    X(int, zmq_bind, (void* s, const char* endpoint), (s, endpoint))                                        \
    X(int, zmq_connect, (void* s, const char* endpoint), (s, endpoint))                                     \
    X(int, zmq_setsockopt, (void* s, int option, const void* value, size_t size), (s, option, value, size)) \
    X(int, zmq_send, (void* s, const void* data, size_t size, int flags), (s, data, size, flags))           \
    X(int, zmq_poll, (zmq_pollitem_t * items, int count, long timeout), (items, count, timeout))

#ifdef _WIN32

// A DLL hides what it does not export, and with ZMQ_STATIC, which the build defines, zmq.h imports nothing.
#define ZDEV_FORWARD(result, name, parameters, arguments) \
    static result(*name##_target) parameters = nullptr;   \
    extern "C" result name parameters { return name##_target arguments; }

#else

#define ZDEV_TEXT_OF(token) #token
#define ZDEV_TEXT(macro) ZDEV_TEXT_OF(macro)

// zmq.h declares these with default visibility, and the first declaration wins. So each definition has a C++ name that differs,
// and libzmq's name for the assembler only. The assertion keeps the types equal.
#define ZDEV_FORWARD(result, name, parameters, arguments)                                                                   \
    static result(*name##_target) parameters = nullptr;                                                                     \
    __attribute__((visibility("hidden"))) result forward_##name parameters __asm__(ZDEV_TEXT(__USER_LABEL_PREFIX__) #name); \
    result forward_##name parameters { return name##_target arguments; }                                                    \
    static_assert(std::is_same_v<decltype(forward_##name), decltype(::name)>, "differs from zmq.h");

#endif

#define ZDEV_TARGET(result, name, parameters, arguments) {#name, reinterpret_cast<void**>(&name##_target)},

namespace zdev_core::bridge {

namespace detail {

ZDEV_ZMQ_FUNCTIONS(ZDEV_FORWARD)

struct target {
    const char* name;
    void** address;
};

const target targets[] = {ZDEV_ZMQ_FUNCTIONS(ZDEV_TARGET)};

// Never destroyed: a message may outlive static objects, and be closed through the bridge.
std::optional<library>& connected() {
    static auto& instance = *new std::optional<library>;
    return instance;
}

library maker_of(const void* socket) { return library::holding(*static_cast<void* const*>(socket)); }

}  // namespace detail

void connect(const void* socket) {
    library libzmq = detail::maker_of(socket);
    for (const auto& [name, address] : detail::targets) {
        void* const found = libzmq.symbol(name);
        if (!found) {
            throw std::runtime_error("pyzmq's libzmq, " + libzmq.path() + ", does not export " + name +
                                     " (use a pyzmq with a shared libzmq, as all its wheels except those for Windows have)");
        }
        *address = found;
    }
    detail::connected() = std::move(libzmq);
}

void require_same_library(const void* socket) {
    if (!socket) throw std::runtime_error("it has no libzmq handle");
    const library maker = detail::maker_of(socket);
    if (maker == *detail::connected()) return;
    throw std::runtime_error("it was made by " + maker.path() + ", but pyzmq, and so zdev_core, uses " + path());
}

const std::string& path() { return detail::connected()->path(); }

}  // namespace zdev_core::bridge
