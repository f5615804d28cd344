#!/usr/bin/env bash
# Installs the library, moves the installed tree, builds the example against it by find_package and by pkg-config, and runs
# both: each must start, and end with status 0 on a signal.
#
#     install_test.sh static|shared WORK_DIR      reads CXX and CMAKE_GENERATOR; ctest sets them and bounds the time
set -euo pipefail
linkage=$1 work=$2
cpp=$(cd "$(dirname "$0")/.." && pwd)
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
prefix=$work/prefix

# ends_on SIGNAL PROGRAM: starts it on free ports, waits until it says that it relays, ends it by the signal.
ends_on() {
    local said=$work/said line
    rm -f "$said"
    mkfifo "$said"
    LD_LIBRARY_PATH=$prefix/lib DYLD_LIBRARY_PATH=$prefix/lib "$2" tcp://127.0.0.1:{*,*,*} >"$said" &
    exec 3<"$said"
    read -r -t 60 line <&3
    [[ $line == relaying* ]]
    kill -s "$1" $!
    wait $!
    echo "$2 ($linkage): $line; $(cat <&3)"
}

shared=OFF
[[ $linkage == static ]] || shared=ON
rm -rf "$work/staged" "$prefix"
cmake -S "$cpp" -B "$work/library" -DBUILD_SHARED_LIBS=$shared -DCMAKE_INSTALL_LIBDIR=lib
cmake --build "$work/library"
cmake --install "$work/library" --prefix "$work/staged"
mv "$work/staged" "$prefix"
compgen -G "$prefix/lib/libzdev.$([[ $linkage == static ]] && echo a || echo '[sd]*')"

cmake -S "$cpp/examples" -B "$work/by_cmake" -DCMAKE_PREFIX_PATH="$prefix"
cmake --build "$work/by_cmake" --clean-first
ends_on INT "$work/by_cmake/monitored_queue"

flags=$(PKG_CONFIG_PATH=$prefix/lib/pkgconfig:${PKG_CONFIG_PATH:-} pkg-config --cflags --libs zdev)
# shellcheck disable=SC2086  # the flags are several words
"$CXX" -std=c++17 "$cpp/examples/monitored_queue.cpp" $flags -o "$work/by_pkg_config"
ends_on TERM "$work/by_pkg_config"
