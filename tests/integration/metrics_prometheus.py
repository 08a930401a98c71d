#!/usr/bin/python3
"""A real Prometheus scrapes what /metrics says, in both formats and from the agent itself, and answers: our counters, the seed's
alert, every query of the dashboard, every rule."""
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
import metrics_names

BOUND_S = 60
TYPES = {
    "/openmetrics": ("openmetrics.txt", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
    "/text": ("with_seeds.txt", "text/plain; version=0.0.4; charset=utf-8"),
}


def skip(why):
    print(why)
    sys.exit(77)


def expositions(folder):
    program = os.path.join(os.environ.get("BUILD", "build"), "tests/unit-agent-metrics")
    if not os.access(program, os.X_OK):
        skip(f"there is no program at {program}")
    made = subprocess.run([program], env={**os.environ, "METRICS_OUT": folder}, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        sys.exit(made.stdout + made.stderr)


def serve(folder):
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            name, kind = TYPES[self.path]
            body = open(os.path.join(folder, name), "rb").read()
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Agent:
    """The real one, over TCP, with a circuit that was tripped."""

    def __init__(self, folder):
        program = os.path.join(os.environ.get("BUILD", "build"), "src/switchgear")
        self.process = None
        self.port = free_port()
        file = os.path.join(folder, "switchgear.yaml")
        with open(file, "w", encoding="utf-8") as out:
            json.dump({"panel": {"path": f"{folder}/panel"}, "circuits": {"live": {}},
                       "agent": {"listen": f"127.0.0.1:{self.port}", "socket": "off", "database": "off",
                                 "public_reads": True}}, out)
        environment = {**os.environ, "SWITCHGEAR_PANEL": f"{folder}/panel"}
        told = subprocess.run([program, "help", "agent"], capture_output=True, text=True, check=False).stdout \
            if os.access(program, os.X_OK) else ""
        if not told or "without" in told.splitlines()[0]:
            return
        self.log = open(os.path.join(folder, "agent.log"), "w", encoding="utf-8")
        self.process = subprocess.Popen([program, "agent", "-c", file], env=environment, stdout=self.log, stderr=self.log)
        for command in (["exec", "live", "--", "true"], ["trip", "live", "--reason", "a test"]):
            subprocess.run([program, *command], env=environment, check=True, capture_output=True)

    def jobs(self):
        return [("agent", "/metrics", self.port)] if self.process else []

    def check(self, prometheus):
        if not self.process:
            return
        if self.process.poll() is not None:
            sys.exit("the agent ended")
        wanted = 'switchgear_breaker_state{job="agent",breaker="live",state="open"} == 1'
        prometheus.until("the agent tells of the trip", lambda: prometheus.query(wanted))
        expect(prometheus, 'switchgear_calls_total{job="agent",breaker="live",outcome="success"}', 1)

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()


def configure(folder, port, more):
    shutil.copy(os.path.join(metrics_names.TOP, "packaging/prometheus/switchgear.rules.yml"), folder)
    jobs = [{"job_name": job, "metrics_path": path, "static_configs": [{"targets": [f"127.0.0.1:{at}"]}]}
            for job, path, at in [("switchgear", "/text", port), ("openmetrics", "/openmetrics", port), *more]]
    config = {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": ["switchgear.rules.yml"],
              "scrape_configs": jobs}
    with open(os.path.join(folder, "prometheus.yml"), "w", encoding="utf-8") as out:
        json.dump(config, out)  # which is YAML too


class Prometheus:
    def __init__(self, folder):
        self.port = free_port()
        self.log = open(os.path.join(folder, "prometheus.log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn", "--enable-feature=exemplar-storage"],
            stdout=self.log, stderr=self.log)

    def ask(self, path, **query):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?" + urllib.parse.urlencode(query)
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            if error.code == 503:  # not ready yet
                raise
            sys.exit(f"Prometheus refuses {query}: {error.read().decode()}")

    def query(self, expression):
        return self.ask("query", query=expression)["result"]

    def until(self, what, condition):
        end = time.monotonic() + BOUND_S
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                found = condition()
                if found:
                    return found
            except (OSError, ValueError):
                pass
            time.sleep(0.1)
        self.log.seek(0)
        sys.exit(f"never came true: {what}\n{self.log.read()}")

    def stop(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def scraped(prometheus):
    targets = prometheus.ask("targets", state="active")["activeTargets"]
    failed = [target["lastError"] for target in targets if target["lastError"] and target["labels"]["job"] != "agent"]
    if failed:
        sys.exit(f"Prometheus cannot read it: {failed}")
    return bool(targets) and all(target["health"] == "up" for target in targets)


def expect(prometheus, expression, wanted):
    got = prometheus.query(expression)
    values = [float(sample["value"][1]) for sample in got]
    if values != [wanted]:
        sys.exit(f"{expression}: wanted {wanted}, got {values}")


def check_samples(prometheus):
    for job in ("switchgear", "openmetrics"):
        of = f'job="{job}",breaker="dependency"'
        expect(prometheus, f'switchgear_calls_total{{{of},outcome="failure"}}', 3)
        expect(prometheus, f'switchgear_calls_rejected_total{{{of},reason="open"}}', 2)
        expect(prometheus, f"switchgear_breaker_last_recovery_seconds{{{of}}}", 11)
        expect(prometheus, f'switchgear_breaker_state{{job="{job}",breaker="draftkings",state="open"}}', 1)
        expect(prometheus, f'switchgear_call_duration_seconds_bucket{{{of},le="+Inf"}}', 5)
        expect(prometheus, f'switchgear_call_duration_seconds_count{{job="{job}",breaker="_other"}}', 1)
        expect(prometheus, f'count(switchgear_build_info{{job="{job}"}})', 1)
        expect(prometheus, f'switchgear_error_samples_total{{{of},kind="re\\"set\\\\?"}}', 1)
    types = prometheus.ask("metadata", limit=1000)
    for name, kind in (("switchgear_calls_total", "counter"), ("switchgear_call_duration_seconds", "histogram")):
        if kind not in [entry["type"] for entry in types.get(name, [])]:
            sys.exit(f"{name} is no {kind} to Prometheus")


def check_seed(prometheus):
    tripped = prometheus.query('circuit_breaker_tripped{bookmaker=~".+"} == 1')
    names = [sample["metric"]["bookmaker"] for sample in tripped]
    if names != ["draftkings"]:
        sys.exit(f"the seed's alert sees {names}")


def check_dashboard(prometheus):
    path = os.path.join(metrics_names.TOP, "packaging/grafana/switchgear.json")
    with open(path, encoding="utf-8") as file:
        dashboard = json.load(file)
    values = {"$__rate_interval": "1m", "$job": ".*", "$instance": ".*", "$breaker": ".*"}
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            expression = target["expr"]
            for variable, value in values.items():
                expression = expression.replace(variable, value)
            prometheus.query(expression)


def exemplars(prometheus):
    """Of the series that have one, which trace it names."""
    found = prometheus.ask("query_exemplars", query='{__name__=~"switchgear_.+"}', start=0, end=time.time() + 3600)
    return {series["seriesLabels"]["__name__"]: series["exemplars"][0]["labels"]["trace_id"] for series in found}


def check_exemplars(prometheus):
    trace = "0af7651916cd43dd8448eb211c80319c"
    found = exemplars(prometheus)
    if found != {"switchgear_call_duration_seconds_bucket": trace, "switchgear_error_samples_total": trace}:
        sys.exit(f"exemplars: {found}")


def firing(prometheus):
    alerts = prometheus.ask("alerts")["alerts"]
    return any(alert["labels"]["alertname"] == "SwitchgearCircuitOpen" and alert["state"] == "firing"
               and alert["labels"]["breaker"] == "draftkings" for alert in alerts)


def main():
    if shutil.which("prometheus") is None:
        skip("prometheus is not installed")
    folder = tempfile.mkdtemp()
    prometheus = agent = None
    try:
        expositions(folder)
        agent = Agent(folder)
        configure(folder, serve(folder), agent.jobs())
        prometheus = Prometheus(folder)
        prometheus.until("both formats are scraped", lambda: scraped(prometheus))
        prometheus.until("samples are there", lambda: len(prometheus.query("switchgear_build_info")) >= 2)
        check_samples(prometheus)
        check_exemplars(prometheus)
        check_seed(prometheus)
        check_dashboard(prometheus)
        prometheus.until("the alert fires", lambda: firing(prometheus))
        agent.check(prometheus)
    finally:
        if agent is not None:
            agent.stop()
        if prometheus is not None:
            prometheus.stop()
        shutil.rmtree(folder, ignore_errors=True)


main()
