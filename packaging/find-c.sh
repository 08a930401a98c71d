#!/bin/sh
# Usage: find-c.sh BASE FOLDER [PATTERN]. Prints the C files below BASE/FOLDER, relative to BASE, sorted; nothing if there are none.
# The build finds its sources so, and packaging/configure.sh asks the same question to learn that they changed.
set -eu
cd "$1"
[ -d "$2" ] || exit 0
find "$2" -type f -name "${3:-*.c}" | LC_ALL=C sort
