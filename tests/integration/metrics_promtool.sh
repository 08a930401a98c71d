#!/usr/bin/env bash
# promtool finds no fault in what /metrics says by our own names, and exactly three with the seed's names beside them.
set -uo pipefail
build=$(realpath "${BUILD:-build}")
program=$build/tests/unit-agent-metrics
for tool in promtool; do
    command -v "$tool" > /dev/null || { echo "$tool is not installed"; exit 77; }
done
[[ -x $program ]] || { echo "there is no program at $program"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
METRICS_OUT=$folder "$program" > log 2>&1 || { cat log; exit 1; }

[[ $(grep -c '^switchgear_' ours.txt) -gt 200 ]] || { echo 'there is too little to look at'; exit 1; }
if ! complaints=$(promtool check metrics < ours.txt 2>&1) || [[ -n $complaints ]]; then
    printf 'promtool complains of our own names:\n%s\n' "$complaints"
    exit 1
fi

promtool check metrics < with_seeds.txt > complaints 2>&1
cat > wanted <<'END'
circuit_breaker_latency_ms metric names should not contain abbreviated units
circuit_breaker_rejected counter metrics should have "_total" suffix
circuit_breaker_trip_count non-histogram and non-summary metrics should not have "_count" suffix
END
sort complaints | diff wanted - || { echo 'promtool complains otherwise of the seed'\''s names'; exit 1; }

# A line is there once: Prometheus refuses the rest.
for file in ours.txt with_seeds.txt openmetrics.txt; do
    twice=$(grep -v '^#' "$file" | sed 's/ [^ ]*$//' | sort | uniq -d)
    [[ -z $twice ]] || { printf '%s has these twice:\n%s\n' "$file" "$twice"; exit 1; }
done
[[ $(tail -n 1 openmetrics.txt) == '# EOF' ]] || { echo 'OpenMetrics does not end as it must'; exit 1; }
! grep -q circuit_breaker_ openmetrics.txt || { echo 'OpenMetrics has names of the seed'; exit 1; }
