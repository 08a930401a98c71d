# What the inputs that are kept reach, floor by floor. Sourced by run.sh; counting needs a build of its own, because it would slow
# the fuzzers down.

llvm_tool() { # NAME: as it is called here
    command -v "$1" || command -v "$1-14"
}

# Runs every target over its inputs and merges the counts.
count_coverage() { # DIR
    local dir=$1 program name
    objects=()
    rm -f "$dir"/*.profraw
    for program in "$dir"/tests/fuzz-*; do
        [[ -x $program && ! -d $program ]] || continue
        name=${program##*/fuzz-}
        LLVM_PROFILE_FILE=$dir/$name.profraw "$program" -runs=0 "$corpus/$name" "$corpus/$name-seeds" > "$dir/$name.log" 2>&1 ||
            return 1
        objects+=(${objects:+-object} "$program") # the first one goes without the option
    done
    "$(llvm_tool llvm-profdata)" merge -o "$dir/all.profdata" "$dir"/*.profraw
}

# Of one floor's files: functions reached, functions there, and the share of lines. Paths are told as the compiler was, so they
# are sought by their middle.
of_floor() { # DIR FLOOR
    "$(llvm_tool llvm-cov)" export -summary-only -instr-profile "$1/all.profdata" "${objects[@]}" 2> /dev/null |
        /usr/bin/python3 -c '
import json, sys
files = [f["summary"] for f in json.load(sys.stdin)["data"][0]["files"] if f"/src/{sys.argv[1]}/" in f["filename"]]
def total(what, field):
    return sum(f[what][field] for f in files)
if files:
    print(total("functions", "covered"), total("functions", "count"), 100 * total("lines", "covered") // total("lines", "count"))
' "$2"
}

report_floor() { # DIR FLOOR
    local reached there lines
    read -r reached there lines <<< "$(of_floor "$1" "$2")"
    if [[ ${there:-0} -eq 0 ]]; then
        fail "coverage of src/$2: llvm-cov says nothing of it"
        return
    fi
    printf 'src/%s: %s of %s functions, %s %% of lines\n' "$2" "$reached" "$there" "$lines"
    case $2 in
        panel | engine) check "the fuzzers reach nine functions of ten in src/$2" test $((reached * 10)) -ge $((there * 9)) ;;
    esac
}

coverage() {
    local dir=$FUZZ_BUILD-coverage floor
    if [[ -z $(llvm_tool llvm-cov) || -z $(llvm_tool llvm-profdata) ]]; then
        skip 'coverage of the fuzzers: llvm-cov is not installed'
        return
    fi
    # The build tries its compiler out, and what it tries must leave no counts in this folder.
    LLVM_PROFILE_FILE=/dev/null CC=clang TARGET=fuzz build "$dir" -Dfuzz=true -Db_lundef=false -Dbuildtype=plain -Dprogram=disabled -Dhttp=disabled \
        '-Dc_args=-fprofile-instr-generate -fcoverage-mapping' -Dc_link_args=-fprofile-instr-generate || return
    count_coverage "$dir" || { fail 'coverage of the fuzzers'; return; }
    for floor in base panel engine circuit config; do
        report_floor "$dir" "$floor"
    done
}
