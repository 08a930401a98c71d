#!/usr/bin/env bash
# Usage: run.sh [--unbounded] [STAGE ...]. Runs the stages of tests/stages in order, or those named, and counts.
#
# A stage is NN-name.sh. Its output goes to the terminal and to build/with/log/name.log. Three comments at its head are read here:
#   # runs: PATH ...     the stage is not listed while one of these does not exist
#   # tools: NAME ...    the stage is skipped, by name, when one of these commands is missing
#   # waits: yes         most of its time it waits, so it runs beside the next stage and is told when both are done
# It tells its result in its last line of the form `N passed, N failed, N skipped`; without one its exit status counts as one
# test: 0 passed, 77 skipped (the last line says why), anything else failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

export UNBOUNDED=0
if [[ ${1:-} == --unbounded ]]; then
    UNBOUNDED=1
    shift
fi
wanted=" $* "
export BUILD=$PWD/build/with/${CC:-gcc}
logs=build/with/log
mkdir -p "$logs"
passed=0 failed=0 skipped=0
news=()
# A hang must not hold up a machine nobody watches; somebody at a terminal has Ctrl-C.
limit=()
[[ -t 0 || $UNBOUNDED == 1 ]] || limit=(timeout -k 10 900)

count_line='^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$'

header() { sed -n "s/^# $2: //p" "$1"; }

add_result() { # NAME STATUS LOG
    local line
    line=$(grep -E "$count_line" "$3" | tail -n 1)
    if [[ -z $line ]]; then
        case $2 in
            0) line='1 passed, 0 failed, 0 skipped' ;;
            77) line='0 passed, 0 failed, 1 skipped'; news+=("SKIP $1: $(tail -n 1 "$3")") ;;
            *) line='0 passed, 1 failed, 0 skipped'; news+=("FAIL $1: exit status $2, see $3") ;;
        esac
    elif [[ $2 -ne 0 && $line == *', 0 failed'* ]]; then
        line=${line/, 0 failed/, 1 failed}
        news+=("FAIL $1: counted no failure but ended with exit status $2, see $3")
    fi
    read -r p _ f _ s _ <<< "$line"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + ${s:-0}))
}

lacking() { # STAGE: the first tool it names that is not here
    local tool
    for tool in $(header "$1" tools); do
        command -v "$tool" > /dev/null || { echo "$tool"; return; }
    done
}

# A stage that waits, while another one works: its name and process, when it began, and which stage it is beside.
waiting=

start_waiting() { # FILE NAME
    collect_waiting
    "${limit[@]}" "$1" > "$logs/$2.log" 2>&1 &
    waiting=$2 waiting_process=$! waiting_since=$SECONDS
}

collect_waiting() {
    [[ -n $waiting ]] || return 0
    local log=$logs/$waiting.log status
    printf '\n== %s, begun %d s ago\n' "$waiting" $((SECONDS - waiting_since))
    wait "$waiting_process"
    status=$?
    end_stage "$waiting" "$status" "$waiting_since" < "$log"
    waiting=
}

# Only the last line of all may look like the count of all.
told() { sed -uE "s/$count_line/-- $1: &/"; }

end_stage() { # NAME STATUS SINCE: what it said is read, if it was not told before
    told "$1"
    add_result "$1" "$2" "$logs/$1.log"
    mapfile -t -O "${#news[@]}" news < <(grep -E '^(FAIL|SKIP) ' "$logs/$1.log")
    printf -- '-- %s: %d s\n' "$1" $((SECONDS - $3))
}

run_stage() { # FILE NAME
    local log=$logs/$2.log tool start=$SECONDS status
    # Somebody at a terminal has Ctrl-C, which reaches only what is in front.
    if [[ -n $(header "$1" waits) && ${#limit[@]} -gt 0 && -z $(lacking "$1") ]]; then
        start_waiting "$1" "$2"
        return
    fi
    printf '\n== %s\n' "$2"
    tool=$(lacking "$1")
    if [[ -n $tool ]]; then
        echo "$tool is not installed" | tee "$log"
        add_result "$2" 77 "$log"
        return
    fi
    "${limit[@]}" "$1" 2>&1 | tee "$log" | told "$2"
    status=${PIPESTATUS[0]}
    end_stage "$2" "$status" "$start" < /dev/null
    collect_waiting
}

listed() { # FILE NAME
    local path
    [[ $wanted == '  ' || $wanted == *" $2 "* ]] || return 1
    for path in $(header "$1" runs); do
        [[ -e $path ]] || return 1
    done
}

stages=0
for stage in tests/stages/[0-9][0-9]-*.sh; do
    name=$(basename "$stage" .sh)
    name=${name#[0-9][0-9]-}
    if listed "$stage" "$name"; then
        stages=$((stages + 1))
        run_stage "$stage" "$name"
    fi
done
collect_waiting
if [[ $stages -eq 0 ]]; then
    echo "no such stage:$wanted(there are: $(ls tests/stages | sed -n 's/^[0-9]*-\(.*\)\.sh$/\1/p' | xargs))" >&2
    exit 64
fi

printf '\n'
[[ ${#news[@]} -eq 0 ]] || printf '%s\n' "${news[@]}"
echo "$passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 ]]
