#!/bin/sh
# Usage: floors.sh ROOT. Fails if a file includes from above its floor, or if what stands outside src/ includes from inside it.
#
# Floors, lowest first; a folder includes itself and lower ones, as "panel/layout.h" or, within itself, as "layout.h".
# tables/ holds facts, not code, and is read from everywhere in src/.
set -eu
cd "$1"
floors='base panel engine circuit config report simulator,agent cli'

rank() { # FOLDER: its floor, or nothing
    number=0
    for floor in $floors; do
        case ,$floor, in
            *,"$1",*) echo "$number"; return ;;
        esac
        number=$((number + 1))
    done
}

includes() { # FILE: line and name of what it includes in quotes
    sed -n 's/^[ \t]*#[ \t]*include[ \t]*"\([^"]*\)".*/\1/p' "$1"
}

inside() { # FILE FOLDER: breaches of a file of src/
    own=$(rank "$2")
    includes "$1" | while read -r name; do
        case $name in
            ../*) echo "$1: \"$name\": write it from src/"; continue ;;
            */*) other=${name%%/*} ;;
            *) continue ;;
        esac
        case $other in
            switchgear | tables | "$2") continue ;;
        esac
        other_rank=$(rank "$other")
        if [ -z "$other_rank" ]; then
            echo "$1: \"$name\": $other/ is no floor"
        elif [ "$other_rank" -ge "$own" ]; then
            echo "$1: \"$name\": $2/ must not know of $other/"
        fi
    done
}

outside() { # FILE: breaches of a file that may see include/ alone
    includes "$1" | while read -r name; do
        if [ -e "src/$name" ]; then
            echo "$1: \"$name\": only include/ may be seen from here"
        else
            case $name in
                *src/*) echo "$1: \"$name\": only include/ may be seen from here" ;;
            esac
        fi
    done
}

breaches=$(
    find src -name '*.[ch]' 2>/dev/null | LC_ALL=C sort | while read -r file; do
        folder=${file#src/}
        folder=${folder%%/*}
        [ "$folder" = tables ] || inside "$file" "$folder"
    done
    find adapters examples tests/lib gateway bindings -name '*.[ch]' 2>/dev/null | LC_ALL=C sort | while read -r file; do
        outside "$file"
    done
)
[ -z "$breaches" ] || { printf '%s\n' "$breaches"; exit 1; }
