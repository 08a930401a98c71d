#!/usr/bin/env bash
# Usage: FUZZ_BUILD=DIR run.sh. Runs every libFuzzer target of a build: a million inputs in all, a tenth with BOUND=small, and
# with BOUND=none one target after the other, a minute each, until stopped. Ends with a count.
#
# Seeds come from the targets themselves. DIR/corpus keeps what was learned, so that runs by hand go on where the last one
# ended; an input that fails is kept in DIR/found and named: `DIR/tests/fuzz-NAME DIR/found/FILE` tells it again.
. tests/stages/lib.sh
. tests/fuzz/coverage.sh

: "${FUZZ_BUILD:=$PWD/build/with/fuzz}"
corpus=$FUZZ_BUILD/corpus found=$FUZZ_BUILD/found
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
mkdir -p "$corpus" "$found"

# How many inputs: the cheap target takes most of the million.
runs() { # NAME
    local runs=25000
    [[ $1 != text ]] || runs=950000
    [[ ${BOUND:-} != small ]] || runs=$((runs / 10))
    echo "$runs"
}

prepare() { # NAME
    rm -rf "${corpus:?}/$1-seeds"
    mkdir -p "$corpus/$1" "$corpus/$1-seeds"
    "$FUZZ_BUILD/tests/fuzz-$1" --seeds="$corpus/$1-seeds"
}

# The longest input is the head of a panel file, raw.
fuzz() { # NAME OPTION ... FOLDER
    local name=$1 log=$found/$1.log status
    shift
    nice "$FUZZ_BUILD/tests/fuzz-$name" -max_len=1300 -timeout=30 -rss_limit_mb=2048 -entropic=0 -print_final_stats=1 \
        -artifact_prefix="$found/$name-" "$@" "$corpus/$name-seeds" > "$log" 2>&1
    status=$?
    grep -aE '^#[0-9]+.*cov: ' "$log" | tail -n 1 | sed "s/^/fuzz-$name /"
    [[ $status -eq 0 ]] || grep -av '^#' "$log" | tail -n 60
    return $status
}

# From the seeds alone and with a number of its own, so that it can be repeated.
bounded() { # NAME
    local name=$1 fresh=$found/$1-fresh status=0
    prepare "$name" || { echo "no seeds of fuzz-$name"; return 1; }
    rm -rf "$fresh" && mkdir "$fresh"
    fuzz "$name" -seed=1 -runs="$(runs "$name")" "$fresh" || status=1
    [[ $status -ne 0 ]] || cp -rn "$fresh/." "$corpus/$name/"
    rm -rf "$fresh"
    return "$status"
}

until_stopped() {
    trap finish INT TERM
    for name in "${targets[@]}"; do
        prepare "$name" || { fail "seeds of fuzz-$name"; finish; }
    done
    while [[ $failed -eq 0 ]]; do
        for name in "${targets[@]}"; do
            fuzz "$name" -max_total_time=60 "$corpus/$name" || fail "fuzz-$name: see what is in $found"
        done
    done
    finish
}

targets=()
for program in "$FUZZ_BUILD"/tests/fuzz-*; do
    [[ ! -x $program || -d $program ]] || targets+=("${program##*/fuzz-}")
done
[[ ${#targets[@]} -gt 0 ]] || { fail "no targets in $FUZZ_BUILD"; finish; }
[[ ${BOUND:-} != none ]] || until_stopped

export -f runs prepare fuzz bounded
export FUZZ_BUILD corpus found
side_by_side bounded "${targets[@]}"
executed=0
for name in "${targets[@]}"; do
    told "$name" "fuzz-$name: no input crashes, hangs, leaks or is answered wrongly" show
    count=$(sed -n 's/^stat::number_of_executed_units: *//p' "$found/$name.log")
    executed=$((executed + ${count:-0}))
done
if [[ ${BOUND:-} != small ]]; then
    check "a million inputs: $executed" test "$executed" -ge 1000000
    coverage
fi
finish
