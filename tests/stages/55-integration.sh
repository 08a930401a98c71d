#!/usr/bin/env bash
# Programs against the real thing: each tests/integration/*.sh and *.py is one test; 0 passed, 77 skipped (its last line says why).
# Two side by side: most of the time they wait.
# runs: tests/integration
# waits: yes
. tests/stages/lib.sh
export TIMEOUT=${TIMEOUT:-180}
build "$BUILD" -Dwerror=true || finish

story() { # NAME
    timeout -k 10 "$TIMEOUT" "tests/integration/$1"
}
export -f story

# Those that watch an outage last longest.
names=()
for story in tests/integration/run_*.sh tests/integration/*.sh tests/integration/*.py; do
    name=${story##*/}
    [[ ! -x $story || " ${names[*]} " == *" $name "* ]] || names+=("$name")
done
side_by_side story "${names[@]}"
for name in "${names[@]}"; do
    told "$name" "tests/integration/$name"
done
finish
