// The two engines, each as a running device between a peer that sends bytes and a peer of libzmq.

#ifndef ZDEV_TESTS_DIFFERENTIAL_SUBJECTS_HPP
#define ZDEV_TESTS_DIFFERENTIAL_SUBJECTS_HPP

#include <memory>
#include <thread>
#include <zdev/device.hpp>
#include <zdev/wire.hpp>

#include "../messages.hpp"
#include "generate.hpp"

namespace zdev::test {

class subject {
public:
    virtual ~subject() = default;
    std::string in, out;  // endpoints
};

class wire_subject final : public subject {
public:
    wire_subject(int in_type, int out_type) : device_(spec_of(in_type, out_type)), thread_([this] { device_.run(); }) {
        in = device_.endpoints("in").at(0);
        out = device_.endpoints("out").at(0);
    }
    ~wire_subject() override {
        device_.stop();
        thread_.join();
    }

private:
    static wire::spec spec_of(int in_type, int out_type) {
        wire::spec spec;
        spec.in.binds = {"tcp://127.0.0.1:*"};
        spec.in.options.linger = milliseconds(0);
        spec.in.options.maxmsgsize = largest_frame;
        spec.out = spec.in;
        spec.in.type = in_type;
        spec.out->type = out_type;
        return spec;
    }
    wire::device device_;
    std::thread thread_;
};

class libzmq_subject final : public subject {
public:
    libzmq_subject(int in_type, int out_type)
        : in_(make(in_type)), out_(make(out_type)), device_(in_, out_), thread_([this] { device_.run(); }) {
        in = in_.get(zmq::sockopt::last_endpoint);
        out = out_.get(zmq::sockopt::last_endpoint);
    }
    ~libzmq_subject() override {
        device_.stop();
        thread_.join();
    }

private:
    zmq::socket_t make(int type) {
        zmq::socket_t socket(context_, type);
        socket.set(zmq::sockopt::linger, 0);
        socket.set(zmq::sockopt::maxmsgsize, largest_frame);
        if (type == ZMQ_ROUTER) socket.set(zmq::sockopt::router_mandatory, true);
        socket.bind("tcp://127.0.0.1:*");
        return socket;
    }
    zmq::context_t context_;
    zmq::socket_t in_, out_;
    zdev::device device_;
    std::thread thread_;
};

}  // namespace zdev::test

#endif
