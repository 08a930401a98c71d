#!/usr/bin/env bash
# Unit tests and sequential models, built with warnings as errors by both compilers.
. tests/stages/lib.sh

# The first walks every step; the second leaves the models' millions out, whose steps are the same, and takes small bounds.
options=() other=()
for compiler in ${CC:-gcc clang}; do
    if ! command -v "$compiler" > /dev/null; then
        skip "$compiler is not installed"
    elif CC=$compiler build "build/with/$compiler" -Dwerror=true "${options[@]}"; then
        pass "build with $compiler, warnings as errors"
        unit_tests "build/with/$compiler" '' "${other[@]}"
        options=(-Ddebug=false) other=(--no-suite model)
        export BOUND=small
    fi
done
finish
