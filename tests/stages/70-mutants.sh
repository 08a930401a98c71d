#!/usr/bin/env bash
# Known-wrong variants of the algorithms: each must turn a named check red, or the checks prove nothing.
# runs: tests/mutants/run.sh
exec tests/mutants/run.sh
