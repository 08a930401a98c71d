#!/usr/bin/env bash
# Commands under limits, in queues, tried again, and stood in for; and what people see of that meanwhile.
. "$(dirname "$0")/cli_lib.sh"

narrow() { [[ $(awk 'length > 80' out) == '' ]] || wrong 'wanted at most 80 columns'; }

# Tried again until it works. Each run counts itself.
cat > flaky << 'END'
echo run >> "$1"
[ "$(wc -l < "$1")" -ge "$2" ]
END
run exec flaky --set retry.attempts=3 --set retry.delay=1ms -- sh flaky flaky.runs 3
exits 0; says_nothing; is 3 "$(wc -l < flaky.runs)" runs
run status flaky --json
is '1 2 2' "$(json circuits 0 successes) $(json circuits 0 failures) $(json circuits 0 retry retries)" counts
run exec flaky --verbose -- sh flaky again.runs 9
exits 1; is 3 "$(wc -l < again.runs)" runs; says 'flaky: attempt 1: failure; again in '; says 'flaky: failure after '
rm again.runs
run exec flaky --json -- sh flaky again.runs 2
exits 0; cp err out; is 2 "$(json attempts)"; is false "$(json degraded)"

# What is ignored, and what could not be run, is not tried again.
run exec flaky --ignore-status 1 -- sh flaky ignored.runs 9
exits 1; is 1 "$(wc -l < ignored.runs)" runs
run exec flaky -- no-such-command-anywhere
exits 127

# A budget that has run dry.
run exec dry --set retry.attempts=5 --set retry.delay=1ms --set retry.budget.percent=0.0001 \
    --set retry.budget.per_second=0 --set retry.budget.max=2 -- sh flaky dry.runs 9
exits 1; is 3 "$(wc -l < dry.runs)" runs
run status dry
prints 'retries +2 made, 1 refused by the budget; 0 left to spend'

# The circuit's timeout is the command's, all it started included.
run exec slow --set timeout.attempt=200ms --kill-after 200ms --timeout 1h -- \
    sh -c 'trap "" TERM; sh -c "trap \"\" TERM; echo \$\$ > grandchild; while :; do sleep 1; done" & while :; do sleep 1; done'
exits 124; says 'slow: stopped after [0-9]+ ms'
gone() { ! kill -0 "$1" 2> /dev/null || [[ $(sed 's/.*) //' "/proc/$1/stat" 2> /dev/null) == [ZX]* ]]; }
until_true gone "$(cat grandchild)"
run status slow
prints 'timed out'; prints 'timeout +200 ms an attempt'

# One at a time: the second waits for the first, and everyone can see that.
hold='echo $$ > held; while [ ! -e go ]; do sleep 0.01; done'
"$program" exec one --set bulkhead.max_concurrent=1 --set bulkhead.when_busy=wait --set bulkhead.max_wait=1h \
    --set bulkhead.max_queue=2 --set bulkhead.when_queue_full=error --set bulkhead.ageing=1m \
    --set fallback=static --set fallback.static=nothing -- sh -c "$hold" &
until_true test -s held
waits() { "$program" status one --json > out && [[ $(json circuits 0 bulkhead queue) == "$1" ]]; }
"$program" exec one --priority 10 -- sh -c 'echo patient >> order' &
until_true waits 1
"$program" exec one --priority -10 -- sh -c 'echo urgent >> order' &
until_true waits 2
run exec one --priority 20 -- touch touched # a more urgent one would take the place of the least urgent
exits 75; says 'one: not run: QUEUE_SATURATED, '; prints_nothing
run exec one --priority 20 --json -- touch touched
exits 75; cp err out; is queue_saturated "$(json verdict)"
[[ ! -e touched ]] || wrong 'the command was run'
run status
prints '^CIRCUIT .* IN USE '; prints '^one +CLOSED .* 1/1 \+2'; narrow
run status one
prints 'bulkhead +1 of 1 in use, 2 of 2 waiting'; narrow
run why one
prints '^Permits are held by'; prints '^ +1 call +pid [0-9]+  exec sh  for .*  alive$'; prints 'rejected +2: 2 queue saturated|rejected +2 queue saturated'; narrow
run why one --json
is '2 2' "$(json rejected queue_saturated) $(json rejected total)" rejected
is 'exec sh' "$(json permit_holders 0 process)"; is true "$(json permit_holders 0 alive)"
[[ ! -e order ]] || wrong 'somebody did not wait'
touch go
wait
is 'urgent patient' "$(paste -sd ' ' order)" order
rm go held
run status one --json
is '0 0' "$(json circuits 0 bulkhead held) $(json circuits 0 bulkhead queue)" 'held and waiting'

