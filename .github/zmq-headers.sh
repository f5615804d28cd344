#!/bin/sh
# Install zmq.h and zmq.hpp in PREFIX/include. A wheel of zdev-core needs nothing else of ZeroMQ, on any system. The commit hashes
# below guarantee their content (libzmq 4.3.5, cppzmq 4.11.0).
#
#     zmq-headers.sh PREFIX
set -eu
include=$1/include
mkdir -p "$include"

# header REPOSITORY COMMIT FILE
header() {
    clone=$(mktemp -d)
    git -C "$clone" init --quiet
    git -C "$clone" fetch --quiet --depth 1 "https://github.com/zeromq/$1" "$2"
    git -C "$clone" show "FETCH_HEAD:$3" >"$include/$(basename "$3")"
    rm -rf "$clone"
}

header libzmq 622fc6dde99ee172ebaa9c8628d85a7a1995a21d include/zmq.h
header cppzmq 3bcbd9dad2f57180aacd4b4aea292a74f0de7ef4 zmq.hpp
