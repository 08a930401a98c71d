#!/usr/bin/env bash
# Another architecture: an arm64 cross-build, its unit tests run under qemu-user. It shows the build and the ABI, not the memory order.
# tools: aarch64-linux-gnu-gcc qemu-aarch64 apt-get
. tests/stages/lib.sh

if ! reason=$(packaging/aarch64-root.sh build/with/aarch64-root 2>&1); then
    printf '%s\n' "$reason"
    skip "arm64: $(tail -n 1 <<< "$reason")"
    finish
fi
unset CC
# One cross file says what arm64 is, the other, written just now, where its libraries are.
if build build/with/arm64 -Dwerror=true -Ddebug=false --cross-file packaging/aarch64.cross --cross-file build/with/aarch64-root/paths.cross; then
    pass 'cross-build for arm64'
    BOUND=small unit_tests build/with/arm64
fi
finish
