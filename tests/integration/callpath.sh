#!/usr/bin/env bash
# The call path allocates nothing and asks the kernel nothing: a program of a million calls shows the very counts of one of a thousand.
set -euo pipefail
: "${BUILD:=$PWD/build/with/gcc}"
program=$BUILD/bench/callpath

if [[ ! -x $program ]]; then
    echo "$program is not built: sanitizers replace malloc() themselves"
    exit 77
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# Both counts of a whole run: what the program says, and strace's table without its times.
counts() { # CALLS
    if [[ $traced = yes ]]; then
        strace -f -c -o "$dir/summary" "$program" "$1" "$dir" > "$dir/said"
        awk '$NF ~ /^[a-z_0-9]+$/ && $4 ~ /^[0-9]+$/ { print $NF, $4 }' "$dir/summary" | LC_ALL=C sort
    else
        "$program" "$1" "$dir" > "$dir/said"
    fi
    cat "$dir/said"
}

traced=yes
strace -f -c -o "$dir/summary" true 2> /dev/null || traced=no
counts 1000 > "$dir/few"
counts 1000000 > "$dir/many"
if ! diff "$dir/few" "$dir/many"; then
    echo 'a thousand calls (<) and a million (>) do not cost the same'
    exit 1
fi
if [[ $traced = no ]]; then
    echo 'allocations are equal, but system calls were not counted: strace is missing or may not trace here'
    exit 77
fi
grep -q '^total ' "$dir/few" && grep '^allocations ' "$dir/few"
