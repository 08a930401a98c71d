#!/usr/bin/env bash
# Hands on: every act, its reason, its bounds, and how many circuits it may reach.
. "$(dirname "$0")/cli_lib.sh"

run trip payments --reason x
exits 69; says 'there is no panel'
for name in payments db-read db-write; do run exec "$name" -- true; exits 0; done

run trip payments
exits 64; says "needs a reason"
run trip payments --reason $' \t '
exits 64; says "needs a reason"
run status payments --json
is CLOSED "$(json circuits 0 state)" 'nothing was done'
run trip payments --reason "$(printf 'x%.0s' {1..128})"
exits 64; says 'at most 127'
run trip payments --reason x --user "$(printf 'x%.0s' {1..32})"
exits 64; says '31'
run trip paymints --reason x
exits 69; says "did you mean 'payments'"

run trip payments --reason 'double charges' --user ann --dry-run
exits 0; prints '^payments: would trip'
run is-tripped payments
exits 1

run trip payments --reason 'double charges' --user ann
exits 0; says_nothing; prints '^payments: OPEN \(was CLOSED\), by hand only$'
run exec payments -- touch touched
exits 75; prints_nothing; says 'payments: not run: the circuit is OPEN; not before somebody acts'
[[ ! -e touched ]] || wrong 'the command was run'
run exec payments --json -- true
exits 75; cp err out; is open "$(json verdict)"; is true "$(json by_hand_only)"
run why payments
prints 'ann: double charges'

run probe payments --reason 'looks better'
exits 0; prints '^payments: HALF_OPEN \(was OPEN\)'
run probe payments --reason again
exits 1; says 'not open'
run reset payments --reason 'all is well' --quiet
exits 0; prints_nothing; says_nothing
run is-tripped payments
exits 1
run trip payments --reason 'for a while' --for 15m
exits 0; prints 'probes in (15 min|14 min)'
run reset payments --reason done --json
exits 0; is true "$(json done)"; is OPEN "$(json state_before)"; is CLOSED "$(json state)"

run isolate payments --reason migration --user bob
exits 0; prints '^payments: ISOLATED \(was CLOSED\), until undone$'
run is-tripped payments
exits 0
run reset payments --reason no
exits 1; says 'bob'; says 'migration'
run why payments
prints 'ISOLATED'; prints 'set by bob'; prints 'switchgear normal payments'
run normal payments --reason done
exits 0; prints '^payments: CLOSED \(was ISOLATED\)'

run disable payments --reason 'too tight' --for 2h
exits 0; prints '^payments: DISABLED .*ends in (2 h|1 h 59 min)'
for _ in 1 2 3 4 5 6; do run exec payments -- false; exits 1; done
run is-tripped payments
exits 1
run shadow payments --reason trial
exits 0; prints '^payments: SHADOW \(was DISABLED\), as if CLOSED'
# The least interval between transitions has to pass before a rule may trip again.
would_be_open() { "$program" exec payments -- false; "$program" status payments > out && grep -q '^payments  SHADOW, as if OPEN' out; }
until_true would_be_open
run normal payments --reason done
exits 0
run is-tripped payments
exits 0
run reset payments --reason done
exits 0

# The cooldown.
run exec cool --set breaker.open.cooldown=1h -- true
exits 0
for _ in 1 2 3 4 5; do run exec cool -- false; exits 1; done
run reset cool --reason soon
exits 75; says 'cool'
run reset cool --reason soon --force
exits 0; prints '^cool: CLOSED'
run trip cool --reason soon --force
exits 64; says "unrecognized option '--force'" # no cooldown holds a trip off
run trip --help
[[ $out != *--force* ]] || wrong 'trip offers --force'

# Many at once.
run trip 'db-*' --reason drill
exits 64; says 'would reach 2 circuits'; says '--yes'
run trip --all --reason drill
exits 64; says 'would reach 4 circuits'
run trip '*' --reason drill
exits 64; says 'would reach 4 circuits'
run trip --all db-read --reason drill --yes
exits 64
run trip 'db-*' --reason drill --dry-run
exits 0; is 2 "$(wc -l < out)"
run is-tripped db-read
exits 1
run trip 'db-*' --reason drill --yes
exits 0; is 2 "$(grep -c 'OPEN (was CLOSED)' out)"
run reset db-read db-write --reason 'drill over' --json
exits 0; is 2 "$(wc -l < out)"
while read -r line; do /usr/bin/python3 -m json.tool <<< "$line" > /dev/null || wrong 'a line is no JSON'; done < out
run trip 'nothing-*' --reason drill --yes
exits 69
run trip db-read nobody --reason drill
exits 69
run is-tripped db-read
exits 1
