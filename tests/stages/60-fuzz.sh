#!/usr/bin/env bash
# libFuzzer on whatever comes from outside: bounded here, endless with `make fuzz`.
# runs: tests/fuzz/run.sh
# tools: clang
. tests/stages/lib.sh
export FUZZ_BUILD=$PWD/build/with/fuzz
mkdir -p build/with
CC=clang packaging/configure.sh "$FUZZ_BUILD" -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false &&
    ninja -C "$FUZZ_BUILD" --quiet fuzz || { fail 'build with libFuzzer'; finish; }
[[ $UNBOUNDED == 1 ]] && export BOUND=none
exec tests/fuzz/run.sh
