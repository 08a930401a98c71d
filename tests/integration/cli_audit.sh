#!/usr/bin/env bash
# The audit: an agent writes it, everybody who may read it reads it, with the agent or without.
. "$(dirname "$0")/cli_lib.sh"

export SWITCHGEAR_DATABASE=$folder/audit.db TZ=Etc/GMT-2
run audit
if [[ $err == *'built without the agent'* ]]; then echo 'built without the agent'; exit 77; fi
exits 69; says 'there is no database'

cat > switchgear.yaml << 'EOF'
agent: { listen: "off" }
alerts: []
circuits:
  payments: { preset: default }
  db-read: { preset: read, alias: reads }
  db-write: { preset: write }
EOF
export SWITCHGEAR_CONFIG=$folder/switchgear.yaml
start_agent() {
    "$program" agent --socket "$folder/agent.sock" > agent.log 2>&1 &
    agent=$!
    trap 'kill -9 $agent 2> /dev/null; rm -rf "$folder"' EXIT
    until_true has_circuits
}
has_circuits() { kill -0 $agent || wrong 'the agent ended'; "$program" is-tripped db-write 2> /dev/null; [[ $? -le 1 ]]; }
rows() { "$program" audit "$@" --json > rows 2> /dev/null; wc -l < rows; }
has_rows() { [[ $(rows "${@:2}") -ge $1 ]]; }
start_agent

run trip payments --user ann --reason $'INC-1: \e[31mdouble\e[0m charges'
exits 0
for _ in 1 2 3; do run exec db-read -- false; done
run isolate db-write --user bob --reason migration --for 1h
exits 0
until_true has_rows 3

run audit
exits 0; says_nothing
prints 'payments  +TRIP +by ann via cli: INC-1: \?\[31mdouble\?\[0m charges$'
prints 'db-read  +TRIP +by system: CLOSED -> OPEN, failures in a row'
prints 'db-write  +MODE +forced_open for (1 h|60 min) by bob via cli: migration$'
is 'payments db-read db-write' "$(awk '{ print $3 }' out | xargs)" 'oldest first'
run audit 'db-*' --action trip
exits 0; is 1 "$(wc -l < out)"; prints db-read
run audit reads
exits 0; is 1 "$(wc -l < out)"; prints db-read
run audit reads payments
is 2 "$(wc -l < out)"
is 1 "$(rows reads --limit 1)"
run audit db-read payments
is 2 "$(wc -l < out)"
run audit --limit 1
is 1 "$(wc -l < out)"; prints MODE
run audit --limit 0
prints_nothing
run audit nobody
exits 0; prints_nothing; says 'has no such rows'
run audit --json --limit 1
is bob "$(json user)"; is cli "$(json source)"; is forced_open "$(json evidence to)"; is migration "$(json reason)"
grep -qE '"timestamp":"20[0-9-]+T[0-9:.]+Z"' out || wrong 'wanted an ISO instant'

# Since when: how long ago, a date in our time, a date in UTC.
is 3 "$(rows --since 1h)"
is 3 "$(rows --since 2020-01-31)"
is 3 "$(rows --since "$(date -d '-1 minute' '+%Y-%m-%d %H:%M')")"
is 0 "$(rows --since "$(date -d '+2 minutes' '+%Y-%m-%d %H:%M')")"
is 3 "$(rows --since "$(date -u -d '-1 minute' '+%Y-%m-%dT%H:%MZ')")"
is 0 "$(rows --since "$(date -u -d '+2 minutes' '+%Y-%m-%dT%H:%MZ')")"
for when in yesterday 2026-13-01 '' 5; do
    run audit --since "$when"
    exits 64; says "write how long ago"
done
run audit --action trips
exits 64; says "TRIP, RECOVER"
run audit --limit many
exits 64

# Followed: what comes, not what was.
"$program" audit --limit 0 --follow --json > followed &
follower=$!
trap 'kill -9 $agent $follower 2> /dev/null; rm -rf "$folder"' EXIT
seen() { grep -q "$1" followed; }
normal_again() { "$program" isolate db-write --reason x > /dev/null; "$program" normal db-write --user eve --reason done > /dev/null; seen eve; }
until_true normal_again
! grep -q ann followed || wrong 'what was before is told'

# The agent is killed, acts go on, and the next agent tells of them; the file needs no agent to be read.
kill -9 $agent; wait $agent 2> /dev/null
run reset payments --user carol --reason meanwhile --force
exits 0
run audit payments
is 1 "$(wc -l < out)"
start_agent
until_true has_rows 2 payments
run audit payments
prints 'RESET +by carol'; is 2 "$(wc -l < out)"
until_true seen carol
kill $follower; wait $follower 2> /dev/null
[[ $(stat -c %a audit.db) == 640 ]] || wrong 'wanted mode 0640'

# A new panel, as after a boot: what was OPEN or had a mode is so again, and trips of a life are counted.
run isolate db-write --user bob --reason 'moving house' --for 1h
run trip payments --user ann --reason again
is_checked() { has_rows 3 payments; }
until_true is_checked
kill -9 $agent; wait $agent 2> /dev/null
rm panels/test.v1.*
start_agent
is_restored() { "$program" is-tripped payments; }
until_true is_restored
run status --json payments
is OPEN "$(json circuits 0 state)"; is 2 "$(json circuits 0 trips)"; is true "$(json circuits 0 by_hand_only)"
run why db-write
prints 'set by bob .*: moving house'
run audit payments --action restore
until_true has_rows 1 --action RESTORE

# A database of something else, and one of a later program.
kill $agent; wait $agent
is 0 $? 'how the agent ended'
echo 'this is no database, but a text that is long enough to be looked at twice by whoever reads it, which is what we want' > text
run audit --database text
exits 65; says 'no database'
/usr/bin/python3 -c 'import sqlite3; sqlite3.connect("audit.db").execute("PRAGMA user_version=9")'
run audit
exits 65; says 'schema 9, written by a newer switchgear'
run agent --socket off
[[ $status -ne 0 ]] || wrong 'wanted the agent to refuse it'
says 'schema 9, written by a newer switchgear'
exit 0
