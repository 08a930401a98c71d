"""What the metric tests share: the table of metrics, and the names that a query asks for. No test itself."""
import os
import re

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROW = re.compile(r'SWGI_METRIC\((\w+), (\w+), (\w+), "([^"]*)", "([^"]*)", "([^"]*)",\s*"([^"]*)"\)')
ENDINGS = {"COUNTER": ["_total"], "INFO": ["_info"], "HISTOGRAM": ["_bucket", "_sum", "_count"]}


def table():
    """Rows of src/tables/metrics.h as dictionaries, in its order."""
    text = open(os.path.join(TOP, "src/tables/metrics.h"), encoding="utf-8").read()
    keys = ("id", "scope", "type", "name", "unit", "labels", "help")
    rows = [dict(zip(keys, row)) for row in ROW.findall(text)]
    if len(rows) != text.count("\nSWGI_METRIC("):
        raise SystemExit("src/tables/metrics.h has rows that this script does not understand")
    return rows


def family(row):
    """The family's name in the text format."""
    return row["name"] + {"COUNTER": "_total", "INFO": "_info"}.get(row["type"], "")


def samples(rows):
    """Every name a sample may have."""
    return {row["name"] + ending for row in rows for ending in ENDINGS.get(row["type"], [""])}


def asked(query):
    """The metrics of ours, and the recorded series, that a query asks for."""
    query = re.sub(r'"(\\.|[^"\\])*"', '""', query)
    return set(re.findall(r"(?<![\w:])(?:breaker:)?(?:switchgear|circuit_breaker)_[\w:]+", query))
