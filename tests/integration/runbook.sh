#!/usr/bin/env bash
# docs/runbook.md against the program: what alerts link to is there, its own links lead somewhere, every command and option that it
# tells at three in the morning exists, and so does every path of the agent.
set -euo pipefail
book=docs/runbook.md program=$BUILD/src/switchgear
[[ -x $program ]] || { echo "$program was not built"; exit 77; }
wrong=0
complain() { echo "$*"; wrong=1; }

# Headings as a reader on the web finds them, and the anchors that are written out.
anchors=$({ sed -n 's/^##* //p' "$book" | tr '[:upper:]' '[:lower:]' | tr ' ' '-' | tr -cd '[:alnum:]\n-'
            grep -o '<a id="[^"]*"' "$book" | cut -d '"' -f 2; } | sort -u)
anchored() { grep -qxF -- "$1" <<< "$anchors" || complain "$2: no section #$1"; }

links() { # FILE: what it links to in the runbook
    grep -oE 'runbook\.md#[a-z0-9-]+' "$1" | cut -d '#' -f 2 | sort -u
}
for file in $(grep -rlE 'runbook\.md#' packaging src docs --include='*' | grep -v "^$book\$"); do
    for anchor in $(links "$file"); do anchored "$anchor" "$file"; done
done
# The shipped rules, and what each kind of alert is called.
for anchor in $(sed -n 's/^SWGI_ALERT(.*, "\([a-z-]*\)")$/\1/p' src/tables/alerts.h); do anchored "$anchor" src/tables/alerts.h; done
kinds=$(sed -n 's/^ *\[SWGI_ALERT_[A-Z_]*\] = { "[a-z_]*", "\([a-z-]*\)".*/\1/p' src/agent/alerts_rules.c)
[[ $(wc -l <<< "$kinds") -eq 13 ]] || complain "src/agent/alerts_rules.c: not 13 kinds of alerts: $kinds"
for anchor in $kinds; do anchored "$anchor" src/agent/alerts_rules.c; done
for anchor in $(grep -oE '\]\(#[a-z0-9-]+\)' "$book" | tr -d '])(#' | sort -u); do anchored "$anchor" "$book"; done

# Commands: in `code` and in blocks. Each with its options, which its help must know.
commands=$({ grep -oE '`switchgear [^`]*`' "$book" | tr -d '`'; sed -n 's/^ *\(switchgear .*\)/\1/p' "$book"; } | sed 's/ *#.*//' | sort -u)
[[ $(wc -l <<< "$commands") -gt 30 ]] || complain "$book: too few commands were found"
known=$("$program" help)
while read -r _ command rest; do
    if ! grep -qE "^ +$command( |\$)" <<< "$known"; then
        complain "$book: switchgear $command is no command"
        continue
    fi
    help=$("$program" help "$command")
    for option in $(grep -oE -- '--[a-z-]+' <<< "$rest" || true); do
        grep -qE -- "$option([= \[]|\$)" <<< "$help" || complain "$book: switchgear $command has no $option"
    done
done <<< "$commands"

# The service.
for unit in $(grep -oE '(systemctl [a-z-]+|journalctl -u) [a-z-]+' "$book" | awk '{ print $NF }' | sort -u); do
    [[ -e packaging/systemd/$unit.service.in ]] || complain "$book: there is no service $unit"
done

# Paths of the agent.
for path in $(grep -oE '(http://localhost|GET |POST |`)/[a-z0-9/_-][^ ?`'"'"']*' "$book" | sed -E 's#^(http://localhost|GET |POST |`)##' | sort -u); do
    case $path in /v1/* | /-/* | /health | /livez | /readyz | /metrics) ;; *) continue ;; esac
    grep -qF "\"$(sed 's#/NAME#/{name}#' <<< "$path")\"" src/tables/routes.h || complain "$book: $path is no route"
done
exit "$wrong"
