#!/usr/bin/env bash
# The README's example is examples/hello.c, word for word, and shows all three cases.
set -euo pipefail
diff <(sed -n '/^```c$/,/^```$/p' README.md | sed '1d;$d') <(sed 1,2d examples/hello.c)
output=$("$BUILD/examples/hello")
for case in '^answered$' 'failed' '^not called: .* try again in [0-9]+ s$'; do
    grep -Eq "$case" <<< "$output" || { echo "$output"; echo "never said: $case"; exit 1; }
done
