#!/usr/bin/env bash
# Interleavings chosen by a seed: every access to shared memory asks a scheduler first.
# runs: tests/interleave
. tests/stages/lib.sh

ls tests/interleave/*_test.c > /dev/null 2>&1 || finish
if TARGET=interleave build build/with/interleave -Dinterleave=true -Db_lundef=false; then
    pass 'build with the interleaver'
    SUITE=interleave unit_tests build/with/interleave
fi
finish
