#!/usr/bin/env bash
# Interleavings chosen by a seed: every access to shared memory asks a scheduler first. A failure names its seed.
# runs: tests/interleave/main.c
. tests/stages/lib.sh

dir=$PWD/build/with/interleave
if TARGET=tests/interleave build "$dir" -Dinterleave=true -Db_lundef=false -Dwerror=true; then
    pass 'build with the interleaver'
    check 'every story under every chosen interleaving' "$dir/tests/interleave"
fi
finish