# Who is told to end while it waits does, and leaves no place behind.
"$program" exec one -- sh -c "$hold" &
until_true test -s held
for signal in TERM HUP; do # an asynchronous command of a script ignores INT
    "$program" exec one -- touch touched 2> err &
    until_true waits 1
    kill -s "$signal" $!
    wait $!
    status=$? ran="exec one, and $signal"
    exits $((128 + $(kill -l "$signal")))
    until_true waits 0
done
[[ ! -e touched ]] || wrong 'the command was run'
touch go
wait

# And while it waits for another attempt.
"$program" exec later --set retry.attempts=2 --set retry.delay=1h --set retry.max_delay=1h --set retry.jitter=none -- sh flaky later.runs 9 &
failed() { "$program" status later --json > out 2> /dev/null && [[ $(json circuits 0 failures) == 1 ]]; }
until_true failed
kill -s TERM $!
wait $!
status=$? ran='exec later, and TERM'
exits 143; is 1 "$(wc -l < later.runs)" runs

# Full, and nobody waits; over the rate; in time for the rate.
rm go held
"$program" exec full --set bulkhead.max_concurrent=1 -- sh -c "$hold" &
until_true test -s held
run exec full -- touch touched
exits 75; says 'full: not run: the bulkhead is full; try again soon'
touch go
wait
run exec rate --set limiter.rate=1 --set limiter.per=1h -- true
exits 0
run exec rate -- touch touched
exits 75; says 'rate: not run: over the rate limit; try again in [0-9]+ (min|h) .*\(at [0-9:]+\)'
run status rate
prints 'limiter +1 per 1 h; 0 could go at once'
run exec paced --set limiter.rate=100 --set limiter.burst=1 --set limiter.when_limited=wait --set limiter.max_wait=1m -- true
exits 0
for _ in 1 2 3; do run exec paced -- true; exits 0; done
[[ ! -e touched ]] || wrong 'the command was run'

# The circuit's own answer, for a command that failed and for one that was not run.
run exec quote --set breaker.trip.0.consecutive=1 --set fallback='cache, static' --set cache.bytes=65536 --set fallback.static='no quotes now' -- sh -c 'exit 3'
exits 0; is 'no quotes now' "$out"; says 'quote: run: it failed; fallback.static stands in'
run exec quote -- touch touched
exits 0; is 'no quotes now' "$out"; says 'quote: not run: the circuit is OPEN; fallback.static stands in'
run exec quote --json -- touch touched
exits 0; is 'no quotes now' "$out"; cp err out; is true "$(json degraded)"; is open "$(json verdict)"
[[ ! -e touched ]] || wrong 'the command was run'

run exec one --priority 32 -- true
exits 64; says '-32 to 31'
run exec one --priority=-33 -- true
exits 64
run exec bad --set bulkhead.max_concurrent=0 -- touch touched
exits 78; says 'bulkhead.max_concurrent'
[[ ! -e touched ]] || wrong 'the command was run'

run exec parts --set 'features.list=checkout:100, search:50' -- true
run status parts
prints 'features +1 of 1 on'

run help settings
exits 0; narrow; prints '^Bulkhead: '; prints '^bulkhead\.max_concurrent  '; prints '^Retries'; prints '^fallback\.static  '
