#!/bin/sh
# Usage: uninstall.sh DESTDIR. Removes what `make install` with the same DESTDIR and PREFIX put there.
#
# It installs once more into a scratch directory and removes what it finds there from the real one. So it needs no record of
# the first time, and works after `make clean`, from a fresh clone, or as another user.
set -eu
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
DESTDIR=$scratch meson install -C build --no-rebuild --quiet

cd "$scratch"
find . ! -type d | while read -r file; do
    rm -f "$1/$file"
done
# Folders other software may use stay, even empty ones; ours go.
find . -depth -type d -name '*switchgear*' | while read -r folder; do
    [ ! -d "$1/$folder" ] || rmdir --ignore-fail-on-non-empty "$1/$folder"
done
[ -n "$1" ] || [ "$(id -u)" -ne 0 ] || ldconfig
