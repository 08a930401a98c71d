#!/usr/bin/env bash
# The README's examples are examples/hello.c and examples/quotes.c, word for word, and do what it says.
set -euo pipefail
block() { # N: the README's N-th block of C
    awk -v wanted="$1" '$0 == "```c" { inside = ++count == wanted; next } /^```/ { inside = 0 } inside' README.md
}
diff <(block 1) <(sed 1,2d examples/hello.c)
diff <(block 2) <(sed 1,2d examples/quotes.c)

output=$("$BUILD/examples/hello")
for case in '^answered$' 'failed' '^not called: .* try again in [0-9]+ s$'; do
    grep -Eq "$case" <<< "$output" || { echo "$output"; echo "never said: $case"; exit 1; }
done
promised=$(sed -n '/^It prints$/,/^The fourth/p' README.md | grep ', after ')
[[ $(wc -l <<< "$promised") -eq 5 ]]
diff <(echo "$promised") <("$BUILD/examples/quotes")
