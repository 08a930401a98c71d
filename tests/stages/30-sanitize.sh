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

# A sanitized step takes five times as long, and shows what it can show in a tenth of them.
export BOUND=small
for sanitizers in ${SANITIZE:-address,undefined thread}; do
    dir=build/with/${sanitizers//,/-}
    # What a thread sanitizer has nothing to see in is neither built nor run for it.
    programs=stories options=()
    if [[ $sanitizers == thread ]]; then
        programs=threads options=(--suite threads --no-suite model)
    fi
    # b_lundef: the sanitizers' own symbols are resolved when the program is linked, not the library.
    CC=$compiler TARGET="$programs torture" build "$dir" -Dwerror=true -Db_sanitize="$sanitizers" -Db_lundef=false || continue
    pass "build with $compiler -fsanitize=$sanitizers"
    unit_tests "$dir" "$fixed_addresses" "${options[@]}"
    if [[ -x tests/torture/run.sh ]]; then
        check "torture, small, under $sanitizers" env BUILD="$PWD/$dir" $fixed_addresses tests/torture/run.sh
    fi
done
finish
