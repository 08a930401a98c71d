#!/usr/bin/env bash
# The program explains itself, and says what was wrong with a line.
. "$(dirname "$0")/cli_lib.sh"

run --version
exits 0; prints '^switchgear [0-9]+\.[0-9]+\.[0-9]+$'; says_nothing

run
exits 64; prints_nothing; says 'Usage: switchgear COMMAND'

for way in --help -h help; do
    run "$way"
    exits 0; says_nothing; prints '^Commands:'; prints '^  is-tripped '; prints 'Examples:'
done

commands=$(sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p' out | grep -v '^help$')
[[ $(wc -w <<< "$commands") -ge 18 ]] || { ran=help; wrong 'wanted 18 commands'; }
for command in $commands; do
    run help "$command"
    exits 0; prints "^Usage: switchgear $command "; prints '^Examples:'; prints "^  (if )?switchgear $command"
    [[ $(awk 'length > 80' out) == '' ]] || wrong 'wanted at most 80 columns'
    whole=$out
    run "$command" --help
    exits 0; is "$whole" "$out" 'the other way to ask'
done

run help settings
exits 0; prints '^breaker\.open\.for '

# The commands that speak HTTP are another program's, which is a part of this one.
mkdir alone
cp "$program" alone/switchgear
alone() {
    "$folder/alone/switchgear" "$@" > out 2> err < /dev/null
    status=$?
    out=$(cat out) err=$(cat err) ran=$*
}
if [[ -x ${program}-net ]]; then
    alone call web http://127.0.0.1:1/
    exits 69; says 'call: cannot start .*/libexec/switchgear/switchgear-net: No such file.*install that again'
    alone agent --check
    exits 69; says 'agent: cannot start'
    alone help agent
    exits 0
    mkdir -p libexec/switchgear bin
    mv alone/switchgear bin
    printf '#!/bin/sh\nprintf "%%s\\n" "$@"\n' > libexec/switchgear/switchgear-net
    chmod +x libexec/switchgear/switchgear-net
    ran='--quiet call a b'
    [[ $(bin/switchgear --quiet call web 'http://x/ y' --set retry.attempts=2) == $'--quiet\ncall\nweb\nhttp://x/ y\n--set\nretry.attempts=2' ]] ||
        wrong 'wanted the same words'
fi

run stauts
exits 64; says "did you mean 'status'"
run xyzzy
exits 64; says "no command 'xyzzy'"
run $'a\033[31mb'
exits 64; [[ $err != *$'\033'* ]] || wrong 'wanted no control characters'
run status --nonsense
exits 64; says 'nonsense'
run status --interval 1s
exits 64
run top --interval 1ms
exits 64; says 'not from 100ms to 1h'
run why
exits 64; says 'NAME'
run exec circuit
exits 64; says 'COMMAND'
run exec circuit --timeout 5x -- true
exits 64; says "'5x': not a duration"
run trip circuit --reason x --for -5s
exits 64; says 'not a duration'
run reset circuit --reason x --for 5s
exits 64; says 'reset has no end'
run exec circuit --ignore-status 300 -- true
exits 64; says '0 to 255'
