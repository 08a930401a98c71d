#!/usr/bin/env bash
# The algorithms' models, searched exhaustively by spin. Two at a time: a search keeps one core busy.
# runs: tests/model/run.sh
# tools: spin gcc
. tests/stages/lib.sh

# Its count is its last line; without one it is a failure.
add_half() { # LOG
    local count
    count=$(tail -n 1 "$1" | sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p')
    read -r p f <<< "${count:-0 1}"
    passed=$((passed + p)) failed=$((failed + f))
    sed '$d' "$1" | sed 's/^FAILED/FAIL/'
}

work=$(mktemp -d) || exit 73
trap 'rm -rf "$work"' EXIT
tests/model/run.sh count_window waiters permits > "$work/other" 2>&1 &
tests/model/run.sh half_open time_window > "$work/one" 2>&1
wait $!
add_half "$work/one"
add_half "$work/other"
finish
