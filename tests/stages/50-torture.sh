#!/usr/bin/env bash
# kill -9 torture on a shared panel: bounded here, endless with `make torture`.
# runs: tests/torture/run.sh
. tests/stages/lib.sh
build "$BUILD" -Dwerror=true || finish
[[ $UNBOUNDED == 1 ]] && export BOUND=none
exec tests/torture/run.sh
