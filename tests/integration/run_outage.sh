#!/usr/bin/env bash
# What `make run` starts, on a short schedule: it ends with the table, and nothing is left.
set -euo pipefail
outage=$BUILD/examples/outage
[[ -x $outage ]] || { echo "the examples were not built (no libcurl?)"; exit 77; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export XDG_RUNTIME_DIR=$folder
fail() { cat "$folder/out" "$folder/err"; echo "$*"; exit 1; }

"$outage" --phase 3 > "$folder/out" 2> "$folder/err" || fail 'it failed'
rows=('answered' 'failed' 'rejected' 'not begun' 'seconds spent waiting on a dead server' 'seconds to detect' 'seconds to recover')
for row in "${rows[@]}"; do
    grep -Eq "^ $row.* +[0-9.]+ +([0-9.]+|never)$" "$folder/out" || fail "no row: $row"
done
[[ -z $(awk 'length > 80' "$folder/out") ]] || fail 'lines over 80 columns'
for state in healthy HUNG DEAD slow CLOSED OPEN; do
    grep -qw "$state" "$folder/out" || fail "never shown: $state"
done

# What it is all for.
number() { awk -v row="^ $1" -v side="$2" '$0 ~ row { print $(NF - 2 + side) }' "$folder/out"; }
[[ $(number failed 1) -lt $(number failed 2) ]] || fail 'the protected failed more often'
[[ $(number rejected 1) -gt 0 && $(number rejected 2) -eq 0 ]] || fail 'the protected were never rejected'

[[ ! -s $folder/err ]] || fail 'it complained'
left=$(find "$folder" -mindepth 1 ! -name out ! -name err)
[[ -z $left ]] || fail "left behind: $left"
