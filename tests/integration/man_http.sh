#!/usr/bin/env bash
# switchgear-http(3) against the header, the library and a real server: its synopsis declares every function as the header does, and
# its loop over many transfers does what the page says.
set -euo pipefail
root=$PWD
if [[ ! -e $BUILD/adapters/libswitchgear-http.so ]]; then
    echo 'this build has no HTTP adapter'
    exit 77
fi
folder=$(mktemp -d)
trap 'kill "${server:-}" 2> /dev/null; rm -rf "$folder"' EXIT

awk -v into="$folder/block" '
    /^```$/ { if (inside) printf "%s", block > (into (++count) ".c"); inside = !inside; block = ""; next }
    inside { gsub(/\\\\/, "\\"); block = block $0 "\n" }' docs/man/switchgear-http.3.scd
cd "$folder"
compile=("${CC:-cc}" -std=c11 -Wall -Wextra -Wpedantic -Werror "-I$root/include")
{ echo '#include <switchgear/http.h>'; cat block1.c; } > synopsis.c
"${compile[@]}" -fsyntax-only synopsis.c
functions() { grep -oE '\bswg_http_[a-z_]+\(' "$1" | sort -u; }
awk '/^SWG_API/,/;/' "$root/include/switchgear/http.h" > promised.c
diff <(functions promised.c) <(functions block1.c)

"${compile[@]}" -o many block3.c "-L$BUILD/adapters" "-L$BUILD/src" -lswitchgear-http -lswitchgear -lcurl
export LD_LIBRARY_PATH=$BUILD/adapters:$BUILD/src NO_PROXY='*'
"$BUILD/examples/server" --port 0 > url &
server=$!
for ((i = 0; i < 3000; i++)); do [[ -s url ]] && break; sleep 0.01; done
read -r url < url
./many "$url" "$url" "$url" "$url" > good
diff good <(printf '200, 3 bytes\n%.0s' 1 2 3 4)
kill -HUP "$server" # errors of its own from now on
./many "$url" "${url%/}:nonsense" > bad
[[ $(wc -l < bad) -eq 2 ]] || { cat bad; exit 1; }
