#!/bin/sh
# Usage: setup.sh run|install|test|bench|lint. Lists the Debian packages that job still lacks, with their size, and installs them through apt.
#
# Asks on a terminal; YES=1 or no terminal goes ahead. Nothing is removed, nothing recommended comes along, no service is started.
# Where it may not install (no root, no sudo, refused) it prints the exact command and exits 69.
set -eu

# One word is one need; a|b|c is satisfied by any of them and installs the first that this release of Debian has.
run='gcc libc6-dev meson ninja-build pkgconf|pkg-config libcurl4-openssl-dev|libcurl4-gnutls-dev libjansson-dev libxxhash-dev libyaml-dev libuv1-dev libmicrohttpd-dev nettle-dev libsqlite3-dev'
install="$run scdoc libedit-dev libncurses-dev"
bench="$run strace wrk"
lint="$run libedit-dev libncurses-dev libcmocka-dev clang-format clang-tidy"
test="$install libcmocka-dev clang llvm libclang-rt-dev|libclang-rt-14-dev spin mandoc strace procps curl openssl prometheus prometheus-alertmanager tmux python3-yaml python3-jsonschema"
test="$test chromium"
# Node from elsewhere brings its own npm, and Debian's would be in its way.
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    test="$test nodejs npm"
fi
if [ "$(uname -m)" != aarch64 ]; then
    test="$test gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user"
fi

say() { printf '%s\n' "$*" >&2; }

case ${1:-} in
    run) needs=$run ;;
    install) needs=$install ;;
    test) needs=$test ;;
    bench) needs=$bench ;;
    lint) needs=$lint ;;
    *) say 'usage: setup.sh run|install|test|bench|lint'; exit 64 ;;
esac

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    say "set-up: no apt here; going on. This job needs what Debian calls: $needs"
    exit 0
fi

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
packaged() { apt-cache policy "$1" 2>/dev/null | grep -q 'Candidate: [^(]'; }
may_install() {
    [ "$(id -u)" -eq 0 ] && return 0
    command -v sudo >/dev/null || return 1
    [ -t 0 ] || sudo -n true 2>/dev/null
}
as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

# Prints the needs nobody satisfies, one line each, alternatives apart by spaces.
missing() {
    for need in $needs; do
        alternatives=$(printf %s "$need" | tr '|' ' ')
        for package in $alternatives; do
            if installed "$package"; then
                continue 2
            fi
        done
        printf '%s\n' "$alternatives"
    done
}

# Prints, for each missing need, the first alternative this release has.
choose() {
    missing | while read -r alternatives; do
        for package in $alternatives; do
            if packaged "$package"; then
                printf '%s\n' "$package"
                continue 2
            fi
        done
        say "set-up: this release of Debian has no package named: $alternatives"
    done
}

apt_install='apt-get install --no-install-recommends --no-remove -y'

refuse() {
    prefix=
    [ "$(id -u)" -eq 0 ] || prefix='sudo '
    say "set-up: $1. The command is:"
    say "    ${prefix}apt-get update && $prefix$apt_install" $packages
    say 'Or go on with what is here: the same make command with SETUP=no.'
    exit 69
}

# What apt would fetch: one line per missing package, then the total with all they depend on.
list() {
    $apt_install --print-uris $packages 2>/dev/null | awk -v packages="$(printf '%s ' $packages)" '
        /^.http|^.file|^.cdrom|^.copy/ { split($2, part, "_"); size[part[1]] = $3; total += $3; count++ }
        function human(bytes) { return bytes < 1e6 ? sprintf("%6.0f kB", bytes / 1e3) : sprintf("%6.1f MB", bytes / 1e6) }
        END {
            n = split(packages, name, " ")
            count += 0
            for (i = 1; i <= n; i++) print "    " (name[i] in size ? human(size[name[i]]) : "  fetched") "  " name[i]
            print "    " human(total) "  in all: " count " packages, with what they depend on"
        }' >&2
}

quiet_services() {
    [ -e /usr/sbin/policy-rc.d ] && return 0
    trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
    trap 'exit 130' INT TERM
    as_root sh -c 'printf "#!/bin/sh\nexit 101\n" > /usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d'
}

[ -n "$(missing)" ] || exit 0

# A fresh system has no package lists yet, and without them there are neither candidates nor sizes.
packages=$(missing | cut -d ' ' -f 1)
if ! packaged libc6-dev || ! packaged meson; then
    may_install || refuse 'packages are missing, and this user may not install them'
    say 'set-up: fetching the package lists'
    as_root apt-get update -qq >&2 || refuse 'the package lists could not be fetched'
fi
packages=$(choose)
[ -n "$packages" ] || exit 0

say "set-up: \`make $1\` needs these packages, which are missing (sizes to download):"
list
may_install || refuse 'this user may not install packages'
if [ -t 0 ] && [ -t 2 ] && [ "${YES:-}" != 1 ]; then
    printf 'Install them now? [y/N] ' >&2
    read -r answer || answer=
    case $answer in
        [yY]*) ;;
        *) refuse 'nothing was installed' ;;
    esac
fi

quiet_services
log=$(mktemp)
install() { as_root env DEBIAN_FRONTEND=noninteractive $apt_install -q -o Dpkg::Use-Pty=0 $packages > "$log" 2>&1 </dev/null; }
say 'set-up: installing'
# Old lists name versions the mirror no longer has: one fresh look before giving up.
if ! install && ! { as_root apt-get update -qq >&2 && install; }; then
    tail -n 20 "$log" >&2
    refuse "apt could not install them (all it said: $log)"
fi
rm -f "$log"
say 'set-up: done'
