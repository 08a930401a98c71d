#!/usr/bin/env bash
# What happened, told afterwards and while it happens.
. "$(dirname "$0")/cli_lib.sh"

for _ in 1 2 3; do run exec orders --preset read -- false; exits 1; done
run exec payments -- true
run trip payments --reason $'evil \033[2J text' --user ann
exits 0

run events
exits 0; says_nothing
prints 'orders +CLOSED -> OPEN, failures in a row'; prints 'payments +tripped by ann: evil .*text \(CLOSED -> OPEN\)'
[[ $out != *$'\033'* ]] || wrong 'wanted no control characters'
run events payments
exits 0; [[ $out != *orders* ]] || wrong 'wanted one circuit'
run events 'ord*' --lines 1
exits 0; is 1 "$(wc -l < out)"
run events --lines 0
exits 0; prints_nothing
run events --json
exits 0
while read -r line; do /usr/bin/python3 -m json.tool <<< "$line" > /dev/null || wrong 'a line is no JSON'; done < out
grep -q '"kind": *"trip".*"source": *"cli"' out || wrong 'the source of an act is not told'

# The sample of an error knows the trace of its call; without one, and in other events, there is none.
trace=0af7651916cd43dd8448eb211c80319c
TRACEPARENT=00-$trace-b7ad6b7169203331-01 run exec traced --preset read -- false
exits 1
run events traced --json
exits 0
grep -q '"kind": *"sample".*"trace_id": *"'$trace'"' out || wrong 'the trace of a sample is not told'
run events orders --json
exits 0
grep -q '"kind": *"sample".*"trace_id": *null' out || wrong 'a sample without a trace has none'
is "$(wc -l < out)" "$(grep -c '"trace_id": *null' out)"

run probe orders --reason 'is it back?'
exits 0
for _ in 1 2; do run exec orders -- true; exits 0; done
run events orders
prints 'orders +HALF_OPEN -> CLOSED, recovered$'

# The end of a ramp tells what did not trip it.
run exec slowly --set breaker.half_open.ramp=99 --set breaker.half_open.ramp_step=1ms -- true
exits 0
run trip slowly --reason drill
run probe slowly --reason drill
closed() { "$program" exec slowly -- true; [[ $("$program" status slowly) == 'slowly  CLOSED'* ]]; }
until_true closed
run events slowly
prints 'HALF_OPEN -> HALF_OPEN, its probes succeeded, ramping up$'
prints 'HALF_OPEN -> CLOSED, recovered \(measured 0, limit 5\)$'

"$program" events --follow --lines 0 --json > followed &
follower=$!
trap 'kill $follower 2> /dev/null; rm -rf "$folder"' EXIT
seen() { grep -q "\"kind\":\"$1\"" followed; }
act() { "$program" isolate orders --reason now > /dev/null && "$program" normal orders --reason now > /dev/null; seen mode; }
until_true act
kill "$follower"
wait "$follower"

# A reader that leaves ends the follower, though nothing more happens.
"$program" events --follow > >(head -n 1 > /dev/null) &
follower=$!
ended() { ! kill -0 "$follower" 2> /dev/null; }
until_true ended
trap 'rm -rf "$folder"' EXIT
