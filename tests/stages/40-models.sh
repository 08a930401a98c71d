#!/usr/bin/env bash
# The algorithms' models, searched exhaustively by spin.
# runs: tests/model/run.sh
# tools: spin gcc
exec tests/model/run.sh
