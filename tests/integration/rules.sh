#!/usr/bin/env bash
# The shipped rules and the dashboard: right in form, fire when they should, ask for metrics that there are and link to sections
# that there are.
set -uo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top/packaging/prometheus" || exit 1

/usr/bin/python3 -B - "$top" <<'END' || exit 1
import json, os, re, sys

top = sys.argv[1]
sys.path.insert(0, os.path.join(top, "tests/integration"))
import metrics_names

known = metrics_names.samples(metrics_names.table())
rules = open("switchgear.rules.yml", encoding="utf-8").read()
recorded = set(re.findall(r"record: (\S+)", rules))
faults = []

def look(where, query):
    names = metrics_names.asked(query)
    faults.extend(f"{where} asks for {name}, which there is not" for name in names - known - recorded)
    return len(names)

bodies = re.sub(r"(?m)^\s*(- (alert|record)|summary|description|runbook_url|#).*$", "", rules)
if look("switchgear.rules.yml", bodies) < 15:
    faults.append("the rules ask for next to nothing: this test does not see them")

dashboard = json.load(open(os.path.join(top, "packaging/grafana/switchgear.json"), encoding="utf-8"))
ids = [panel["id"] for panel in dashboard["panels"]]
if len(ids) != len(set(ids)):
    faults.append("two panels of the dashboard have the same id")
count = 0
for panel in dashboard["panels"]:
    for target in panel.get("targets", []):
        count += look(f"the dashboard's panel {panel['title']}", target["expr"])
for variable in dashboard["templating"]["list"]:
    count += look(f"the dashboard's variable {variable['name']}", variable.get("definition", ""))
for annotation in dashboard["annotations"]["list"]:
    count += look("an annotation of the dashboard", annotation.get("expr", ""))
if count < 30:
    faults.append("the dashboard asks for next to nothing: this test does not see it")

anchors = set(re.findall(r"runbook_url: docs/runbook.md#(\S+)", rules))
alerts = len(re.findall(r"- alert:", rules))
if len(re.findall(r"runbook_url:", rules)) != alerts:
    faults.append("an alert has no runbook_url")
runbook = os.path.join(top, "docs/runbook.md")
if os.path.exists(runbook):
    headings = re.findall(r"(?m)^#+ (.*)$", open(runbook, encoding="utf-8").read())
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
    slugs |= set(re.findall(r'<a (?:id|name)="([^"]+)"', open(runbook, encoding="utf-8").read()))
    faults.extend(f"docs/runbook.md has no section #{anchor}" for anchor in sorted(anchors - slugs))
print("\n".join(faults))
sys.exit(bool(faults))
END

command -v promtool > /dev/null || { echo 'promtool is not installed'; exit 77; }
output=$(promtool check rules switchgear.rules.yml 2>&1) || { printf '%s\n' "$output"; exit 1; }
output=$(promtool test rules switchgear.rules.test.yml switchgear.slow.rules.test.yml 2>&1) || { printf '%s\n' "$output"; exit 1; }

# Every alert is in a test, once firing.
for alert in $(sed -n 's/^ *- alert: //p' switchgear.rules.yml); do
    grep -q -A 1 "alertname: $alert" switchgear.rules.test.yml switchgear.slow.rules.test.yml || { echo "no test asks for $alert"; exit 1; }
    grep -h -A 1 "alertname: $alert\$" ./*.test.yml | grep -q exp_alerts || { echo "no test sees $alert fire"; exit 1; }
done
