#!/usr/bin/env bash
# Programs against the real thing: each tests/integration/*.sh and *.py is one test; 0 passed, 77 skipped (its last line says why).
# runs: tests/integration
. tests/stages/lib.sh
export TIMEOUT=${TIMEOUT:-180}
build "$BUILD" -Dwerror=true || finish

for story in tests/integration/*.sh tests/integration/*.py; do
    [[ -x $story ]] || continue
    output=$(timeout "$TIMEOUT" "$story" 2>&1)
    case $? in
        0) pass "$story" ;;
        77) skip "$story: $(tail -n 1 <<< "$output")" ;;
        124) printf '%s\n' "$output"; fail "$story: not done after $TIMEOUT s" ;;
        *) printf '%s\n' "$output"; fail "$story" ;;
    esac
done
finish
