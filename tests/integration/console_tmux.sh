#!/usr/bin/env bash
# `console`: from a pipe, every command and call, with what is wrong pointed at; in a terminal, editing, completion, history, signals.
lib=$(realpath "$(dirname "$0")")
. "$lib/cli_lib.sh"
export XDG_STATE_HOME=$folder/state

console() { # LINE ...: from a pipe
    printf '%s\n' "$@" > in
    "$program" console "${globals[@]}" < in > out 2> err
    status=$? out=$(cat out) err=$(cat err) ran="console: $*"
}
globals=()

run exec payments -- true
run exec orders --preset read --set breaker.open.max=1h --set breaker.open.for=1h --set breaker.open.cooldown=1h -- true
run exec -- -dash true

# The calls, word for word.
console 'breaker.statusAll()'
exits 0; says_nothing; prints '^payments +CLOSED'; prints '^3 circuits'
console "breaker.status('payments')"
exits 0; prints '^payments  CLOSED'; prints 'calls +1: 1 good'
console "breaker.isTripped('payments')" 'breaker.isTripped("orders") ;'
exits 0; is $'false\nfalse' "$out"
console "breaker.trip('payments', 'it\\'s \"down\"')"
exits 0; prints '^payments: OPEN \(was CLOSED\), by hand only'
run events payments --lines 1 --json
is "it's \"down\"" "$(json text)"; is console "$(json source)"; is trip "$(json kind)"
console "breaker.isTripped('payments')"
exits 0; is true "$out"
console "breaker.reset('payments')"
exits 0; prints '^payments: CLOSED \(was OPEN\)'
for _ in 1 2 3; do run exec orders -- false; done
console "breaker.reset('orders', 'provider is back')"
exits 75; says 'orders: not done: it tripped'
console "breaker.reset('orders', 'provider is back', false)"
exits 75
console "breaker.reset('orders', 'provider is back', true)"
exits 0; prints '^orders: CLOSED'
console "breaker.callApi('payments', '!echo made; exit 0', 'deep_probe', 50)"
exits 0; is made "$out"; says 'payments: success after'
console "breaker.callApi('payments', '!exit 3')"
exits 3; says 'payments: failure after'
console "breaker.callApi('payments', 'ftp://nowhere/')"
exits 64; says 'not a URL'
console "breaker.status('-dash')" "breaker.trip('-dash', '-r')" "breaker.callApi('-dash', '!touch ran')"
exits 75; prints '^-dash: OPEN'; [[ ! -e ran ]] || wrong 'the command was run'

# Whatever the program can do, with the options it has; the reason of a reset may be left out here alone.
console 'status --names' '' '# a comment' '  switchgear is-tripped payments' "trip payments -r 'a b' --for 1h" 'reset payments' 'why payments --json'
exits 1; says_nothing; prints '^payments: OPEN .*probes in'; prints '^payments: CLOSED'; prints '"rules"'
console 'exec payments -- sh -c "cat; echo \"a  b\" '"'"'c\"'"'"'"'
exits 0; is 'a  b c"' "$out" 'quotes, and a stdin of its own'
console 'trip payments'
exits 64; says 'needs a reason'
console 'help'
exits 0; prints '^  is-tripped '; prints "breaker.callApi\('x', 'URL', 'operation', load\)"
console 'help why'
exits 0; prints '^Usage: switchgear why '
console 'console'
exits 64; says 'this is the console'
globals=(--json)
console "breaker.isTripped('orders')" 'is-tripped orders'
exits 1; is '{' "$(sed -n '/{/{p;q}' out)" 'JSON by a general option'
globals=(--dry-run)
console "breaker.trip('orders', 'drill')"
exits 0; prints '^orders: would trip'
globals=()
run is-tripped orders
exits 1

# A failure does not end it; the last one is its exit status.
console 'exit 7' 'status'
exits 7; prints_nothing
console 'status nobody' 'is-tripped payments' 'status --names'
exits 1; prints '^payments$'
console 'status nobody' 'quit'
exits 69
printf 'status --names' > in # a last line without its end
"$program" console < in > out; [[ $(wc -l < out) -eq 3 ]] || { ran=console; wrong 'the last line was not run'; }

# What is wrong is told with its place, and nothing of it is done.
points() { # COLUMN TEXT LINE
    console "$3"
    exits 64; prints_nothing
    says "line 1, column $1: .*$2"
}
points 15 'missing' 'breaker.reset('
points 27 'texts stand in quotes' "breaker.reset('payments', why)"
points 34 'true or false belongs here' "breaker.reset('payments', 'why', 1)"
points 40 'too many' "breaker.reset('payments', 'why', true, 1)"
points 24 'missing' "breaker.trip('payments')"
points 26 'needs a reason' "breaker.trip('payments', '')"
points 16 'never closed' "breaker.status('payments)"
points 9 "no breaker.trpi\(\); did you mean trip" "breaker.trpi('payments', 'x')"
points 23 'nothing may follow' "breaker.statusAll() ; ls && x"
points 24 'comma' "breaker.trip('püyment' 'x')"
points 33 'whole number' "breaker.callApi('a', '!b', 'c', 1.5)"
points 18 'after a backslash' "breaker.status('a\\qb')"
points 8 'never closed' "status 'payments"
[[ $(tail -n 1 err) == '                   ^' ]] || wrong 'the place was not pointed at'
console "$(printf 'status a\033[31mb')"
exits 64; says 'column 9: a control character'; [[ $err != *$'\033'* ]] || wrong 'wanted no control characters'
console "status $(printf 'x%.0s' {1..5000})"
exits 64; says 'longer than'
printf 'status --names\0\nstatus nobody\n' > in
"$program" console < in > out 2> err; status=$? out=$(cat out) err=$(cat err) ran='a NUL'
exits 69; prints_nothing; says 'a NUL byte'

