#!/bin/sh
# Usage: configure.sh DIR [MESON OPTION ...]. Makes DIR a build directory with these options; does nothing when it is one already.
#
# Sources are found when the build is configured. So it is configured anew whenever a file or a library came or went, and from
# scratch when the compiler changed, which Meson cannot do in place.
set -eu
cd "$(dirname "$0")/.."
dir=$1
shift

now=$(mktemp)
trap 'rm -f "$now"' EXIT
{
    printf 'compiler %s\n' "${CC:-cc}"
    printf 'options %s\n' "$*"
    for library in libcurl sqlite3 jansson cmocka libxxhash yaml-0.1 libuv libmicrohttpd nettle libedit ncursesw; do
        printf '%s %s\n' "$library" "$(pkg-config --modversion "$library" 2>/dev/null || echo none)"
    done
    printf 'scdoc %s\n' "$(command -v scdoc || echo none)"
    for folder in src adapters examples bench tests docs packaging include dashboard; do
        [ -d "$folder" ] || continue
        packaging/find-c.sh . "$folder" '*.[ch]' && packaging/find-c.sh . "$folder" '*.scd'
    done
    packaging/find-c.sh . dashboard '*'
    ls packaging/*.bash 2>/dev/null || true
} > "$now"

if [ -f "$dir/build.ninja" ] && cmp -s "$now" "$dir/configured-from"; then
    exit 0
fi
if [ -f "$dir/build.ninja" ] && [ "$(head -n 1 "$now")" = "$(head -n 1 "$dir/configured-from" 2>/dev/null)" ]; then
    meson setup --reconfigure "$dir" "$@"
else
    rm -rf "$dir/meson-info" "$dir/meson-private" "$dir/meson-logs" "$dir/build.ninja"
    meson setup "$dir" "$@"
fi > "$dir.log" 2>&1 || { cat "$dir.log" >&2; exit 1; }
# Only what was left out, and why, is news.
grep 'left out' "$dir.log" || true
mv "$dir.log" "$dir/configure.log"
cp "$now" "$dir/configured-from"
