#!/usr/bin/env bash
# Known-wrong variants of the algorithms, and which check turns red for each. Red means that the check can see that mistake.
#
# The interleaver is compiled once, and so are programs of tests/torture for what only real time and real deaths show; each
# variant compiles anew only the file that has it. A variant that no story turns red has survived, which is a failure; so is a
# story that is red without a variant.
set -uo pipefail
compiler=${CC:-gcc}
dir=build/with/mutants
mkdir -p "$dir/base"
flags=(-std=gnu11 -O1 -D_GNU_SOURCE '-DSWGI_VERSION="0"' -Isrc -Iinclude)
interleaved=("${flags[@]}" -DSWGI_INTERLEAVE=1)
wraps=$(grep -ohw '__wrap_[a-z0-9_]*' tests/interleave/*.c | sort -u | sed 's/__wrap_/-Wl,--wrap=/')
passed=0 failed=0

# Variant, story, schedules that are certainly enough, what is wrong in it.
variants='
NO_CTL_RELOAD_AFTER   one-probe            30000  no look at ctl after a probe was taken
NO_CTL_RELOAD_BEFORE  many-probes         200000  no look at ctl before a probe is taken
PLAIN_STORE           score                30000  failures are counted with a load and a store
ABA                   one-probe            30000  a slot is given out again under the same number
NO_RELEASE_ON_DEATH   one-probe            30000  the probe of a dead holder is not taken over
ALIVE_IS_DEAD         probes               30000  the probe of a living holder is
LATE_MOVES            score                30000  a permit of an older generation moves state
STALE_INSTALL         modes                90000  a stalled winner turns the time of a transition back
WINDOW_NOT_CLEARED    count-window-old     30000  a count window of 2^20 transitions ago is found again
WINDOW_CLEARED_EARLY  count-window         30000  a count window in use is emptied before ctl moves
NO_HELP               count-window         30000  the pending outcome of another is not written to the ring
ZEROED_TAGS           time-window-failures 30000  a snapshot never written looks newer than all
ACCUSED_EPOCH         time-window-failures 30000  who was stopped after reading the clock takes others for ahead of it
NO_REPAIR             registry             30000  what a killed maker of circuits left is not repaired
LIMITER_PLAIN_STORE   limiter-window       30000  a window is moved with a load and a store
LIMITER_GIVE_BACK_PASSED limiter-bucket    30000  a place is given back though somebody came after
LIMITER_NO_HELP       limiter-log          30000  the last call is not written to the ring before the next
LIMITER_STALE_HELP    limiter-log-2        30000  who stalled writes to the ring what stood there a lap ago
BUDGET_PLAIN_STORE    budget               30000  a retry is paid for with a load and a store
BUDGET_AHEAD_IS_LEFT  budget               30000  who was stopped takes what others spent for saved up
BUDGET_NO_MAX         budget               30000  a budget saves up without end
PERMIT_PLAIN_RELEASE  permits-moved        30000  a permit is given back with a load and a store
PERMIT_COPIED_LIVE    permits-moved        30000  a permit is moved to a longer run without being frozen first
PERMIT_ABA            permits              30000  a permit is given out again under the same number
PERMIT_KEPT_ON_DEATH  permits              30000  the permit of a dead holder is not given back
PERMIT_NO_LIMIT_RELOAD permits             30000  no look at the limit after a permit was taken
PERMIT_NO_COUNT       permits              30000  permits held above a limit that shrank are not counted
LIMIT_FORGETS_HIGH    permits              30000  a limit that shrinks does not say that more may be held
WAKE_LOST             waiters              30000  no look at who waits after a permit was given back
QUEUE_NO_LOOK         waiters              30000  no look at the permits after entering the queue
QUEUE_NO_NUDGE        waiters              60000  who lets others go first does not tell them
WAITING_NO_VERSION    waiters              30000  who finds the queue empty says so over somebody who came
'

# Variant, torture program, what is wrong in it: red within TORTURES short runs, because chance has its part in each.
TORTURES=6
tortured='
WAITER_NEVER_SILENT   bulkhead  a stopped waiter holds up those behind it
PERMIT_KEPT_ON_DEATH  bulkhead  the permit of a killed holder is not given back
LIMITER_NO_HELP       limits    the last call is not written to the ring before the next
BUDGET_PLAIN_STORE    limits    a retry is paid for with a load and a store
'

link() { # OUTPUT OBJECT ...: only the interleaver brings what stands in for libc
    local wrapped=
    [[ ${1##*/} != interleave ]] || wrapped=$wraps
    # shellcheck disable=SC2086
    "$compiler" -o "$@" $wrapped -lm -lpthread
}

