#!/bin/sh
# Usage: docs/man/tables.sh SWITCHGEAR. Writes the part of switchgear.yaml(5) that the tables tell, behind the part that is written by hand.
set -eu
page=$(dirname "$0")/switchgear.yaml.5.scd
head=$(sed '/^; What follows/q' "$page")
{ printf '%s\n\n' "$head"; "$1" check-config --manual; cat << 'END'; } > "$page.new"
# SEE ALSO

*switchgear*(1), *switchgear*(3)
END
mv "$page.new" "$page"
