#!/usr/bin/env bash
# Usage: lint.sh. Every C file is as .clang-format writes it, and clang-tidy finds nothing in what is compiled.
. tests/stages/lib.sh

# Tables are lists of facts in columns, included in place: neither tool has anything to say about them.
mapfile -t files < <(find src include adapters examples bench tests -name '*.[ch]' ! -path 'src/tables/*' | LC_ALL=C sort)
for file in "${files[@]}"; do
    check "format of $file" clang-format --dry-run -Werror "$file"
done

# clang-tidy reads how each file is compiled; what is not compiled here (no libcurl, no cmocka) is not looked at.
CC=clang build build/with/clang -Dwerror=true || finish
tidy='if output=$(clang-tidy -p build/with/clang --quiet --warnings-as-errors="*" "$1" 2> /dev/null)
then echo "PASS clang-tidy of $1"; else printf "%s\nFAIL clang-tidy of $1\n" "$output"; fi'
report=$(mktemp)
trap 'rm -f "$report"' EXIT
for file in "${files[@]}"; do
    [[ $file != *.c ]] || ! grep -q "/$file\"" build/with/clang/compile_commands.json || echo "$file"
done | nice xargs -P "$(nproc)" -n 1 sh -c "$tidy" sh | tee "$report"
passed=$((passed + $(grep -c '^PASS clang-tidy' "$report")))
failed=$((failed + $(grep -c '^FAIL clang-tidy' "$report")))
finish
