#!/usr/bin/env bash
# What `make run` starts, on a short schedule: each act ends with its table and shows what it is there for, and nothing is left.
set -euo pipefail
outage=$BUILD/examples/outage program=$BUILD/src/switchgear
[[ -x $outage ]] || { echo "the examples were not built (no libcurl?)"; exit 77; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export XDG_RUNTIME_DIR=$folder
fail() { cat "$folder/out" "$folder/err"; echo "$*"; exit 1; }

# The table of an act begins with the names of the sides: the first act's, or the second's.
table() { awk -v act="$1" '/^ calls .*unprotected$/ { seen++ } seen == act' "$folder/out"; }
has_rows() { # ACT ROW ...
    local act=$1 row
    shift
    for row in "$@"; do
        table "$act" | grep -E "^ +$row.* +[0-9.]+ +([0-9.]+|never|none)$" > /dev/null || fail "act $act has no row: $row"
    done
}
number() { table "$1" | awk -v row="^ +$2" -v side="$3" '$0 ~ row { print $(NF - 2 + side) }'; } # ACT ROW SIDE
compare() { awk "BEGIN { exit !($1) }"; }
nothing_left() {
    local left
    left=$(find "$folder" -mindepth 1 ! -name out ! -name err)
    [[ -z $left ]] || fail "left behind: $left"
}

"$outage" --phase 3 > "$folder/out" 2> "$folder/err" || fail 'it failed'
[[ -z $(awk 'length > 80' "$folder/out") ]] || fail 'lines over 80 columns'
! grep -q $'\033' "$folder/out" || fail 'colours without a terminal'
[[ ! -s $folder/err ]] || fail 'it complained'
nothing_left

# The first act.
has_rows 1 'answered' 'failed' 'rejected' 'not begun' 'seconds spent waiting on a dead server' 'seconds to detect' 'seconds to recover'
for state in healthy HUNG DEAD slow CLOSED OPEN; do
    grep -qw "$state" "$folder/out" || fail "never shown: $state"
done
[[ $(number 1 failed 1) -lt $(number 1 failed 2) ]] || fail 'the protected failed more often'
[[ $(number 1 rejected 1) -gt 0 && $(number 1 rejected 2) -eq 0 ]] || fail 'the protected were never rejected'

# The second: the same calls on both sides; it checks by itself what the server was used for.
has_rows 2 'offered' 'answered ' 'rejected, the bulkhead' 'rejected, being heavy' 'rejected otherwise' 'called, and failed' \
    'still on their way' 'answered a second: before' 'in the burst' 'after it' 'of the burst: urgent' 'seconds .* half' \
    'seconds .* 99 of 100' 'attempts that timed out' 'retries' 'attempts to a call'
[[ $(number 2 offered 1) -eq $(number 2 offered 2) ]] || fail 'the two sides did not get the same calls'
for side in 1 2; do
    sum=0
    for row in 'answered  ' 'rejected, the' 'rejected, being' 'rejected otherwise' 'called, and' 'still on'; do
        sum=$((sum + $(number 2 "$row" "$side")))
    done
    [[ $(number 2 offered "$side") -eq $sum ]] || fail "side $side: of $(number 2 offered "$side") calls only $sum are accounted for"
done
[[ $(number 2 'attempts that' 1) -eq 0 && $(number 2 'attempts that' 2) -gt 0 ]] || fail 'the wrong side timed out'
[[ $(number 2 'rejected, the' 1) -gt 0 && $(number 2 'rejected, the' 2) -eq 0 ]] || fail 'the wrong side was rejected'
# A tenth of the calls, one a second besides, and what little had been saved up.
made=$(number 2 'attempts to' 1)
compare "$made >= 1 && $made <= 1.25" || fail 'retries of the protected went over their budget'
compare "$(number 2 'attempts to' 2) > 1.5" || fail 'the unprotected were not seen to retry'
# Of the others not one in ten is answered.
compare "$(number 2 'of the burst: urgent' 1) > 50" || fail 'urgent calls did not come first'

# The second act knows when it fails: with its circuit disabled, the protected side admits everything.
[[ -x $program ]] || { echo "passed, but for what needs the program: it was not built"; exit 0; }
: > "$folder/out" # which the next may not have emptied yet when it is looked at
"$outage" --act 2 > "$folder/out" 2> "$folder/err" &
pid=$!
until grep -q '^ *1[.]0s' "$folder/out"; do
    kill -0 $pid || fail 'it ended too early'
    sleep 0.05
done
panels=("$folder"/switchgear-outage-*)
"$program" --panel "${panels[0]}/panel" disable rush --reason 'to see it collapse' --yes > "$folder/disabled" 2>&1 ||
    { cat "$folder/disabled"; kill -INT $pid; fail 'it could not be disabled'; }
rm "$folder/disabled"
status=0
wait $pid || status=$?
[[ $status -eq 1 ]] || fail "without protection it ended with exit status $status"
grep -q 'admitted calls of the protected timed out' "$folder/err" || fail 'it did not say what went wrong'
nothing_left
