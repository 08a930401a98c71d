#!/usr/bin/env bash
# Unit tests and sequential models, built with warnings as errors by both compilers.
. tests/stages/lib.sh

# The models' millions of steps are walked by the first of them.
walked=
for compiler in ${CC:-gcc clang}; do
    if ! command -v "$compiler" > /dev/null; then
        skip "$compiler is not installed"
    elif CC=$compiler build "build/with/$compiler" -Dwerror=true; then
        pass "build with $compiler, warnings as errors"
        unit_tests "build/with/$compiler" '' "$walked"
        walked=model
    fi
done
finish
