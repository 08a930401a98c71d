#!/usr/bin/env bash
# What stages share: configuring a variant of the build, and turning `meson test` into a count. Sourced from the top folder.
set -uo pipefail

: "${BUILD:=$PWD/build/with/gcc}"
passed=0 failed=0 skipped=0

pass() { passed=$((passed + 1)); echo "PASS $*"; }
fail() { failed=$((failed + 1)); echo "FAIL $*"; }
skip() { skipped=$((skipped + 1)); echo "SKIP $*"; }

# Counts one command as one test, and shows its output only if it fails.
check() { # WHAT COMMAND ...
    local what=$1 output
    shift
    if output=$("$@" 2>&1); then
        pass "$what"
    else
        printf '%s\n' "$output"
        fail "$what"
    fi
}

finish() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [[ $failed -eq 0 ]]
    exit
}

# Brings one variant of the build up to date; counts a failure if it does not build.
build() { # DIR OPTION ..., and the target in TARGET if it is not everything
    local dir=$1
    shift
    if packaging/configure.sh "$dir" "$@" > "$dir.out" 2>&1 && ninja -C "$dir" ${TARGET:-} >> "$dir.out" 2>&1; then
        rm -f "$dir.out"
    else
        tail -n 60 "$dir.out"
        fail "build of ${dir##*/}"
        return 1
    fi
}

# Runs the unit and model tests of a build, one line a program, and counts their cases.
unit_tests() { # DIR [WRAPPER [SUITE-LEFT-OUT]]
    local dir=$1 report
    if grep -q 'left out: cmocka' "$dir/configure.log"; then
        skip "unit tests in ${dir##*/}: cmocka is not installed"
        return
    fi
    rm -f "$dir"/meson-logs/testlog*.json
    meson test -C "$dir" --no-rebuild --quiet --num-processes 2 ${2:+--wrapper "$2"} ${3:+--no-suite "$3"} > /dev/null 2>&1
    report=$(/usr/bin/python3 tests/stages/cases.py "${dir##*/}" "$dir"/meson-logs/testlog*.json)
    printf '%s\n' "$report" | sed '$d'
    read -r p f s <<< "$(printf '%s\n' "$report" | tail -n 1)"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}
