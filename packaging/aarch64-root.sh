#!/bin/sh
# Usage: aarch64-root.sh DIR. Fills DIR with the arm64 libraries the unit tests need, and writes DIR/paths.cross for Meson.
#
# apt is given DIR for its state, so this needs no root, adds no architecture to the system and leaves its packages alone.
set -eu
mkdir -p "$1"
dir=$(cd "$1" && pwd)
packages='libcmocka0 libcmocka-dev libjansson4 libjansson-dev libxxhash-dev libyaml-0-2 libyaml-dev'

fetch() {
    mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial" "$dir/packages"
    : > "$dir/apt/status"
    set -- -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$dir/apt" -o Dir::State::lists="$dir/apt/lists" \
        -o Dir::State::status="$dir/apt/status" -o Dir::Cache="$dir/apt/cache" -o APT::Sandbox::User= \
        -o Acquire::Languages=none -o Debug::NoLocking=1
    apt-get "$@" update
    (cd "$dir/packages" && apt-get "$@" download $packages)
    for package in "$dir"/packages/*.deb; do
        dpkg-deb -x "$package" "$dir/root"
    done
}

if [ ! -e "$dir/complete" ]; then
    rm -rf "$dir/root" "$dir/packages"
    fetch || { echo "the arm64 libraries ($packages) could not be fetched"; exit 1; }
    : > "$dir/complete"
fi

libraries=$dir/root/usr/lib/aarch64-linux-gnu
cat > "$dir/paths.cross" <<EOT
[binaries]
exe_wrapper = ['qemu-aarch64', '-L', '/usr/aarch64-linux-gnu', '-E', 'LD_LIBRARY_PATH=$libraries']

[properties]
pkg_config_libdir = '$libraries/pkgconfig'
sys_root = '$dir/root'
EOT
