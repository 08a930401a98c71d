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
    # Stages that run side by side may want the same one.
    exec 9> "$dir.lock"
    flock 9
    if packaging/configure.sh "$dir" "$@" > "$dir.out" 2>&1 && ninja -C "$dir" ${TARGET:-} >> "$dir.out" 2>&1; then
        rm -f "$dir.out"
        exec 9>&-
    else
        tail -n 60 "$dir.out"
        exec 9>&-
        fail "build of ${dir##*/}"
        return 1
    fi
}

# Runs the tests of a build that meson knows, one line a program, and counts their cases.
unit_tests() { # DIR [WRAPPER [OPTION OF MESON TEST ...]]
    local dir=$1 wrapper=${2:-} report
    if grep -q 'left out: cmocka' "$dir/configure.log"; then
        skip "unit tests in ${dir##*/}: cmocka is not installed"
        return
    fi
    shift $(($# < 2 ? 1 : 2))
    rm -f "$dir"/meson-logs/testlog*.json
    meson test -C "$dir" --no-rebuild --quiet --num-processes 2 ${wrapper:+--wrapper "$wrapper"} "$@" > /dev/null 2>&1
    report=$(/usr/bin/python3 tests/stages/cases.py "${dir##*/}" "$dir"/meson-logs/testlog*.json)
    printf '%s\n' "$report" | sed '$d'
    read -r p f s <<< "$(printf '%s\n' "$report" | tail -n 1)"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

# Calls an exported function once for each name, two at a time: most programs keep one processor busy, or wait. What it says of NAME
# is in $results/NAME.out, how it ended in $results/NAME.status; somebody at a terminal can end them all, as they are in front.
side_by_side() { # FUNCTION NAME ...
    local function=$1
    shift
    results=$(mktemp -d) || exit 73
    trap 'rm -rf "$results"' EXIT
    export results
    printf '%s\0' "$@" | xargs -0 -r -n 1 -P 2 bash -c \
        '"$0" "$1" > "$results/$1.out" 2>&1; echo $? > "$results/$1.status"' "$function"
}

# How one of side_by_side ended, counted as one test; what it said is shown if it failed, or if asked for.
told() { # NAME WHAT [show]
    local status
    status=$(cat "$results/$1.status" 2> /dev/null || echo 'none: it was stopped')
    [[ ${3:-} != show && ($status == 0 || $status == 77) ]] || cat "$results/$1.out"
    case $status in
        0) pass "$2" ;;
        77) skip "$2: $(tail -n 1 "$results/$1.out")" ;;
        124) fail "$2: not done in time" ;;
        *) fail "$2: exit status $status" ;;
    esac
}
