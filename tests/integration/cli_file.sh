#!/usr/bin/env bash
# The configuration file: where it is found, what of it holds for commands, aliases, and what is done when it is broken.
. "$(dirname "$0")/cli_lib.sh"
unset SWITCHGEAR_PANEL SWITCHGEAR_CONFIG
export XDG_CONFIG_HOME=$folder/home XDG_RUNTIME_DIR=$folder/run
mkdir -p home/switchgear run

cat > file.yaml << END
panel: { path: $folder/panels/by-file, circuits_max: 64 }
circuits:
  read-database:
    preset: read
    alias: read
    group: database
    owner: data-platform
    runbook: https://wiki.example/db
    depends_on: [ pg-main ]
    slo: { availability: 99.9, p99: 300ms, window: 30d }
  pg-main: { preset: default }
  bookmaker-*:
    max: 2
    breaker: { trip: [ { consecutive: 2 } ], open: { for: 1h, max: 1h } }
    owner: trading
END

# It says where the panel is, how large, and what circuits there are.
run exec -c file.yaml read -- true
exits 0; says_nothing
[[ -e panels/by-file.v1.panel ]] || wrong 'no panel where the file says'
run status -c file.yaml --panel-info
prints 'circuits .* of 64'
run status -c file.yaml --names
is $'pg-main\nread-database' "$out"
export SWITCHGEAR_CONFIG=$folder/file.yaml
run status --names
is $'pg-main\nread-database' "$out"

# A flag goes before the environment, that before the file.
run status --panel panels/other
exits 69; says 'no panel panels/other'
SWITCHGEAR_PANEL=$folder/panels/third run status
exits 69; says 'panels/third'
SWITCHGEAR_CONFIG=/nonexistent run status -c file.yaml --names
exits 0; says_nothing

# By alias, wherever a name stands.
run status read
exits 0; prints '^read-database  CLOSED'; prints 'calls +1'
run is-tripped read
exits 1
run trip read --reason drill
exits 0; prints '^read-database: OPEN'
run exec read -- touch touched
exits 75; says '^switchgear: read-database: not run'
[[ ! -e touched ]] || wrong 'the command was run'
run events read --lines 1
prints 'read-database  tripped by'
run reset read --reason done
exits 0
run status raed
exits 69; says "did you mean 'read'"

# Why: whom to ask, and by whose word.
run why read
prints 'owner +data-platform'; prints 'runbook +https://wiki.example/db'; prints 'depends on +pg-main'; prints 'group +database'
prints 'alias +read$'; prints 'configured +file /.*file.yaml, preset read'; prints 'promised +99.9 % of calls in 30 days, p99 300 ms'
[[ $(awk 'length > 80' out) == '' ]] || wrong 'wanted at most 80 columns'
run why read --verbose
prints '  breaker.trip.*line|  preset=read +line 4$'; prints '  breaker.open.for=3s +preset read$'; prints '  retry.attempts=1 +default$'
run why read --json
is 'line 4' "$(json settings_from preset)"; is 3s "$(json settings breaker.open.for)"
is data-platform "$(json owner)"; is https://wiki.example/db "$(json runbook)"; is pg-main "$(json depends_on 0)"
is database "$(json group)"; is read "$(json alias)"; is 99.9 "$(json slo availability)"
run status read --json
is data-platform "$(json circuits 0 owner)"

# Circuits by patterns, as many as that, and no others.
run exec bookmaker-a -- false
run exec bookmaker-a -- false
run is-tripped bookmaker-a
exits 0
run why bookmaker-a
prints 'owner +trading'
run exec unheard-of -- touch touched
exits 78; says "unheard-of"; says 'file.yaml'
run exec bookmaker-b -- true
exits 0
run exec read --set breaker.open.for=9s -- touch touched
exits 78; says 'read-database is configured by .*file.yaml: breaker.open.for'
run exec read --set breaker.open.for=9s --reconfigure -- touch touched
exits 78
[[ ! -e touched ]] || wrong 'the command was run'

# Broken: who looks goes on, who makes circuits does not.
sed 's/preset: read/presett: read/; s/max: 2/max: many/' file.yaml > broken.yaml
run status -c broken.yaml --panel panels/by-file
exits 0; prints '^read-database'; says 'broken.yaml:4:5: .*presett'; says 'max'; says 'going on without broken.yaml'
run reset read-database --reason done -c broken.yaml --panel panels/by-file --quiet
exits 0
run exec -c broken.yaml pg-main -- touch touched
exits 78; says 'broken.yaml:4:5'
run exec -c nothing.yaml pg-main -- touch touched
exits 78; says 'nothing.yaml'
[[ ! -e touched ]] || wrong 'the command was run'

# Named and not there: nobody goes on with the panel of another file.
run trip read-database --reason drill -c nothing.yaml
exits 78; says 'nothing.yaml'; prints_nothing
run trip read-database --reason drill -c file.yaml/nothing.yaml --panel panels/by-file
exits 78; says 'nothing.yaml'; prints_nothing
run status -c nothing.yaml
exits 78; says 'nothing.yaml'; prints_nothing
run top --once -c nothing.yaml
exits 78; prints_nothing
run console -c nothing.yaml
exits 78; prints_nothing
run is-tripped read-database
exits 1
run status -c '' --names
exits 64

# In its default place it need not be, and speaks for its own panel alone.
unset SWITCHGEAR_CONFIG
plain=("$program") # as a plain user: root's place is the host's
if [[ $(id -u) -eq 0 ]] && command -v setpriv > /dev/null; then
    plain=(setpriv --reuid 65534 --regid 65534 --clear-groups "$program")
    mkdir own
    chown 65534:65534 own run
fi
as_plain() { "${plain[@]}" "$@" > out 2> err < /dev/null; status=$?; out=$(cat out) err=$(cat err) ran="$* (a plain user)"; }
if [[ ! -e /etc/switchgear/switchgear.yaml ]] && { [[ $(id -u) -ne 0 ]] || setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$program"; }; then
    mkdir -p own
    as_plain exec undeclared -- true
    exits 0; says_nothing
    sed "s,$folder/panels/by-file,$folder/own/by-file," file.yaml > home/switchgear/switchgear.yaml
    as_plain exec undeclared -- touch touched
    exits 78; says 'switchgear.yaml'
    as_plain exec read -- true
    exits 0
    as_plain status --names
    is $'pg-main\nread-database' "$out"
    as_plain exec undeclared --panel own/elsewhere -- true
    exits 0; says_nothing
    as_plain exec undeclared --panel own/by-file.v1.panel -- touch touched
    exits 78
    as_plain exec unknown --panel own/elsewhere -c home/switchgear/switchgear.yaml -- touch touched
    exits 78
    [[ ! -e touched ]] || wrong 'the command was run'
fi

# The console has it, too.
printf '%s\n' "breaker.isTripped('bookmaker-a')" "breaker.status('read')" > in
"$program" console -c file.yaml < in > out 2> err; status=$? out=$(cat out) err=$(cat err) ran=console
exits 0; prints '^true$'; prints '^read-database  CLOSED'