compile_all() { # FOLDER SOURCES ... -- FLAGS ...: a source's object is named after it
    local folder=$1 sources=()
    shift
    while [[ $1 != -- ]]; do
        sources+=("$1")
        shift
    done
    shift
    mkdir -p "$folder"
    rm -f "$folder"/*.o
    printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -I{} sh -c \
        'nice "$0" "$@" -c {} -o "'"$folder"'/$(printf %s {} | tr / _).o"' "$compiler" "$@"
}

build_base() {
    compile_all "$dir/base" src/{base,panel,engine,circuit}/*.c tests/interleave/*.c -- "${interleaved[@]}" &&
        link "$dir/interleave" "$dir"/base/*.o
}

build_variant() { # NAME PROGRAM BASE FLAGS ...: the objects of BASE, but for those that have the variant
    local name=$1 program=$2 base=$3 objects=() object sources
    shift 3
    mapfile -t sources < <(grep -lw "SWGI_MUTANT_$name" src/*/*.c)
    compile_all "$dir/$name" "${sources[@]}" -- "$@" "-DSWGI_MUTANT_$name=1" || return 1
    for object in "$base"/*.o; do
        [[ -e $dir/$name/${object##*/} ]] && objects+=("$dir/$name/${object##*/}") || objects+=("$object")
    done
    link "$dir/$name/$program" "${objects[@]}"
}

if ! build_base; then
    echo 'FAIL mutants: the interleaver does not build'
    exit 1
fi
if ! "$dir/interleave" --schedules 2000 --first > "$dir/base.out" 2>&1; then
    tail -n 40 "$dir/base.out"
    echo 'FAIL mutants: red without any of them'
    exit 1
fi

printf '%-21s %-21s %-12s %s\n' mutant story 'red at seed' 'what is wrong'
while read -r name story schedules what; do
    [[ -n $name ]] || continue
    if ! grep -qw "SWGI_MUTANT_$name" src/*/*.c || ! build_variant "$name" interleave "$dir/base" "${interleaved[@]}" > "$dir/$name.out" 2>&1; then
        failed=$((failed + 1))
        echo "FAIL mutant $name does not build, or there is none of that name"
        continue
    fi
    timeout 60 "$dir/$name/interleave" --story "$story" --schedules "$schedules" --first > "$dir/$name.out" 2>&1
    status=$?
    seed=$(sed -n 's/^[a-z0-9-]*: seed \([0-9]*\): .*/\1/p' "$dir/$name.out" | head -n 1)
    if [[ $status -ne 0 ]]; then
        passed=$((passed + 1))
        printf '%-21s %-21s %-12s %s\n' "$name" "$story" "${seed:-"(status $status)"}" "$what"
    else
        failed=$((failed + 1))
        echo "FAIL mutant $name survived: $what"
    fi
done <<< "$variants"

# The last of so many short runs of a torture program; red ends them.
torture() { # PROGRAM OUTPUT
    local run
    for ((run = 1; run <= TORTURES; run++)); do
        BOUND=small nice timeout 150 "$1" > "$2" 2>&1 || break
    done
    echo "$run"
}

library=(src/{base,panel,engine,circuit}/*.c)
if ! compile_all "$dir/torture" "${library[@]}" -- "${flags[@]}"; then
    echo 'FAIL mutants: the library does not build'
    exit 1
fi
while read -r name program what; do
    [[ -n $name ]] || continue
    rm -f "$dir"/torture/tests_*
    "$compiler" "${flags[@]}" -c "tests/torture/$program.c" -o "$dir/torture/tests_$program.c.o"
    if ! build_variant "$name" "$program" "$dir/torture" "${flags[@]}" > "$dir/$name.out" 2>&1; then
        failed=$((failed + 1))
        echo "FAIL mutant $name does not build, or there is none of that name"
        continue
    fi
    run=$(torture "$dir/$name/$program" "$dir/$name.out")
    if ((run <= TORTURES)) && grep -q '^FAIL ' "$dir/$name.out"; then
        passed=$((passed + 1))
        printf '%-21s %-21s %-12s %s\n' "$name" "torture $program" "(run $run)" "$what"
    else
        failed=$((failed + 1))
        echo "FAIL mutant $name survived torture: $what"
    fi
done <<< "$tortured"

# A variant that stands in no line above is one that nobody checks.
for name in $(grep -ohE 'SWGI_MUTANT_[A-Z_]+' src/*/*.c | sort -u | sed 's/SWGI_MUTANT_//'); do
    if ! grep -q "^$name " <<< "$variants$tortured"; then
        failed=$((failed + 1))
        echo "FAIL mutant $name is in no list"
    fi
done
echo "$passed passed, $failed failed, 0 skipped"
[[ $failed -eq 0 ]]
