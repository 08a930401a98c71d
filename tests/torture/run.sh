#!/usr/bin/env bash
# Every torture program, one test each. BOUND: unset as for `make test`, small for slow builds, none until stopped.
set -uo pipefail
: "${BUILD:?a Meson build folder}"
passed=0 failed=0 skipped=0
if [[ ${BOUND:-} == none ]]; then
    # Those that know no bound, side by side; the first that finds something ends the others.
    for name in storm bulkhead limits; do
        "$BUILD/tests/torture-$name" &
    done
    trap 'kill $(jobs -p) 2> /dev/null' EXIT
    wait -n
    exit
fi
for program in "$BUILD"/tests/torture-*; do
    [[ -x $program && -f $program ]] || continue
    name=${program##*/torture-}
    output=$("$program" 2>&1)
    status=$?
    printf '%s\n' "$output" | sed "s/^\\(FAIL\\|SKIP\\) *$name:* */\\1 torture $name: /"
    case $status in
        0) passed=$((passed + 1)); echo "PASS torture $name" ;;
        77) skipped=$((skipped + 1)); echo "SKIP torture $name: ${output##*$'\n'}" ;;
        *) failed=$((failed + 1)); echo "FAIL torture $name: exit status $status" ;;
    esac
done
echo "$passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 && $passed -gt 0 ]]
