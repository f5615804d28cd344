#!/bin/sh
# Build libsodium 1.0.20 as a static library in PREFIX, so that wheels of zdev-core contain it. The commit hash guarantees its
# content.
#
#     libsodium.sh PREFIX
set -eu
source=$(mktemp -d)
git -C "$source" init --quiet
git -C "$source" fetch --quiet --depth 1 https://github.com/jedisct1/libsodium 93a7d0d41fe2e32409b5d00386946f491750b7de
git -C "$source" checkout --quiet FETCH_HEAD
cd "$source"
./configure --quiet --prefix="$1" --disable-shared --enable-static --with-pic
make -s -j2 install
rm -rf "$source"
