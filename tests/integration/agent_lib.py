"""An agent in a folder of its own, for the stories agent_*.py: started, asked, stopped. No test by itself."""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

BUILD = os.environ.get("BUILD", "build")
PROGRAM = os.path.realpath(os.environ.get("SWITCHGEAR") or os.path.join(BUILD, "src/switchgear"))
BOUND = 60
DATABASE = """circuits:
  read-database: { preset: read, group: database, alias: read, owner: data-platform, runbook: https://wiki.example/db }
  database: { preset: write, group: database, alias: write }
  auth-database: { preset: auth, group: database, alias: auth }
"""


def wait_for(condition, what="it"):
    until = time.monotonic() + BOUND
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < until, f"{what}: not so after {BOUND} s"
        time.sleep(0.01)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=BOUND)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(BOUND)
        self.sock.connect(self.path)


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:2000]!r}"


class Agent:
    def __init__(self, circuits=DATABASE, section="", database="db.sqlite", more="", tokens=True):
        self.folder = tempfile.mkdtemp()
        self.panel = os.path.join(self.folder, "panel")
        self.config = os.path.join(self.folder, "switchgear.yaml")
        self.tokens = {}
        self.process = None
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("SWITCHGEAR_")}
        self.environment.update(SWITCHGEAR_PANEL=self.panel, NO_PROXY="*", no_proxy="*")
        self.head = f"listen: '127.0.0.1:0', database: {database if database == 'off' else self.path(database)}"
        if tokens:
            self.head += f", tokens_file: {self.path('tokens')}"
            self.make_tokens()
        self.write_config(circuits, section, more)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write_config(self, circuits=DATABASE, section="", more=""):
        text = f"agent: {{ {self.head}{', ' if section else ''}{section} }}\n{more}{circuits}"
        with open(self.config + ".new", "w") as file:
            file.write(text)
        os.rename(self.config + ".new", self.config)

    def make_tokens(self):
        with open(self.path("tokens"), "w") as file:
            os.fchmod(file.fileno(), 0o600)
            for name, role in (("eve", "viewer"), ("alice", "operator"), ("bob", "admin")):
                done = self.run("agent", "--make-token", name, role)
                assert done.returncode == 0 and done.stdout.startswith("swg_"), done
                assert done.stderr.startswith(f"{name}:{role}:") and done.stdout.strip() not in done.stderr, done
                self.tokens[role] = done.stdout.strip()
                file.write(done.stderr)

    def run(self, *arguments, check=False):
        done = subprocess.run([PROGRAM, *arguments], env=self.environment, text=True, capture_output=True, timeout=BOUND)
        assert not check or done.returncode == 0, (arguments, done)
        return done

    def start(self, *arguments, environment=None, wait=True, **options):
        self.log_path = self.path(f"log-{time.monotonic_ns()}")
        with open(self.log_path, "w") as log:
            self.process = subprocess.Popen([PROGRAM, "agent", "-c", self.config, *arguments], stderr=log,
                                            env=environment or self.environment, **options)
        if wait:
            wait_for(lambda: self.process.poll() is not None or self.listens(), "listening")
            assert self.process.poll() is None, open(self.log_path).read()
        return self

    def listens(self):
        log = self.log()
        self.ports = [int(port) for port in re.findall(r"listening on http://[^\"]*:(\d+)/", log)]
        return "agent.sock" in log and self.ports

    def log(self):
        with open(self.log_path) as log:
            return log.read()

    def log_lines(self):
        return [json.loads(line) for line in self.log().splitlines()]

    def ask(self, method, path, role=None, body=None, unix=False, **headers):
        connection = UnixConnection(self.path("agent.sock")) if unix else \
            http.client.HTTPConnection("127.0.0.1", self.ports[0], timeout=BOUND)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if role:
            headers["Authorization"] = "Bearer " + self.tokens.get(role, role)
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, body, headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path, role="viewer", **headers):
        return self.ask("GET", path, role, **headers)

    def post(self, path, body=None, role="operator", **headers):
        return self.ask("POST", path, role, body, **headers)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(BOUND)

    def clean(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.clean()


def need_agent():
    if not os.access(PROGRAM, os.X_OK):
        print(f"there is no program at {PROGRAM}")
        sys.exit(77)
    done = subprocess.run([PROGRAM, "agent", "--make-token", "x", "viewer"], text=True, capture_output=True, timeout=BOUND)
    if "built without the agent" in done.stderr:
        print("this build has no agent")
        sys.exit(77)
