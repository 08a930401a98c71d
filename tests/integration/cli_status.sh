#!/usr/bin/env bash
# Looking: without a panel, without permission, at circuits in every state, as text and as JSON.
. "$(dirname "$0")/cli_lib.sh"

run status
exits 69; prints_nothing; says 'there is no panel'
run is-tripped payments
exits 69
run status --panel /nonexistent/at/all
exits 69; says '/nonexistent/at/all'

run exec payments -- true
exits 0
run exec orders --preset read --set breaker.open.max=1h --set breaker.open.for=1h -- true
exits 0

run status
exits 0; says_nothing
prints '^payments +CLOSED +'; prints '^orders +CLOSED '; prints '^2 circuits: 2 closed$'
[[ $(awk 'length > 80' out) == '' ]] || wrong 'wanted at most 80 columns'
[[ $out != *$'\033'* ]] || wrong 'wanted no colours in a file'

run status --names
exits 0; is $'orders\npayments' "$out"

run is-tripped orders
exits 1; prints_nothing; says_nothing
for _ in 1 2 3; do run exec orders -- false; exits 1; done
run is-tripped orders
exits 0; prints_nothing; says_nothing
run is-tripped nobody
exits 69; says "no circuit 'nobody'"
run is-tripped 'o*'
exits 64

run status
prints '^orders +OPEN +.* probes in '; prints '^2 circuits: 1 tripped, 1 closed$'
is orders "$(sed -n 2p out | cut -d ' ' -f 1)" 'the troubled one first'

run status orders
exits 0; prints '^orders  OPEN for .*, probes in '; prints 'opened by +failures in a row'; prints 'calls +4: 1 good, 3 failed'
run status 'o*' payments
exits 0; prints '^2 circuits'
run status ordres
exits 69; says "did you mean 'orders'"
run status 'z*'
exits 69; says "no circuit matches 'z\*'"
run status 'no such'
exits 64; says 'is no name'

run status --json
exits 0; says_nothing
is 2 "$(/usr/bin/python3 -c 'import json; print(len(json.load(open("out"))["circuits"]))')"
is orders "$(json circuits 0 name)"; is OPEN "$(json circuits 0 state)"; is true "$(json circuits 0 tripped)"
is 4 "$(json circuits 0 calls)"; is 3 "$(json circuits 0 failures)"; is 0 "$(json circuits 1 rejected total)"
is consecutive "$(json circuits 0 rule)"; is null "$(json circuits 1 rule)"; is read "$(json circuits 0 preset)"

run why orders
exits 0; prints '^Rules'; prints '^Last trip'; prints 'CLOSED -> OPEN, failures in a row \(measured 3, limit 3'
prints '^Last errors'; prints 'false exited with 1'; prints 'configured +code, preset read'; prints 'by then +3 failed'
[[ $(awk 'length > 80' out) == '' ]] || wrong 'wanted at most 80 columns'
run why orders --verbose
exits 0; prints 'breaker\.open\.for=1h'
run why orders --json
exits 0; is 1h "$(json settings breaker.open.for)"; is 3.0 "$(json trip threshold)"; is 3 "$(json trip failures_by_then)"; is OPEN "$(json last_transitions 0 to)"

run status --panel-info
exits 0; prints 'circuits .* of 1,024'; prints 'for each circuit'
run status --panel-info --json
exits 0; [[ $(json circuits_max) -eq 1024 ]] || wrong 'circuits_max'

# A reader that leaves is no error; a full disk and a closed output are, and never end in the panel.
"$program" status | true
before=$(cksum < "$SWITCHGEAR_PANEL.v1.panel")
"$program" status >&- 2> err
status=$? out='' err=$(cat err) ran='status >&-'
exits 1; says 'cannot write'
is "$before" "$(cksum < "$SWITCHGEAR_PANEL.v1.panel")" 'the panel'
if [[ -w /dev/full ]]; then
    "$program" status > /dev/full 2> err
    status=$? err=$(cat err) ran='status > /dev/full'
    exits 1; says 'cannot write'
fi

# Damage is told from absence.
printf 'this is no panel' > panels/broken.v1.panel
run status --panel panels/broken
exits 65; says 'panels/broken'
ln -s test.v1.panel panels/link.v1.panel
run status --panel panels/link
exits 77

if [[ $(id -u) -eq 0 ]] && command -v setpriv > /dev/null; then
    other() { setpriv --reuid 65534 --regid 65534 --clear-groups "$program" "$@" > out 2> err; status=$?; out=$(cat out) err=$(cat err) ran="$* (another user)"; }
    if setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$program"; then
        other status
        exits 77; says '[Pp]ermission'
        chmod 644 panels/test.v1.panel
        other status
        exits 0; prints '^orders +OPEN'
        other why orders
        exits 0
        other events
        exits 0
        other trip orders --reason x
        exits 77
    fi
fi
