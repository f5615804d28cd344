#!/usr/bin/env bash
# Installs the library, builds the example service with find_package and with pkg-config, and runs both. Each must start, and
# exit with status 0 on a signal.
#
#     install_test.sh static|shared|debian WORK_DIR    reads CXX and CMAKE_GENERATOR; ctest sets them and bounds the time
#
# static, shared: installed with `cmake --install`, then moved. debian: built with cpack, and installed into a folder.
set -euo pipefail
kind=$1 work=$2
PATH=$PATH:/usr/sbin:/sbin  # dpkg needs programs that are there
cpp=$(cd "$(dirname "$0")/.." && pwd)
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
prefix=$work/prefix

# ends_on SIGNAL PROGRAM: starts the program on free ports, waits until it relays, and ends it with the signal.
ends_on() {
    local output=$work/output line
    rm -f "$output"
    mkfifo "$output"
    LD_LIBRARY_PATH=$lib DYLD_LIBRARY_PATH=$lib "$2" tcp://127.0.0.1:{*,*,*} >"$output" &
    exec 3<"$output"
    read -r -t 60 line <&3
    [[ $line == relaying* ]]
    kill -s "$1" $!
    wait $!
    echo "$2 ($kind): $line; $(cat <&3)"
}

install_tree() {
    local shared=ON pattern='[sd]*'
    [[ $kind == shared ]] || shared=OFF pattern=a
    cmake -S "$cpp" -B "$work/library" -DBUILD_SHARED_LIBS=$shared -DCMAKE_INSTALL_LIBDIR=lib
    cmake --build "$work/library"
    cmake --install "$work/library" --prefix "$work/staged"
    mv "$work/staged" "$prefix"
    lib=$prefix/lib
    compgen -G "$lib/libzdev.$pattern"
}

# As root, dpkg installs the packages and checks that their dependencies are installed on this system. Otherwise they are unpacked.
install_packages() {
    local root=$work/root each
    prefix=$root/usr
    rm -rf "$root"
    (cd "$cpp" && cmake --preset debian -B "$work/library" -G "$CMAKE_GENERATOR")
    cmake --build "$work/library"
    (cd "$work/library" && rm -f ./*.deb && cpack)
    if [[ $EUID == 0 ]]; then
        mkdir -p "$root/var/lib/dpkg"
        cp /var/lib/dpkg/status "$root/var/lib/dpkg"
        dpkg --root="$root" --no-triggers --force-script-chrootless --install "$work"/library/*.deb 2> >(grep -v "files list file" >&2)
    else
        for each in "$work"/library/*.deb; do dpkg-deb -x "$each" "$root"; done
    fi
    lib=$(dirname "$(find "$prefix" -name libzdev.so)")
    # Packages made by older versions of CMake call ldconfig instead of triggering it.
    local old=lacks-ldconfig-trigger,maintscript-calls-ldconfig
    if command -v lintian; then
        lintian --allow-root --fail-on error,warning --suppress-tags $old "$work"/library/*.deb
    fi
}

rm -rf "$work/staged" "$prefix"
if [[ $kind == debian ]]; then install_packages; else install_tree; fi

cmake -S "$cpp/examples" -B "$work/by_cmake" -DCMAKE_PREFIX_PATH="$prefix"
cmake --build "$work/by_cmake" --clean-first
ends_on INT "$work/by_cmake/monitored_queue"
[[ $(uname) != Linux ]] || ends_on TERM "$work/by_cmake/wire_queue"

flags=$(PKG_CONFIG_PATH=$lib/pkgconfig:${PKG_CONFIG_PATH:-} pkg-config --cflags --libs zdev)
# shellcheck disable=SC2086  # the flags are several words
"$CXX" -std=c++17 "$cpp/examples/monitored_queue.cpp" $flags -o "$work/by_pkg_config"
ends_on TERM "$work/by_pkg_config"
