#!/usr/bin/env bash
# Known-wrong variants of the algorithms, and which check turns red for each. Red means that the check can see that mistake.
#
# Each variant compiles only the files that have it, and takes the other objects from the interleaver's build, or from the usual
# one for programs of tests/torture, which see what only real time and real deaths show. A variant that no story turns red has
# survived, which is a failure; so is a story that is red without a variant.
. tests/stages/lib.sh
export compiler=${CC:-gcc} dir=build/with/mutants base=build/with/interleave BUILD
mkdir -p "$dir"
# Read by the compiler, @FILE.
printf '%s\n' -std=gnu11 -O1 -D_GNU_SOURCE '-DSWGI_VERSION=\"0\"' -Isrc -Iinclude > "$dir/flags"
printf '%s\n' "@$dir/flags" -DSWGI_INTERLEAVE=1 > "$dir/interleaved"
wraps=$(grep -ohw '__wrap_[a-z0-9_]*' tests/interleave/*.c | sort -u | sed 's/__wrap_/-Wl,--wrap=/')
export wraps

# Variant, story, schedules that are certainly enough, what is wrong in it.
export variants='
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
STANDS_UNSEEN         count-window         30000  a good outcome is taken to stand in the slot of a bad one
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
PERMIT_COUNTED_ONCE   permits-sinking     200000  permits are counted under a limit that sinks again meanwhile
LIMIT_FORGETS_HIGH    permits              30000  a limit that shrinks does not say that more may be held
FULL_KEPT             permits              30000  who gives a permit back does not take away that all are held
FULL_UNPROVEN         permits              30000  who found all held says so without looking at each again
WAKE_LOST             waiters              30000  no look at who waits after a permit was given back
QUEUE_NO_LOOK         waiters              30000  no look at the permits after entering the queue
QUEUE_NO_NUDGE        waiters              60000  who lets others go first does not tell them
WAITING_NO_VERSION    waiters              30000  who finds the queue empty says so over somebody who came
'

# Variant, torture program, what is wrong in it: red within TORTURES short runs, because chance has its part in each.
export TORTURES=6
export tortured='
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

compile_all() { # FOLDER FLAG SOURCES ...: a source's object is named after it
    local folder=$1 flag=$2
    shift 2
    mkdir -p "$folder"
    rm -f "$folder"/*.o
    printf '%s\n' "$@" | xargs -P 2 -I{} sh -c 'nice "$0" "$1" $2 -c {} -o "$3/$(printf %s {} | tr / _).o"' \
        "$compiler" "${flag%% *}" "${flag#* }" "$folder"
}

build_variant() { # NAME FOLDER PROGRAM FLAGS WITH ...: an object that has the variant stands before the library that has it not
    local name=$1 folder=$2 program=$3 flags=$4 sources
    shift 4
    mapfile -t sources < <(grep -lw "SWGI_MUTANT_$name" src/*/*.c)
    [[ ${#sources[@]} -gt 0 ]] || return 1
    compile_all "$folder" "@$flags -DSWGI_MUTANT_$name=1" "${sources[@]}" &&
        link "$folder/$program" "$folder"/*.o "$@"
}

# What is said of one line of a list: red, or why not.
interleaved() { # NAME
    local name=$1 folder=$dir/$1 story schedules what status seed
    read -r _ story schedules what <<< "$(grep "^$name " <<< "$variants")"
    build_variant "$name" "$folder" interleave "$dir/interleaved" \
        "$base"/tests/interleave.p/*.o "$base/src/libswitchgear.a" > "$folder.out" 2>&1 ||
        { echo "FAIL mutant $name does not build, or there is none of that name"; return 1; }
    timeout 60 "$folder/interleave" --story "$story" --schedules "$schedules" --first > "$folder.out" 2>&1
    status=$?
    seed=$(sed -n 's/^[a-z0-9-]*: seed \([0-9]*\): .*/\1/p' "$folder.out" | head -n 1)
    [[ $status -ne 0 ]] || { echo "FAIL mutant $name survived: $what"; return 1; }
    printf '%-21s %-21s %-12s %s\n' "$name" "$story" "${seed:-"(status $status)"}" "$what"
}

# The last of so many short runs of a torture program; red ends them.
torture() { # PROGRAM OUTPUT
    local run
    for ((run = 1; run <= TORTURES; run++)); do
        BOUND=small nice timeout 150 "$1" > "$2" 2>&1 || break
    done
    echo "$run"
}

tortured() { # NAME
    local name=$1 folder=$dir/torture-$1 program what run
    read -r _ program what <<< "$(grep "^$name " <<< "$tortured")"
    build_variant "$name" "$folder" "$program" "$dir/flags" \
        "$BUILD/tests/torture-$program.p"/*.o "$BUILD/src/libswitchgear.a" > "$folder.out" 2>&1 ||
        { echo "FAIL mutant $name does not build, or there is none of that name"; return 1; }
    run=$(torture "$folder/$program" "$folder.out")
    ((run <= TORTURES)) && grep -q '^FAIL ' "$folder.out" || { echo "FAIL mutant $name survived torture: $what"; return 1; }
    printf '%-21s %-21s %-12s %s\n' "$name" "torture $program" "(run $run)" "$what"
}
export -f link compile_all build_variant interleaved torture tortured

show_red() { # FUNCTION LIST
    local name names
    mapfile -t names < <(sed -n 's/^\([A-Z_]*\) .*/\1/p' <<< "$2")
    side_by_side "$1" "${names[@]}"
    for name in "${names[@]}"; do
        cat "$results/$name.out"
        [[ $(cat "$results/$name.status") == 0 ]] && passed=$((passed + 1)) || failed=$((failed + 1))
    done
}

TARGET=tests/interleave build "$base" -Dinterleave=true -Db_lundef=false -Dwerror=true || finish
build "$BUILD" -Dwerror=true || finish
if ! "$base/tests/interleave" --schedules 2000 --first > "$dir/base.out" 2>&1; then
    tail -n 40 "$dir/base.out"
    fail 'mutants: red without any of them'
    finish
fi
printf '%-21s %-21s %-12s %s\n' mutant story 'red at seed' 'what is wrong'
show_red interleaved "$variants"
show_red tortured "$tortured"

# A variant that stands in no line above is one that nobody checks.
for name in $(grep -ohE 'SWGI_MUTANT_[A-Z_]+' src/*/*.c | sort -u | sed 's/SWGI_MUTANT_//'); do
    grep -q "^$name " <<< "$variants$tortured" || fail "mutant $name is in no list"
done
finish
