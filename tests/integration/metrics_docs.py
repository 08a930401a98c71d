#!/usr/bin/python3
"""docs/metrics.md tells every metric of src/tables/metrics.h and no other. `metrics_docs.py --write` brings it up to date."""
import os
import re
import sys

sys.dont_write_bytecode = True
import metrics_names

PAGE = os.path.join(metrics_names.TOP, "docs/metrics.md")
TYPES = {"INFO": "info", "PLAIN": "counter"}


def lines(rows):
    yield "| metric | type | labels | what |"
    yield "| --- | --- | --- | --- |"
    for row in rows:
        labels = {"CIRCUIT": "breaker", "SEED": "bookmaker"}.get(row["scope"], "")
        labels = ", ".join(part for part in (labels, row["labels"]) if part)
        kind = TYPES.get(row["type"], row["type"].lower())
        yield f"| `{metrics_names.family(row)}` | {kind} | {labels} | {row['help']} |"


def with_tables(page):
    rows = metrics_names.table()
    for scope in ("CIRCUIT", "PANEL", "AGENT", "SEED"):
        body = "\n".join(lines([row for row in rows if row["scope"] == scope]))
        begin, end = f"<!-- metrics {scope} -->", "<!-- end -->"
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.S)
        if len(pattern.findall(page)) != 1:
            raise SystemExit(f"{PAGE} has no place for the metrics of scope {scope}")
        page = pattern.sub(lambda _: f"{begin}\n{body}\n{end}", page)
    return page


def main():
    page = open(PAGE, encoding="utf-8").read()
    wanted = with_tables(page)
    if "--write" in sys.argv[1:]:
        open(PAGE, "w", encoding="utf-8").write(wanted)
        return 0
    if page != wanted:
        print(f"{PAGE} is not what src/tables/metrics.h says; bring it up to date with {sys.argv[0]} --write")
        return 1
    helps = [row["help"] for row in metrics_names.table()]
    bad = [text for text in helps if re.search(r'[\\"\n|]', text) or not text.endswith(".")]
    for text in bad:
        print(f"this help would have to be escaped, or is no sentence: {text}")
    return bool(bad)


sys.exit(main())
