"""Usage: cases.py LABEL TESTLOG. Reads Meson's testlog.json and counts cmocka's cases.

A line a program, what failed said in full; the last line is `passed failed skipped`. A case that skips prints why, last thing.
"""
import json
import re
import sys

# The summary at the end has the same marks, but never a bare name after them.
CASE = re.compile(r"^\[ +(OK|FAILED|SKIPPED) +\] (\w+)$", re.MULTILINE)


def cases_of(test, output):
    cases = {name: result for result, name in CASE.findall(output)}
    good = test["result"] in ("OK", "SKIP")
    if not good and "FAILED" not in cases.values():
        cases["the program"] = "FAILED"
    if good and not cases:
        cases["the program"] = "SKIPPED" if test["result"] == "SKIP" else "OK"
    return cases


def reason(case, output):
    said = re.search(rf"\[ RUN +\] {case}\n((?:(?!\[).*\n)*)\[ +SKIPPED", output)
    lines = said.group(1).split("\n")[:-1] if said else []
    return lines[-1] if lines else "no reason given"


def report(label, test):
    output = test.get("stdout", "") + "\n" + test.get("stderr", "")
    cases = cases_of(test, output)
    name = f"{label}: {test['name'].split(':')[-1].replace('+threads', '')}"
    failed = [case for case, result in cases.items() if result == "FAILED"]
    if failed:
        print(output[-8000:])
    for case in failed:
        print(f"FAIL {name}: {case} ({test['result'].lower()})")
    for case, result in cases.items():
        if result == "SKIPPED":
            print(f"SKIP {name}: {case}: {reason(case, output)}")
    if not failed:
        print(f"PASS {name}: {len(cases)} cases")
    return list(cases.values())


def main(label, path):
    results = []
    with open(path) as log:
        for line in log:
            results += report(label, json.loads(line))
    print(*(results.count(result) for result in ("OK", "FAILED", "SKIPPED")))


main(*sys.argv[1:])
