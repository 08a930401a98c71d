#!/usr/bin/env bash
# The same tests, and the torture at a small bound, under the address, undefined and thread sanitizers.
. tests/stages/lib.sh

export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1

compiler=${CC:-clang}
if ! command -v "$compiler" > /dev/null; then
    skip "$compiler is not installed"
    finish
fi

# The thread sanitizer of this age cannot place its shadow when the kernel randomizes too many bits.
fixed_addresses=
if setarch -R true 2> /dev/null; then
    fixed_addresses='setarch -R'
fi

for sanitizers in ${SANITIZE:-address,undefined thread}; do
    dir=build/with/${sanitizers//,/-}
    # b_lundef: the sanitizers' own symbols are resolved when the program is linked, not the library.
    CC=$compiler build "$dir" -Dwerror=true -Db_sanitize="$sanitizers" -Db_lundef=false || continue
    pass "build with $compiler -fsanitize=$sanitizers"
    # The models are millions of steps of one thread: nothing a thread sanitizer could see.
    alone=
    [[ $sanitizers != thread ]] || alone=model
    unit_tests "$dir" "$fixed_addresses" "$alone"
    if [[ -x tests/torture/run.sh ]]; then
        check "torture, small, under $sanitizers" env BUILD="$PWD/$dir" BOUND=small $fixed_addresses tests/torture/run.sh
    fi
done
finish
