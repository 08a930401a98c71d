# What the stories about the program share. Sourced; it finds the program, makes a folder of its own, and takes it away at the end.
#
# The program: first argument, or SWITCHGEAR, or that of the build folder BUILD.
set -uo pipefail

program=${1:-${SWITCHGEAR:-${BUILD:-build}/src/switchgear}}
if [[ ! -x $program ]]; then
    echo "there is no program at $program"
    exit 77
fi
program=$(realpath "$program")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
chmod 755 "$folder"
mkdir -m 755 panels
export SWITCHGEAR_PANEL=$folder/panels/test
unset NO_COLOR
export LC_ALL=C

# Runs the program; what it said is in $out and $err, how it ended in $status.
run() {
    "$program" "$@" > out 2> err < /dev/null
    status=$?
    out=$(cat out)
    err=$(cat err)
    ran=$*
}

wrong() { # WHAT
    echo "switchgear $ran: $1"
    echo "  status $status"
    printf '%s\n' "$out" | sed 's/^/  out: /'
    printf '%s\n' "$err" | sed 's/^/  err: /'
    exit 1
}

exits() { # STATUS
    [[ $status -eq $1 ]] || wrong "wanted status $1"
}

prints() { # EXTENDED REGULAR EXPRESSION
    grep -qE -e "$1" <<< "$out" || wrong "wanted on stdout: $1"
}

says() { # EXTENDED REGULAR EXPRESSION
    grep -qE -e "$1" <<< "$err" || wrong "wanted on stderr: $1"
}

prints_nothing() {
    [[ -z $out ]] || wrong 'wanted nothing on stdout'
}

says_nothing() {
    [[ -z $err ]] || wrong 'wanted nothing on stderr'
}

# One value out of the JSON on stdout: `json circuits 0 state`.
json() {
    /usr/bin/python3 -c '
import json, sys
value = json.load(open("out"))
for key in sys.argv[1:]:
    value = value[int(key)] if isinstance(value, list) else value[key]
print(json.dumps(value) if not isinstance(value, str) else value)' "$@"
}

is() { # WANTED GOT WHAT
    [[ $1 == "$2" ]] || wrong "${3:-value}: wanted $1, got $2"
}

# Waits, up to a minute, for a condition.
until_true() { # COMMAND ...
    local i
    for ((i = 0; i < 6000; i++)); do
        "$@" && return
        sleep 0.01
    done
    echo "never came true: $*"
    exit 1
}
