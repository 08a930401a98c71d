#!/usr/bin/env bash
# Usage: lint.sh. Every C file is as .clang-format writes it, and clang-tidy finds nothing in what is compiled.
. tests/stages/lib.sh

mapfile -t files < <(find src include adapters examples bench tests -name '*.[ch]' ! -path 'src/tables/*' | LC_ALL=C sort)
for file in "${files[@]}"; do
    check "format of $file" clang-format --dry-run -Werror "$file"
done

build build/with/lint || finish
mapfile -t sources < <(find src adapters examples bench tests -name '*.c' | LC_ALL=C sort)
report=$(mktemp)
trap 'rm -f "$report"' EXIT
printf '%s\n' "${sources[@]}" | nice xargs -P "$(nproc)" -n 4 clang-tidy -p build/with/lint --quiet > "$report" 2> /dev/null
for source in "${sources[@]}"; do
    if grep -q "$PWD/$source:[0-9]" "$report"; then
        grep -A 4 "$PWD/$source:[0-9]" "$report"
        fail "clang-tidy of $source"
    else
        pass "clang-tidy of $source"
    fi
done
finish
