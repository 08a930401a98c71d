#!/usr/bin/env bash
# Interleavings chosen by a seed: every access to shared memory asks a scheduler first. A failure names its seed.
# runs: tests/interleave/main.c
. tests/stages/lib.sh

export dir=$PWD/build/with/interleave
stories() { # HALF: every other story
    "$dir/tests/interleave" --half "$1"
}
export -f stories
if TARGET=tests/interleave build "$dir" -Dinterleave=true -Db_lundef=false -Dwerror=true; then
    pass 'build with the interleaver'
    side_by_side stories 1 2
    for half in 1 2; do
        told "$half" "every other story, from number $half, under every chosen interleaving"
    done
fi
finish
