#!/usr/bin/env bash
# The house's rules that a machine can check: who includes whom, and that every public header stands on its own.
# runs: tests/floors.sh
. tests/stages/lib.sh

check 'no file includes a floor above its own' tests/floors.sh .

# A check that cannot turn red is none: each of these breaches must be found.
breach() { # FILE INCLUDE
    local scratch
    scratch=$(mktemp -d)
    mkdir -p "$scratch/$(dirname "$1")" "$scratch/src/base" "$scratch/src/cli"
    touch "$scratch/src/base/clock.h" "$scratch/src/cli/cli.h"
    printf '#include "%s"\n' "$2" > "$scratch/$1"
    check "a breach is found: $1 includes $2" bash -c '! tests/floors.sh "$1"' bash "$scratch"
    rm -rf "$scratch"
}
breach src/base/x.c cli/cli.h
breach src/engine/x.c ../circuit/circuit.h
breach src/panel/x.h engine/breaker.h
breach adapters/http/x.c base/clock.h
breach examples/x.c ../src/base/clock.h
breach tests/lib/x.c base/clock.h

for header in include/switchgear/*.h; do
    check "$header compiles alone as C" sh -c \
        'echo "#include \"$1\"" | gcc -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -Iinclude -I. -x c -' sh "$header"
    if command -v clang > /dev/null; then
        check "$header compiles alone as C++" sh -c \
            'echo "#include \"$1\"" | clang -std=c++11 -Wall -Wextra -Werror -fsyntax-only -Iinclude -I. -x c++ -' sh "$header"
    fi
done
finish
