#!/usr/bin/python3
"""A program with the agent inside: its own /health, acts only for who has a token, and an end that leaves nothing behind."""
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request

BOUND = 60
PROGRAM = os.path.realpath(os.path.join(os.environ.get("BUILD", "build"), "examples/embedded"))


def ask(url, data=None):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, data), timeout=BOUND) as answer:
        return answer.read()


def main():
    if not os.access(PROGRAM, os.X_OK):
        print(f"{PROGRAM} was not built")
        sys.exit(77)
    with subprocess.Popen([PROGRAM], stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().strip()
            health = json.loads(ask(url + "/health"))
            assert health["default"]["circuits"]["database"]["state"] in ("CLOSED", "OPEN", "HALF_OPEN"), health
            assert b'breaker="database"' in ask(url + "/metrics")
            try:
                ask(url + "/v1/circuits/database/reset", b"")
                assert False, "an act without a token"
            except urllib.error.HTTPError as error:
                assert error.code == 401, error
            tasks = os.listdir(f"/proc/{process.pid}/task")
            assert len(tasks) >= 2, tasks
            # One core: the agent's library brings none of its own.
            with open(f"/proc/{process.pid}/maps") as maps:
                mapped = {line.split()[-1] for line in maps if "libswitchgear" in line}
            assert len([path for path in mapped if "libswitchgear.so" in path]) == 1, mapped
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(BOUND) == 0


main()
