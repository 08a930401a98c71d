#!/usr/bin/env bash
# `top` as people see it: the table, its keys, acts, sizes, signals, a panel that goes and comes, and terminals that can do little.
lib=$(realpath "$(dirname "$0")")
. "$lib/cli_lib.sh"
. "$lib/tmux_lib.sh"
top=("$program" top --interval 100ms)

run exec payments --set breaker.open.cooldown=1h -- true
run exec orders --preset read --set breaker.open.max=1h --set breaker.open.for=1h -- true
run exec db-read --set bulkhead.max_concurrent=2 -- true
for _ in 1 2 3; do run exec orders -- false; exits 1; done

# Without a terminal: one table, as narrow as others, or JSON.
run top --interval 100ms
exits 0; says_nothing; prints '^CIRCUIT +STATE +CALLS/S'; prints '^orders +OPEN '; prints '^db-read +CLOSED .* 0/2'
is orders "$(sed -n 2p out | cut -d ' ' -f 1)" 'the troubled one first'
[[ $(awk 'length > 80' out) == '' ]] || wrong 'wanted at most 80 columns'
[[ $out != *$'\033'* ]] || wrong 'wanted no colours in a file'
run top --once --interval 100ms --json
exits 0; is db-read "$(json circuits 0 name)"; is 0.0 "$(json circuits 0 calls_per_s)"
run top --panel "$folder/nothing"
exits 69; says 'there is no panel'
run top payments
exits 64

# The table.
export LC_ALL=C.UTF-8
begin 80 24 "${top[@]}"
shows '^switchgear top .*every 100 ms, by trouble'
shows '^3 circuits: 1 tripped, 2 closed$'
shows '^> orders +OPEN .* in (1 h|[0-9]+ min)'
shows '^  payments +CLOSED '
shows '^orders  OPEN for .*, probes in '
shows '^tripped by failures in a row >= 3; last error exit \(1\): false exited with 1'
keys j j
shows '^> payments'
keys k
shows '^> db-read'
keys End
shows '^> payments'

# It is live.
run exec payments -- true
run exec payments -- false
shows '^payments  CLOSED'
shows 'last error exit \(1\)'

# Filter and order.
keys /
types 'p'
shows '^Show only: p'
shows_not '^[> ] orders'
types 'ay'
keys Enter
shows 'only: pay'
shows '^> payments'
keys Escape
shows '^  orders'
types '/nothing'
shows 'no name matches'
keys C-u
types 'DB-*'
keys Enter
shows '^> db-read'
keys Escape
shows '^  orders'
keys s
shows 'by name '
screen | grep -A 1 '^  CIRCUIT' | grep -q ' db-read' || { screen; echo 'not sorted by name'; exit 1; }
for _ in 1 2 3 4 5; do keys s; done
shows 'by trouble'

# Pages.
keys Home Enter
shows '^Rules: now, and where they trip'
shows '^orders  OPEN'
keys G
shows '^Last errors'
keys g q
shows '^  CIRCUIT'
types '?'
shows 'reset: close it'
keys Escape
shows '^  CIRCUIT'

# Acts: a reason, a bound, and yes.
types '/payments'
keys Enter
shows '^> payments'
keys Escape
shows '^> orders|^  orders'
types 't'
shows '^trip payments, why\?'
keys Enter
shows 'a reason, for those who come after'
types 'double chargez'
keys BSpace
types 's'
keys Enter
shows '^trip payments, for how long\?'
types '5x'
keys Enter
shows 'no duration'
keys C-u
types '15m'
keys Enter
shows '^trip payments for 15 min: sure\? \[y/N\]'
types 'n'
shows 'nothing was done'
run is-tripped payments
exits 1
types 'tdouble charges'
keys Enter
shows 'for how long'
types '15m'
keys Enter
shows 'sure\?'
types 'y'
shows '^payments: OPEN \(was CLOSED\), probes in'
run is-tripped payments
exits 0
run events payments --lines 1 --json
is 'double charges' "$(json text)"; is cli "$(json source)"

