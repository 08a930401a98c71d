#!/usr/bin/env bash
# `make install` into an empty folder, the README's example built against what was installed and run, `make uninstall`, nothing left.
. tests/stages/lib.sh

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
root=$scratch/root
prefix=/usr

if ! output=$(make install SETUP=no PREFIX=$prefix DESTDIR="$root" 2>&1); then
    printf '%s\n' "$output"
    fail 'make install'
    finish
fi
pass 'make install'

installed() { # WHAT PATTERN
    check "installed: $1" test -n "$(find "$root" -path "$root$prefix/$2" -print -quit)"
}
installed 'shared library' 'lib/*libswitchgear.so.0'
installed 'static library' 'lib/*libswitchgear.a'
installed 'header' 'include/switchgear/switchgear.h'
installed 'pkg-config file' 'lib/*pkgconfig/switchgear.pc'
[[ ! -e src/cli/main.c ]] || installed 'program' 'bin/switchgear'
[[ ! -e packaging/switchgear.bash ]] || installed 'completion' 'share/bash-completion/completions/switchgear'
[[ ! -e docs/runbook.md ]] || installed 'runbook' 'share/doc/switchgear/runbook.md'
if pkg-config --exists libuv libmicrohttpd nettle sqlite3 libcurl; then
    installed "the agent's library" 'lib/*libswitchgear-agent.so.0'
    installed "the agent's header" 'include/switchgear/agent.h'
    installed 'systemd service' 'lib/systemd/system/switchgear.service'
    installed 'systemd socket' 'lib/systemd/system/switchgear.socket'
    installed 'sysusers.d' 'lib/sysusers.d/switchgear.conf'
    installed 'tmpfiles.d' 'lib/tmpfiles.d/switchgear.conf'
fi
if command -v scdoc > /dev/null; then
    for page in docs/man/*.scd; do
        [[ -e $page ]] || continue
        page=$(basename "$page" .scd)
        installed "man page $page" "share/man/man${page##*.}/$page"
        if command -v mandoc > /dev/null; then
            check "mandoc finds no fault in $page" mandoc -T lint -W error "$root$prefix/share/man/man${page##*.}/$page"
        fi
    done
else
    skip 'man pages: scdoc is not installed'
fi

libraries=$(dirname "$(find "$root" -name libswitchgear.so.0)")
export LD_LIBRARY_PATH=$libraries PKG_CONFIG_PATH=$libraries/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root

symbols() { # LIBRARY: each exported name with its version
    nm -D --defined-only --with-symbol-versions "$libraries/$1" | awk '$2 != "A" { print $3 }'
}
promised() { # The promise is swg_*: nothing else may leave a shared library but what its version calls private.
    local others
    others=$(symbols "$1" | grep -v '@@SWITCHGEAR_PRIVATE$' | grep -v '^swg_') || true
    [[ -z $others ]] || { printf '%s\n' "$others"; return 1; }
}
check 'the shared library promises swg_* only' promised libswitchgear.so.0
# What is private is there for the agent's library, all of it and nothing more, so that a process has one core.
private_is_needed() {
    diff <(symbols libswitchgear.so.0 | sed -n 's/@@SWITCHGEAR_PRIVATE$//p' | sort) \
        <(nm -D --undefined-only "$libraries/libswitchgear-agent.so.0" | sed -n 's/^ *U \(swgi_[a-z0-9_]*\).*/\1/p' | sort)
}
if [[ -e $libraries/libswitchgear-agent.so.0 ]]; then
    check "the agent's library exports swg_* only" promised libswitchgear-agent.so.0
    check 'what the core exports privately is what that library takes of it' private_is_needed
else
    skip 'the library of the agent: it was left out'
fi
check 'its soname is libswitchgear.so.0' sh -c 'objdump -p "$1" | grep -q "SONAME *libswitchgear.so.0$"' sh "$libraries/libswitchgear.so.0"

