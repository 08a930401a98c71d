#!/usr/bin/env bash
# Every torture program, one test each, two side by side. BOUND: unset as for `make test`, small for slow builds, none until stopped.
. tests/stages/lib.sh
if [[ ${BOUND:-} == none ]]; then
    # Those that know no bound, side by side; the first that finds something ends the others.
    for name in storm bulkhead limits; do
        "$BUILD/tests/torture-$name" &
    done
    trap 'kill $(jobs -p) 2> /dev/null' EXIT
    wait -n
    exit
fi

torture() { # NAME: what it finds and what it cannot do here is told by its own name
    "$BUILD/tests/torture-$1" 2>&1 | sed "s/^\\(FAIL\\|SKIP\\) *$1:* */\\1 torture $1: /"
    return "${PIPESTATUS[0]}"
}
export -f torture

# The longest first.
names=(replay bulkhead)
for program in "$BUILD"/tests/torture-*; do
    name=${program##*/torture-}
    [[ ! -x $program || ! -f $program || " ${names[*]} " == *" $name "* ]] || names+=("$name")
done
side_by_side torture "${names[@]}"
for name in "${names[@]}"; do
    told "$name" "torture $name" show
done
finish
