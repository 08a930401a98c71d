#!/usr/bin/env bash
# The dashboard in Chromium, on a real agent: tests/browser/run.mjs. Its packages come by npm and lie below build/.
# runs: tests/browser dashboard
# tools: node npm chromium
. tests/stages/lib.sh
build "$BUILD" -Dwerror=true || finish
if [[ ! -x $BUILD/tests/browser-driver ]] || ! "$BUILD/src/switchgear" agent --help > /dev/null 2>&1; then
    skip 'the dashboard in a browser: no agent in this build'
    finish
fi

modules=$PWD/build/with/browser
mkdir -p "$modules"
if ! cmp -s tests/browser/package-lock.json "$modules/installed"; then
    cp tests/browser/package.json tests/browser/package-lock.json "$modules/"
    if ! npm ci --prefix "$modules" --no-audit --no-fund --ignore-scripts > "$modules/npm.log" 2>&1; then
        tail -n 5 "$modules/npm.log"
        skip "the dashboard in a browser: npm could not fetch its packages, see $modules/npm.log"
        finish
    fi
    cp tests/browser/package-lock.json "$modules/installed"
fi

CHROMIUM=$(command -v chromium) BROWSER_MODULES=$modules SHOTS=$modules/shots node tests/browser/run.mjs
