#!/usr/bin/env bash
# Installs the library, builds the example service with find_package and with pkg-config, and runs both. Each must start, and
# exit with status 0 on a signal.
#
#     install_test.sh static|shared|debian WORK_DIR BUILD_DIR    reads CXX and CMAKE_GENERATOR; ctest sets them and bounds the time
#     install_test.sh build WORK_DIR BUILD_DIR                   only builds the shared library in BUILD_DIR
#
# static, shared: installed with `cmake --install`, then moved. debian: packed with cpack, and installed into a folder.
set -euo pipefail
kind=$1 work=$2 library=$3
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

build() {
    local packages=OFF
    command -v dpkg-shlibdeps && packages=ON
    (cd "$cpp" && cmake --preset debian -B "$library" -G "$CMAKE_GENERATOR" -DZDEV_DEBIAN_PACKAGES=$packages -DCMAKE_UNITY_BUILD=ON)
    cmake --build "$library"
}

install_tree() {
    local name='libzdev.[sd]*' found
    [[ $kind == shared ]] || name=libzdev.a
    cmake --install "$library" --prefix "$work/staged"
    mv "$work/staged" "$prefix"
    found=$(find "$prefix" -name "$name" -print -quit)
    lib=$(dirname "${found:?$name is not installed}")
}

# As root, dpkg installs the packages and checks that their dependencies are installed on this system. Otherwise they are unpacked.
install_packages() {
    local root=$work/root each
    prefix=$root/usr
    rm -rf "$root"
    (cd "$library" && rm -f ./*.deb && cpack)
    if [[ $EUID == 0 ]]; then
        mkdir -p "$root/var/lib/dpkg"
        cp /var/lib/dpkg/status "$root/var/lib/dpkg"
        dpkg --root="$root" --no-triggers --force-script-chrootless --install "$library"/*.deb 2> >(grep -v "files list file" >&2)
    else
        for each in "$library"/*.deb; do dpkg-deb -x "$each" "$root"; done
    fi
    lib=$(dirname "$(find "$prefix" -name libzdev.so)")
    # Packages made by older versions of CMake call ldconfig instead of triggering it.
    local old=lacks-ldconfig-trigger,maintscript-calls-ldconfig
    if command -v lintian; then
        lintian --allow-root --fail-on error,warning --suppress-tags $old "$library"/*.deb
    fi
}

if [[ $kind == build ]]; then
    build
    exit
fi
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
