// The devices as plain functions: they differ only in the parts they hand to the engine.

#include <utility>
#include <zdev/device.hpp>

namespace zdev {

void queue(zmq::socket_ref in, zmq::socket_ref out) { device(in, out).run(); }
void forwarder(zmq::socket_ref in, zmq::socket_ref out) { zdev::queue(in, out); }
void streamer(zmq::socket_ref in, zmq::socket_ref out) { zdev::queue(in, out); }

void monitored_queue(zmq::socket_ref in, zmq::socket_ref out, zmq::socket_ref mon, std::string in_prefix,
                     std::string out_prefix) {
    options options;
    options.monitor = {mon, std::move(in_prefix), std::move(out_prefix), on_full::block};
    device(in, out, options).run();
}

void proxy(zmq::socket_ref frontend, zmq::socket_ref backend, zmq::socket_ref capture) {
    zdev::proxy_steerable(frontend, backend, capture, {});
}

outcome proxy_steerable(zmq::socket_ref frontend, zmq::socket_ref backend, zmq::socket_ref capture, zmq::socket_ref control) {
    options options;
    options.monitor = {capture, std::nullopt, std::nullopt, on_full::block};
    options.control = control;
    return device(frontend, backend, options).run();
}

}  // namespace zdev
