#!/bin/sh
# Usage: threaded.sh TESTS FOLDER. Prints the *_test.c below TESTS/FOLDER that start threads: themselves, by a header beside them, or
# by a helper of lib/. A thread sanitizer has nothing to see in the others.
set -eu
cd "$1"

# A helper's functions are known by its header, wherever that is included by way of others.
of_folder() { # FOLDER
    starts='pthread_create' before=
    while [ "$starts" != "$before" ]; do
        before=$starts
        names=$(grep -lE "$starts" lib/*.[ch] "$1"/*.h 2> /dev/null | sed 's|.*/||; s/\..*//' | sort -u | tr '\n' '|')
        starts="pthread_create|include \"(${names}none)\.h\""
    done
    grep -lE "$starts" "$1"/*_test.c || true
}

find "$2" -type d | LC_ALL=C sort | while read -r folder; do
    of_folder "$folder" 2> /dev/null
done
