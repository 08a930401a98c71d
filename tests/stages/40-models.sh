#!/usr/bin/env bash
# The algorithms' models, searched exhaustively by spin. Two at a time: a search keeps one core busy.
# runs: tests/model/run.sh
# tools: spin gcc
. tests/stages/lib.sh

check_model() { # MODEL:CHECK
    tests/model/run.sh "$1"
}
export -f check_model

mapfile -t names < <(tests/model/run.sh --list)
[[ ${#names[@]} -gt 0 ]] || { fail 'models: there is none'; finish; }
side_by_side check_model "${names[@]}"
for name in "${names[@]}"; do
    sed '/^[0-9]* passed/d; s/^FAILED/FAIL/' "$results/$name.out"
    [[ $(cat "$results/$name.status") == 0 ]] && passed=$((passed + 1)) || failed=$((failed + 1))
done
finish
