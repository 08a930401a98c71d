#!/bin/bash
# Verifies every model exhaustively, then shows that each known-wrong variant is caught.
#
# usage: run.sh [name ...]      a name is a model (half_open), or one check (half_open:ABA)
#        run.sh --list          names every check
#
# A check is green when spin searched the whole state space and found nothing; a mutant is red when an
# assertion of the model fails. A mutant that stays green, a truncated search and a compile error all count
# as failed.
set -u
LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
memory_max_mib=2000
depth_max=1000000

for tool in spin gcc; do
    command -v "$tool" >/dev/null || { echo "run.sh: $tool is missing" >&2; exit 69; }
done

work=$(mktemp -d) || exit 73
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

passed=0
failed=0

wanted() { # name, then the names asked for
    local name=$1 asked
    shift
    [ "${1:-}" != --list ] || { echo "$name"; return 1; }
    [ $# -eq 0 ] && return 0
    for asked; do
        [ "$asked" = "$name" ] || [ "$asked" = "${name%%:*}" ] && return 0
    done
    return 1
}

# Compiling takes longer than most searches: no more optimisation than pays.
verify() { # model, optimisation, flags: leaves $work/out
    local model=$1 optimise=$2
    shift 2
    rm -rf "$work/pan" && mkdir "$work/pan" && cd "$work/pan" || return 1
    spin -a "$@" "$here/$model.pml" >"$work/out" 2>&1 || return 1
    gcc "$optimise" -w -DSAFETY -DCOLLAPSE "-DMEMLIM=$memory_max_mib" -o pan pan.c >>"$work/out" 2>&1 ||
        return 1
    # -E: all callers done is no error; what must not block is asserted.
    nice ./pan -n -E "-m$depth_max" >"$work/out" 2>&1
    grep -q 'errors: ' "$work/out"
}

complete() {
    grep -q 'errors: 0$' "$work/out" && ! grep -qE 'too small|max search depth|out of memory|not completed' "$work/out"
}

say() { # verdict, name, remark, started
    printf '%-6s %-42s %5ss  %s\n' "$1" "$2" $((SECONDS - $4)) "$3"
}

fail() { # name, remark, started
    failed=$((failed + 1))
    say FAILED "$1" "$2" "$3"
    sed 's/^/    /' "$work/out" | grep -v 'States=' | tail -n 15
}

green() { # name, model, flags
    local name=$1 model=$2 started=$SECONDS
    shift 2
    wanted "$name" "${asked[@]}" || return 0
    if verify "$model" -O1 "$@" && complete; then
        passed=$((passed + 1))
        say green "$name" "$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1 states/p' "$work/out")" "$started"
    else
        fail "$name" "the model does not hold, or was not searched to the end" "$started"
    fi
}

red() { # model, mutant, flags
    local name=$1:$2 model=$1 mutant=$2 started=$SECONDS
    shift 2
    wanted "$name" "${asked[@]}" || return 0
    if verify "$model" -O0 "-D$mutant" "$@" && grep -q 'assertion violated' "$work/out"; then
        passed=$((passed + 1))
        say red "$name" "$(sed -n 's/^pan:1: assertion violated \(.*\) (at depth.*/\1/p' "$work/out")" "$started"
    else
        fail "$name" "the mutant was not caught" "$started"
    fi
}

asked=("$@")

green half_open:three_one_slot_by_hand half_open -DACTORS=3 -DSLOTS=1 -DHANDS=1 -DKILLS=0 -DTICKS=1
green half_open:three_two_slots half_open -DACTORS=3 -DSLOTS=2 -DHANDS=0 -DKILLS=0 -DTICKS=1
green half_open:two_slots_killed_expired half_open -DACTORS=2 -DSLOTS=2 -DHANDS=1 -DKILLS=1 -DTICKS=2
green half_open:two_calls_each half_open -DACTORS=2 -DSLOTS=1 -DCALLS=2 -DHANDS=1 -DKILLS=1 -DTICKS=1

green count_window:two_and_a_mover count_window -DRECORDERS=2 -DRECORDS=3 -DMOVERS=1 -DMOVES=1
green count_window:two_and_two_movers count_window -DRECORDERS=2 -DRECORDS=1 -DMOVERS=2 -DMOVES=1
green count_window:one_and_two_movers count_window -DRECORDERS=1 -DRECORDS=2 -DMOVERS=2 -DMOVES=2
green count_window:two_and_many_laps count_window -DRECORDERS=2 -DRECORDS=5 -DMOVERS=0
green count_window:three count_window -DRECORDERS=3 -DRECORDS=2 -DMOVERS=0
green count_window:three_window_of_one count_window -DN=1 -DRECORDERS=3 -DRECORDS=2 -DMOVERS=0
green count_window:wrap count_window -DWRAP

green time_window:two_calls_each time_window -DCALLERS=2 -DFAILING=1 -DCALLS=2 -DTICKS=2 -DMOVES=1
green time_window:three_callers time_window -DCALLERS=3 -DFAILING=2 -DCALLS=1 -DTICKS=1 -DMOVES=1
green time_window:three_ticks time_window -DCALLERS=2 -DFAILING=2 -DCALLS=2 -DTICKS=3 -DMOVES=0
green time_window:two_moves time_window -DCALLERS=2 -DFAILING=2 -DCALLS=1 -DTICKS=2 -DMOVES=2
green time_window:two_slices time_window -DRING=3 -DCALLERS=2 -DFAILING=1 -DCALLS=2 -DTICKS=3 -DMOVES=0

green permits:moved_and_killed permits -DCALLERS=2 -DCALLS=1 -DMOVES=1 -DLIMITS=0 -DKILLS=1
green permits:moved_and_shrinking permits -DCALLERS=2 -DCALLS=1 -DMOVES=1 -DLIMITS=1 -DKILLS=0
green permits:shrinking_and_killed permits -DCALLERS=2 -DCALLS=2 -DMOVES=0 -DLIMITS=1 -DKILLS=1
green permits:three_shrinking permits -DCALLERS=3 -DCALLS=1 -DMOVES=0 -DLIMITS=1 -DKILLS=0

green waiters:three waiters -DCALLERS=3 -DPLACES=2
green waiters:three_displaced waiters -DCALLERS=3 -DPLACES=1
green waiters:three_displaced_killed waiters -DCALLERS=3 -DPLACES=1 -DKILLS=1
green waiters:two_calls_each_killed waiters -DCALLERS=2 -DCALLS=2 -DKILLS=1

red half_open NO_CTL_RELOAD_AFTER_PROBE -DHANDS=1 -DTICKS=1
red half_open NO_CTL_RELOAD_BEFORE_CAS -DHANDS=2 -DKILLS=0 -DTICKS=1
red half_open NO_RELEASE_ON_DEATH -DACTORS=2 -DHANDS=0 -DTICKS=1
red half_open ABA -DHANDS=0 -DKILLS=0 -DTICKS=2
red half_open PUSH_AFTER_GRANT -DACTORS=2 -DHANDS=0 -DKILLS=0 -DTICKS=1
red half_open EXPIRE_WITHOUT_RELOAD -DHANDS=0 -DKILLS=0 -DTICKS=2
red half_open NO_LEASE_TIMEOUT -DACTORS=2 -DHANDS=0 -DTICKS=1
red half_open SUCCESSES_LOST -DACTORS=2 -DHANDS=0 -DTICKS=1
red half_open STALE_PERMIT_COUNTS -DHANDS=1 -DTICKS=1

red count_window WINDOW_NOT_CLEARED -DWRAP
red count_window CLEAR_LIVE_WINDOW -DRECORDERS=1 -DRECORDS=2 -DMOVES=1
red count_window NO_CTL_RELOAD_BEFORE_CAS -DRECORDERS=2 -DRECORDS=3 -DMOVES=2
red count_window NO_HELP -DRECORDERS=2 -DRECORDS=3 -DMOVERS=0
red count_window NO_WORD_RELOAD_BEFORE_HELP -DRECORDERS=2 -DRECORDS=3 -DMOVERS=0
red count_window RING_PLAIN_STORE -DRECORDERS=2 -DRECORDS=3 -DMOVES=2
red count_window HELP_ONCE -DRECORDERS=2 -DRECORDS=4 -DMOVERS=0
red count_window ABA -DRECORDERS=2 -DRECORDS=4 -DMOVERS=0

red time_window ZEROED_TAGS -DFAILING=2
red time_window PLAIN_STORE -DFAILING=2
red time_window NO_HELP -DFAILING=2 -DMOVES=0
red time_window NO_CTL_RELOAD_BEFORE_CAS -DFAILING=2
red time_window EPOCH_FIRST -DFAILING=2
red time_window COUNT_BEFORE_ROTATE -DFAILING=2
red time_window INSTALL_OVER_NEWER -DFAILING=2
red time_window NO_EDGE_MEANS_BASE -DFAILING=2 -DTICKS=3 -DMOVES=0
red time_window BASE_ONCE -DFAILING=2 -DTICKS=0 -DMOVES=2
red time_window INSTALL_ONCE -DFAILING=2 -DCALLS=1 -DTICKS=3 -DMOVES=0

red permits PLAIN_RELEASE -DCALLS=1 -DLIMITS=0 -DKILLS=0
red permits COPIED_LIVE -DCALLS=1 -DLIMITS=0 -DKILLS=0
red permits ABA -DMOVES=0 -DLIMITS=0 -DKILLS=0
red permits NO_RELEASE_ON_DEATH -DMOVES=0 -DLIMITS=0
red permits NO_LIMIT_RELOAD -DMOVES=0 -DKILLS=0
red permits NO_COUNT -DMOVES=0 -DKILLS=0
red permits LIMIT_FORGETS_HIGH -DMOVES=0 -DKILLS=0

red waiters NO_WAITING_LOOK
red waiters NO_LOOK
red waiters NO_NUDGE -DFIRST_CALLS=2
red waiters NO_VERSION
red waiters LOWERED_BY_DISPLACED -DPLACES=1
red waiters RELEASE_STORE

[ "${1:-}" != --list ] || exit 0
if [ $((passed + failed)) -eq 0 ]; then
    echo "run.sh: no check is called ${asked[*]}" >&2
    exit 64
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