# In a terminal.
. "$lib/tmux_lib.sh"
export LC_ALL=C.UTF-8
# What is typed while a command runs is the command's.
at_prompt() { [[ $(screen | grep -v '^$' | tail -n 1) =~ ^switchgear\ .*\>$ ]]; }
ready() { until_true at_prompt; }
begin 80 24 "$program" console
shows "^'help' lists what there is"
shows '^switchgear \[1 tripped\]>'
ready
types 'sta'
keys Tab
types '--na'
keys Tab Enter
shows '^payments$'
ready
types 'status pa'
keys Tab Enter
shows '^payments  CLOSED'
ready
types "breaker.res"
keys Tab
types "pay"
keys Tab
types ", 'ok', true)"
shows "> breaker.reset\('payments', 'ok', true\)$"
keys Enter
shows '^payments: CLOSED \(was CLOSED\)'
ready
types 'breaker.'
keys Tab Tab
shows 'breaker.callApi\(. +breaker.isTripped'
keys C-c
shows '\]> $|\]>$'
ready
types 'status payments --pa'
keys Tab
shows 'status payments --panel$'
keys Tab
shows '^--panel-info +--panel='
keys C-u
ready
types "breaker.trip('payments', bad)"
keys Enter
shows '^ {49}\^$'
shows 'column 26: texts stand in quotes'

# A reason is asked for, and typed.
ready
types 'trip payments'
keys Enter
shows '^Reason \(kept with the act\):'
types 'typed here'
keys Enter
shows '^payments: OPEN'
shows '^switchgear \[2 tripped\]>'
run events payments --lines 1 --json
is 'typed here' "$(json text)"

# Ctrl-C ends what runs, not the console; an empty line does nothing.
ready
types 'events --follow'
keys Enter
shows 'typed here'
keys C-c
keys Enter
shows '^\^C'
ready
types ' status --names'
keys Enter
shows '^orders$'
ready
types 'exec orders -- sh -c "echo began; exec sleep 1000"'
keys Enter
shows '^began'
keys C-c
shows '^\^C'
ready
types 'is-tripped orders -v'
keys Enter
shows '^orders CLOSED'

# Stopped and continued at the prompt.
in_state() { [[ $(sed 's/.*) //' "/proc/$(cat pid)/stat") == "$1"* ]]; }
ready
types 'status --na'
shows 'status --na$'
kill -s TSTP "$(cat pid)"
until_true in_state T
kill -s CONT "$(cat pid)"
types 'mes'
keys Enter
shows '^payments$'

# History: across sessions, private, without what began with a blank.
ready
keys C-d
ends 0
history=$XDG_STATE_HOME/switchgear/console_history
is 600 "$(stat -c %a "$history")" 'permissions of the history'
grep -q 'events' "$history" || { cat "$history"; echo 'not in the history'; exit 1; }
! grep -q '^\\040status' "$history" || { cat "$history"; echo 'a private line is in the history'; exit 1; }
begin 80 24 "$program" console --panel "$folder/panels/none"
shows '^switchgear \[no panel\]>'
keys Up Up
shows '> is-tripped orders -v'
keys C-u
ready
types 'exit 5'
keys Enter
ends 5
for signal in TERM HUP; do
    begin 80 24 "$program" console
    shows '^switchgear \[2 tripped\]>'
    types 'half a li'
    kill -s "$signal" "$(cat pid)"
    ends $((128 + $(kill -l "$signal")))
done

# Under a shell: Ctrl-Z gives the terminal back, at the prompt and while something runs.
begin 80 24 env PS1='shell: ' bash --norc --noprofile -i
shows '^shell:'
types "$program console"
keys Enter
shows 'tripped\]>'
ready
types 'status --na'
shows 'status --na$'
keys C-z
shows 'Stopped'
types 'echo the shell has it'
keys Enter
shows '^the shell has it'
types fg
keys Enter
shows 'status --na$'
types 'mes'
keys Enter
shows '^payments$'
ready
types 'events --follow'
keys Enter
shows 'typed here'
keys C-z
shows 'Stopped'
types 'echo the shell has it again'
keys Enter
shows '^the shell has it again'
types fg
keys Enter
run trip payments --reason 'after the stop'
shows 'after the stop'
keys C-c
shows '^\^C'
ready
types 'exit 3'
keys Enter
at_shell() { [[ $(screen | grep -v '^$' | tail -n 1) == 'shell:' ]]; }
until_true at_shell
types 'exit $?'
keys Enter
ends 3

# What it runs ends with it.
begin 80 24 "$program" console
shows 'tripped\]>'
ready
types 'events --follow'
keys Enter
shows 'typed here'
child=$(pgrep -P "$(cat pid)")
kill -s KILL "$(cat pid)"
gone() { ! kill -0 "$1" 2> /dev/null || [[ $(sed 's/.*) //' "/proc/$1/stat" 2> /dev/null) == [ZX]* ]]; }
until_true gone "$child"
