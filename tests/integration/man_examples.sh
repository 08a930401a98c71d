#!/usr/bin/env bash
# switchgear(3) against the header and the library: its synopsis declares every function as the header does, its programs compile
# as they stand there, and do what the page says.
set -euo pipefail
root=$PWD header=$PWD/include/switchgear/switchgear.h library=$BUILD/src
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# The blocks between ```; in a page's source a backslash is written twice.
awk -v into="$folder/block" '
    /^```$/ { if (inside) printf "%s", block > (into (++count) ".c"); inside = !inside; block = ""; next }
    inside { gsub(/\\\\/, "\\"); block = block $0 "\n" }' docs/man/switchgear.3.scd
cd "$folder"
compile=("${CC:-cc}" -std=c11 -Wall -Wextra -Wpedantic -Werror "-I$root/include")

# Declared twice and not alike is an error, so the compiler compares.
{ echo '#include <switchgear/switchgear.h>'; cat block1.c; } > synopsis.c
"${compile[@]}" -fsyntax-only synopsis.c
functions() { grep -v '^typedef' "$1" | grep -oE '\bswg_[a-z_]+\(' | sort -u; }
awk '/^SWG_API/,/;/' "$header" > promised.c
diff <(functions promised.c) <(functions block1.c)

count=0
for source in block[2-9].c; do
    "${compile[@]}" -o "${source%.c}" "$source" "-L$library" -lswitchgear
    LD_LIBRARY_PATH=$library "./${source%.c}" > "${source%.c}.out"
    count=$((count + 1))
done
[[ $count -eq 3 ]] || { echo "found $count programs, not 3"; exit 1; }
[[ ! -s block2.out && -e orders-panel.v1.panel ]] || { cat block2.out; exit 1; }
diff block3.out - << 'END'
called, and it failed: connection refused
called, and it failed: connection refused
called, and it failed: connection refused
not called: the circuit is open; ask again in 10 s
not called: the circuit is open; ask again in 10 s
END
diff block4.out - << 'END'
call 0 was made 2 times
call 1 was made 1 times
call 2 was made 1 times
END