# The first C block of the README, as a user would take it from there.
awk '/^```c$/ { on = 1; next } /^```$/ { if (on) exit } on' README.md > "$scratch/example.c"
tells_the_three_cases() {
    local said
    said=$("$scratch/example") && printf '%s\n' "$said" && grep -q '^answered' <<< "$said" &&
        grep -q '^called, and it failed' <<< "$said" && grep -q '^not called.*try again in [1-9]' <<< "$said"
}
example() { # shellcheck disable=SC2046
    cc -Wall -Wextra -Werror -o "$scratch/example" "$scratch/example.c" $(pkg-config --cflags --libs switchgear) &&
        tells_the_three_cases
}
check "the README's example builds against the installed library and runs" example
static_example() { # shellcheck disable=SC2046
    cc -o "$scratch/example" "$scratch/example.c" $(pkg-config --cflags switchgear) "$libraries/libswitchgear.a" -lyaml -lm -pthread &&
        LD_LIBRARY_PATH='' tells_the_three_cases
}
check 'so it does against the static library' static_example

cplusplus() { # shellcheck disable=SC2046
    local standard
    printf '%s\n' '#include <switchgear/switchgear.h>' 'int main() { swg_result result = SWG_RESULT_INIT; swg_act act = SWG_ACT_INIT;' \
        'return result.error.size != sizeof(swg_error) || act.size != sizeof(act); }' > "$scratch/example.cc"
    for standard in c++98 c++11 c++20; do
        "$1" -std=$standard -Wall -Wextra -Wpedantic -Wno-long-long -Werror -fsyntax-only "$scratch/example.cc" \
            $(pkg-config --cflags switchgear) || return 1
    done
}
if compiler=$(command -v c++ || command -v clang++); then
    check 'the header is C++ of any age' cplusplus "$compiler"
else
    skip 'C++: there is no compiler for it'
fi

# The agent in a program, against what was installed.
embedded() { # shellcheck disable=SC2046
    local pid url
    cc -Wall -Wextra -Werror -D_GNU_SOURCE -o "$scratch/embedded" examples/embedded.c $(pkg-config --cflags --libs switchgear-agent) || return 1
    "$scratch/embedded" > "$scratch/url" & pid=$!
    timeout 20 sh -c 'until [ -s "$1" ]; do sleep 0.05; done' sh "$scratch/url"
    url=$(cat "$scratch/url")
    /usr/bin/python3 -c 'import sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
sys.exit(b"circuitBreakers" not in opener.open(sys.argv[1] + "/health", timeout=20).read())' "$url" || { kill $pid; return 1; }
    kill $pid
    wait $pid
}
# Installed below a DESTDIR, it finds the program that speaks HTTP where that lies beside it, as after a move.
makes_a_token() {
    [[ $("$root$prefix/bin/switchgear" agent --make-token alice viewer 2> /dev/null) =~ ^[A-Za-z0-9_-]{20,}$ ]]
}
if [[ -e $libraries/libswitchgear-agent.so.0 ]]; then
    installed 'program that speaks HTTP' 'libexec/switchgear/switchgear-net'
    check 'the installed program starts it' makes_a_token
    check 'a program has the agent inside' embedded
    if command -v systemd-analyze > /dev/null; then
        # The program is not where the unit will find it, and neither are its man pages.
        unit_is_good() {
            local found
            mkdir -p "$scratch/units" && cp "$root$prefix"/lib/systemd/system/switchgear.* "$scratch/units" &&
                sed -i "s#=$prefix/bin/switchgear#=/bin/true#; /^Documentation/d" "$scratch"/units/*
            found=$(systemd-analyze verify "$scratch/units/switchgear.service" "$scratch/units/switchgear.socket" 2>&1 | grep switchgear) || true
            [[ -z $found ]] || { printf '%s\n' "$found"; return 1; }
        }
        check 'systemd finds no fault in the units' unit_is_good
    else
        skip 'systemd units: systemd-analyze is not installed'
    fi
fi

check 'make uninstall' make uninstall SETUP=no PREFIX=$prefix DESTDIR="$root"
nothing_left() {
    local left
    left=$(find "$root" ! -type d -o -name '*switchgear*')
    [[ -z $left ]] || { printf '%s\n' "$left"; return 1; }
}
check 'uninstall left nothing' nothing_left
finish