# Within the cooldown it takes a second yes; from the page as from the table.
keys Enter
shows '^payments  OPEN'
types 'rfixed'
keys Enter
shows '^reset payments: sure\?'
types 'y'
shows 'payments: not done: it tripped .* and cools down'
shows '^force reset payments\? \[y/N\]'
types 'y'
shows '^payments: CLOSED \(was OPEN\)'
run is-tripped payments
exits 1
keys Escape
shows '^  CIRCUIT'
types 'i'
shows 'isolate payments, why'
keys Escape
shows 'nothing was done'

# Any size.
terminal resize-window -x 40 -y 8
shows '^> payments'
shows_not 'FAILING  REJ/S'
terminal resize-window -x 20 -y 4
shows '^too small'
terminal resize-window -x 130 -y 40
shows 'CALLS/S +FAILING +REJ/S +P50 +P99 +IN USE +CALLS +NEXT'
[[ $(screen | awk 'length > 130') == '' ]] || { screen; echo 'a line is too long'; exit 1; }
terminal resize-window -x 80 -y 24
shows '^> payments'

# The panel goes, and another one comes.
rm panels/test.v1.panel
shows 'the panel is gone; waiting for it'
run exec brand-new -- true
shows 'the panel was replaced'
shows '^> brand-new +CLOSED'
shows_not 'payments'

# Stopped and continued; ended, in every way, with the terminal as it was.
in_state() { [[ $(sed 's/.*) //' "/proc/$(cat pid)/stat") == "$1"* ]]; }
kill -s TSTP "$(cat pid)"
until_true in_state T
is 0 "$(terminal display-message -p '#{alternate_on}')" 'the alternate screen while stopped'
kill -s CONT "$(cat pid)"
shows '^> brand-new +CLOSED'
is 1 "$(terminal display-message -p '#{alternate_on}')" 'the alternate screen again'
keys q
ends 0
begin 80 24 env PS1='shell: ' bash --norc --noprofile -i
shows '^shell:'
types "$program top --interval 100ms"
keys Enter
shows '^> brand-new'
keys C-z
shows 'Stopped'
types 'echo the shell has it'
keys Enter
shows '^the shell has it'
types fg
keys Enter
shows '^> brand-new'
keys q
at_shell() { [[ $(screen | grep -v '^$' | tail -n 1) == 'shell:' ]]; }
until_true at_shell
types 'exit 0'
keys Enter
ends 0
for signal in TERM HUP INT; do
    begin 80 24 "${top[@]}"
    shows '^> brand-new'
    kill -s "$signal" "$(cat pid)"
    ends $((128 + $(kill -l "$signal")))
done
begin 80 24 "${top[@]}"
shows '^> brand-new'
keys C-c
ends 130

begin 80 24 "${top[@]}" --dry-run
shows '^> brand-new'
types 'iwhy not'
keys Enter
shows 'for how long'
keys Enter
shows 'sure\?'
types 'y'
shows '^brand-new: would isolate \(now CLOSED\)'
keys q
ends 0
run is-tripped brand-new
exits 1

# Terminals that can do little.
begin 80 24 env TERM=dumb "${top[@]}"
shows 'TERM=dumb\) cannot place text'
ends 69
begin 80 24 env LC_ALL=C "${top[@]}"
for _ in 1 2 3; do run exec brand-new -- true; done
shows '^calls [ .:+#]+failures +rejected'
LC_ALL=C grep -qP '[^\x00-\x7f]' <(screen) && { screen; echo 'more than ASCII'; exit 1; }
keys q
ends 0
colours() { terminal capture-pane -pe | grep -qE $'\033''\[([0-9;]*;)?3[0-7]m'; }
begin 80 24 "${top[@]}"
shows '^> brand-new'
colours || { echo 'no colours on a terminal that has them'; exit 1; }
begin 80 24 env NO_COLOR=1 "${top[@]}"
shows '^> brand-new'
! colours || { terminal capture-pane -pe; echo 'colours against NO_COLOR'; exit 1; }
