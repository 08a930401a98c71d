#!/usr/bin/env bash
# `status` where there is little room: columns are left out, and no line is longer than the terminal is wide.
lib=$(realpath "$(dirname "$0")")
. "$lib/cli_lib.sh"
export XDG_STATE_HOME=$folder/state
. "$lib/tmux_lib.sh"

# No row of the table goes on in the next line: each begins with what a row begins with.
rows_are_lines() { # the screen is of 40 columns
    local beginnings='^(CIRCUIT|payments|orders|isolated-one|a-cir|[0-9]+ circuits|  [0-9]|it ended|switchgear \[|$)'
    screen > shown
    ! grep -q "> *status$" shown || sed -i "1,/> *status$/d" shown # what the console says before it
    ! grep -vE -e "$beginnings" shown || { echo "$ran: a line was broken"; sed 's/^/  | /' shown; exit 1; }
}

run exec payments -- true
run exec orders --preset read --set breaker.open.max=1h --set breaker.open.for=1h --set bulkhead.max_concurrent=20 -- true
for _ in 1 2 3; do run exec orders -- false; done
run exec isolated-one -- true
run isolate isolated-one --reason x
run exec a-circuit-of-a-rather-long-name-with-tail -- true
run trip a-circuit-of-a-rather-long-name-with-tail --reason x

begin 40 20 "$program" status
shows 'it ended with 0'
shows '^CIRCUIT +STATE +NEXT$'; shows '^orders +OPEN +probes in'; shows '^a-cir.*tail +OPEN +by hand'
shows '^4 circuits: '
rows_are_lines

begin 80 20 "$program" status
shows '^CIRCUIT +STATE +FAILING +CALLS +REJECTED +IN USE +NEXT$'; shows '^orders +OPEN .* 0/20 +probes in '
shows '^payments +CLOSED +.* 1 +0 '

# What a file gets has all.
run status
exits 0; prints '^CIRCUIT +STATE +FAILING +CALLS +REJECTED +IN USE +NEXT$'; prints '^a-circuit-of-a-rather-long-name-with-tail +OPEN'

begin 40 20 "$program" console
shows 'tripped\]>'
terminal send-keys -l ' status'
terminal send-keys Enter
shows '^4 circuits: '; shows '^orders +OPEN +probes in'
rows_are_lines
terminal send-keys C-l
terminal send-keys -l ' breaker.status("orders")'
terminal send-keys Enter
shows '^orders  OPEN for '; shows '^  opened by '
shows 'tripped\]> *$' # what is typed before it asks may be lost
terminal send-keys C-d
shows 'it ended with 0'

begin 40 30 "$program" status --panel-info
shows '^ +[0-9,]+ left$'; shows 'it ended with 0'
