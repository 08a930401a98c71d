#!/usr/bin/env bash
# Commands under a circuit: what they come to, and what comes of them.
. "$(dirname "$0")/cli_lib.sh"

outcomes() { # CIRCUIT: good failed timed-out ignored cancelled
    run status "$1" --json
    exits 0
    is "$2" "$(json circuits 0 successes) $(json circuits 0 failures) $(json circuits 0 timeouts) $(json circuits 0 ignored) $(json circuits 0 cancelled)" outcomes
    is 0 "$(json circuits 0 in_flight)" 'in flight'
}

run exec job -- sh -c 'echo data; echo message >&2'
exits 0; is data "$out"; is message "$err"
run exec job sh -c 'exit 3'
exits 3; prints_nothing; says_nothing
outcomes job '1 1 0 0 0'
run exec job --ignore-status 2,7-9 -- sh -c 'exit 8'
exits 8
outcomes job '1 1 0 1 0'
run exec job -- no-such-command-anywhere
exits 127; says 'no-such-command-anywhere: No such file'
run exec job -- /etc/passwd
exits 126; says 'Permission denied'
outcomes job '1 1 0 1 2'
run exec job -- sh -c 'kill -9 $$'
exits 137
outcomes job '1 2 0 1 2'
run exec job --timeout 100ms -- sh -c 'while :; do read -rt 1 x < /dev/zero; done'
exits 124; says 'stopped after 100 ms'
outcomes job '1 2 1 1 2'
run exec job --timeout 1m --verbose -- true
exits 0; says 'job: success after'
run exec job --json -- sh -c 'exit 4'
exits 4; cp err out; is failure "$(json outcome)"; is 4 "$(json exit_status)"

# The trace that a failure belongs to is kept with it.
TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 run exec traced -- sh -c 'exit 4'
run why traced
exits 0; [[ $out == *'trace=0af7651916cd43dd8448eb211c80319c'* ]] || wrong 'the trace is not told'

# A descriptor of the panel would keep its place alive in whatever the command leaves running.
run exec job -- sh -c 'ls -l /proc/self/fd'
exits 0; [[ $out != *panel* ]] || wrong 'the command has the panel open'
printf 'input' | "$program" exec job -- cat > out
status=$? out=$(cat out) ran='exec job -- cat'
exits 0; is input "$out"

# Arguments are the command's own.
run exec job echo --help --panel x -- -h
exits 0; is '--help --panel x -- -h' "$out"

# A timeout reaches all it started, however deaf.
run exec deaf --timeout 200ms --kill-after 200ms -- sh -c 'trap "" TERM; sh -c "trap \"\" TERM; echo \$\$ > grandchild; while :; do sleep 1; done" & echo $$ > child; while :; do sleep 1; done'
exits 124
gone() { ! kill -0 "$1" 2> /dev/null || [[ $(sed 's/.*) //' "/proc/$1/stat" 2> /dev/null) == [ZX]* ]]; }
until_true gone "$(cat child)"
until_true gone "$(cat grandchild)"
# One that leaves while its children stay is not the end of them either.
run exec deaf --timeout 200ms --kill-after 200ms -- sh -c 'sh -c "trap \"\" TERM; echo \$\$ > grandchild; while :; do sleep 1; done" & while :; do sleep 1; done'
exits 124
until_true gone "$(cat grandchild)"
outcomes deaf '0 0 2 0 0'

# Settings speak when they make the circuit, and must agree afterwards.
run exec tuned --preset read --set breaker.open.for=7s -- true
exits 0
run exec tuned --preset read --set breaker.open.for=7s -- true
exits 0; says_nothing
run exec tuned -- true
exits 0
run exec tuned --set breaker.open.for=8s -- touch touched
exits 78; says 'breaker.open.for'; says '--reconfigure'
[[ ! -e touched ]] || wrong 'the command was run'
run exec tuned --set breaker.open.for=8s --reconfigure -- true
exits 0
run why tuned --json
is 8s "$(json settings breaker.open.for)"; is 4 "$(json successes)" 'counters stay'
run exec fresh --set breaker.open.fro=8s -- true
exits 78; says 'breaker.open.fro'
run exec fresh --set breaker.open.for=zebra -- true
exits 78; says 'zebra'
run exec fresh --preset nonsense -- true
exits 78; says 'nonsense'
run exec fresh --set nonsense -- true
exits 64; says 'KEY=VALUE'
run exec 'bad name' -- true
exits 64; says 'is no name'
run exec "$(printf 'x%.0s' {1..128})" -- true
exits 64
run status fresh
exits 69
run exec fresh --dry-run -- touch touched
exits 0; prints 'would run touch'
[[ ! -e touched ]] || wrong 'the command was run'

# Open: not run, and it says until when. Due: the next is a probe, and good ones close it.
for _ in 1 2 3; do run exec probed --preset read --set breaker.open.for=500ms -- false; exits 1; done
run exec probed -- touch touched
exits 75; says 'probed: not run: the circuit is OPEN; try again in .* \(at [0-9:]+\)'
[[ ! -e touched ]] || wrong 'the command was run'
due() { "$program" status probed --json > out && [[ $(json circuits 0 state) == HALF_OPEN ]]; }
until_true due
run exec probed -- true
exits 0
run exec probed -- true
exits 0
run status probed --json
is CLOSED "$(json circuits 0 state)"

run exec nowhere --panel "$folder/none/at/all" -- touch touched
[[ $status -ne 0 && ! -e touched ]] || wrong 'the command was run without a panel'

run exec backup --ignore-status 1,5-2 -- touch touched
exits 64; says '5-2'; [[ ! -e touched ]] || wrong 'the command was run'
run exec backup -- $'/none/\033[2J'
exits 127; [[ $err != *$'\033'* ]] || wrong 'wanted no control characters'
