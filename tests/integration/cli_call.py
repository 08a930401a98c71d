#!/usr/bin/python3
"""`call` against a real HTTP server that answers, refuses, hangs and comes back."""
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

PROGRAM = os.path.realpath(
    sys.argv[1] if len(sys.argv) > 1
    else os.environ.get("SWITCHGEAR") or os.path.join(os.environ.get("BUILD", "build"), "src/switchgear"))
BOUND = 60
asked = []
hanging = threading.Event()
let_go = threading.Event()


class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked.append(self.path)
        if self.path == "/hang":
            hanging.set()
            let_go.wait(BOUND)
            return
        if self.path.startswith("/flaky/"):  # /flaky/COUNT/STATUS: so many failures, then well
            _, _, failures, status = self.path.split("/")
            if asked.count(self.path) <= int(failures):
                body = f"oops {status}\n".encode()
                self.send_response(int(status))
                self.send_header("Content-Length", str(len(body)))
                if status == "429":
                    self.send_header("Retry-After", "3600" if failures == "9" else "1")
                self.end_headers()
                self.wfile.write(body)
                return
        status = int(self.path.rpartition("/")[2]) if self.path[1:].isdigit() else 200
        self.send_response(status)
        if self.path == "/302":
            self.send_header("Location", "/landed")
        self.end_headers()
        self.wfile.write(f"body of {self.path}\n".encode())

    def log_message(self, *arguments):
        pass


def call(*arguments):
    return subprocess.run([PROGRAM, "call", *arguments], capture_output=True, text=True, timeout=BOUND)


def status(circuit):
    shown = subprocess.run([PROGRAM, "status", circuit, "--json"], capture_output=True, check=True)
    return json.loads(shown.stdout)["circuits"][0]


def wait_for(condition):
    until = time.monotonic() + BOUND
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def answers_are_told_apart(url):
    done = call("web", f"{url}/200")
    assert (done.returncode, done.stdout, done.stderr) == (0, "body of /200\n", ""), done
    done = call("web", f"{url}/302")
    assert (done.returncode, done.stdout) == (0, "body of /landed\n"), done
    done = call("web", f"{url}/404")
    assert done.returncode == 1 and "404" in done.stderr, done
    done = call("web", f"{url}/500")
    assert done.returncode == 69 and "500" in done.stderr, done
    done = call("web", f"{url}/429")
    assert done.returncode == 69 and "429" in done.stderr, done
    shown = status("web")
    counts = [shown[key] for key in ("successes", "failures", "timeouts", "ignored", "in_flight")]
    assert counts == [2, 1, 1, 1, 0], counts


def json_says_all(url):
    done = call("web", f"{url}/200", "--json")
    answer = json.loads(done.stdout)
    assert (answer["http_status"], answer["outcome"], answer["body"]) == (200, "success", "body of /200\n"), answer
    done = call("web", f"{url}/503", "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == 69 and answer["outcome"] == "failure", answer


def a_bad_line_asks_nobody(url):
    before = len(asked)
    for arguments, wanted in ((["web", "no url at all"], 64), (["web"], 64), (["bad name", url], 64),
                              (["web", "file:///etc/passwd"], 64), (["web", "localhost"], 64), (["web", url, "--set", "x.y=1"], 78)):
        done = call(*arguments)
        assert done.returncode == wanted, (arguments, done)
        assert done.stdout == "", done
    assert len(asked) == before


def hanging_ends_in_time(url):
    done = call("slow", f"{url}/hang", "--timeout", "200ms")
    assert done.returncode == 69, done
    assert status("slow")["timeouts"] == 1
    hanging.clear()
    process = subprocess.Popen([PROGRAM, "call", "slow", f"{url}/hang", "--timeout", "1m"])
    assert hanging.wait(BOUND)
    process.send_signal(signal.SIGINT)
    assert process.wait(BOUND) == -signal.SIGINT
    shown = status("slow")
    assert (shown["ignored"], shown["in_flight"]) == (1, 0), shown


def failures_are_tried_again(url):
    retry = ["--set", "retry.attempts=3", "--set", "retry.delay=1ms"]
    done = call("flaky", f"{url}/flaky/2/500", *retry)
    assert (done.returncode, done.stdout, done.stderr) == (0, "body of /flaky/2/500\n", ""), done
    assert asked.count("/flaky/2/500") == 3
    done = call("flaky", f"{url}/flaky/1/503", "--json")
    answer = json.loads(done.stdout)
    assert (answer["attempts"], answer["body"], answer["http_status"]) == (2, "body of /flaky/1/503\n", 200), answer
    done = call("flaky", f"{url}/flaky/5/500", "--verbose")
    assert (done.returncode, done.stdout) == (69, "oops 500\n"), done
    assert "flaky: attempt 1: " in done.stderr and "again in" in done.stderr, done
    assert asked.count("/flaky/5/500") == 3
    done = call("flaky", f"{url}/404")
    assert done.returncode == 1 and asked.count("/404") == 2, done  # once here, once before
    done = call("flaky", f"{url}/flaky/1/429")  # a second to wait, and then it is there
    assert (done.returncode, done.stdout) == (0, "body of /flaky/1/429\n"), done
    assert status("flaky")["retry"]["retries"] == 6


def a_long_pause_is_not_waited_out(url):
    """Longer than the circuit allows: no other attempt. Allowed: a signal ends the pause."""
    done = call("busy", f"{url}/flaky/9/429", "--set", "retry.attempts=2", "--set", "retry.retry_after_max=10s")
    assert (done.returncode, asked.count("/flaky/9/429")) == (69, 1), done
    arguments = ["--set", "retry.attempts=2", "--set", "retry.retry_after_max=2h"]
    process = subprocess.Popen([PROGRAM, "call", "patient", f"{url}/flaky/9/429", *arguments])
    wait_for(lambda: asked.count("/flaky/9/429") == 2 and status("patient")["timeouts"] == 1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(BOUND) == -signal.SIGTERM
    assert status("patient")["in_flight"] == 0


def the_circuit_bounds_an_attempt(url):
    done = call("bounded", f"{url}/hang", "--timeout", "1h", "--set", "timeout.attempt=200ms")
    assert done.returncode == 69 and "timeout" in done.stderr, done
    assert status("bounded")["timeouts"] == 1


def turns_are_waited_for(url):
    hanging.clear()
    first = subprocess.Popen([PROGRAM, "call", "narrow", f"{url}/hang", "--timeout", "1m", "--set", "bulkhead.max_concurrent=1",
                              "--set", "bulkhead.when_busy=wait", "--set", "bulkhead.max_wait=1h"])
    assert hanging.wait(BOUND)
    second = subprocess.Popen([PROGRAM, "call", "narrow", f"{url}/200"], stdout=subprocess.PIPE, text=True)
    third = subprocess.Popen([PROGRAM, "call", "narrow", f"{url}/200"])
    wait_for(lambda: status("narrow")["bulkhead"]["queue"] == 2)
    third.send_signal(signal.SIGINT)
    assert third.wait(BOUND) == -signal.SIGINT
    wait_for(lambda: status("narrow")["bulkhead"]["queue"] == 1)
    first.send_signal(signal.SIGINT)
    output, _ = second.communicate(timeout=BOUND)
    assert (second.returncode, output) == (0, "body of /200\n")
    first.wait(BOUND)
    shown = status("narrow")["bulkhead"]
    assert (shown["held"], shown["queue"]) == (0, 0), shown


def something_stands_in(url):
    settings = ["--set", "fallback=static", "--set", "fallback.static=none today", "--set", "breaker.trip.0.consecutive=1"]
    done = call("quotes", f"{url}/500", *settings)
    assert (done.returncode, done.stdout) == (0, "none today\n"), done
    assert "quotes: called: it failed; fallback.static stands in" in done.stderr, done
    done = call("quotes", f"{url}/200")
    assert (done.returncode, done.stdout) == (0, "none today\n"), done
    assert "quotes: not called: the circuit is OPEN; fallback.static stands in" in done.stderr, done
    answer = json.loads(call("quotes", f"{url}/200", "--json").stdout)
    assert (answer["admitted"], answer["degraded"], answer["error_kind"], answer["body"]) == (False, True, "open", "none today"), answer


def dead_servers_are_left_alone():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        for _ in range(3):
            done = call("dead", url, "--preset", "read")
            assert done.returncode == 69, done
        done = call("dead", url)
    assert done.returncode == 75 and "not called: the circuit is OPEN; try again in" in done.stderr, done
    assert status("dead")["rejected"]["open"] == 1


def main():
    if not os.access(PROGRAM, os.X_OK):
        print(f"there is no program at {PROGRAM}")
        sys.exit(77)
    folder = tempfile.mkdtemp()
    os.environ["SWITCHGEAR_PANEL"] = os.path.join(folder, "panel")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        os.environ.pop(name, None)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        if "no HTTP adapter" in call("probe", url).stderr:
            print("this build has no HTTP adapter")
            sys.exit(77)
        answers_are_told_apart(url)
        json_says_all(url)
        a_bad_line_asks_nobody(url)
        hanging_ends_in_time(url)
        failures_are_tried_again(url)
        a_long_pause_is_not_waited_out(url)
        the_circuit_bounds_an_attempt(url)
        turns_are_waited_for(url)
        something_stands_in(url)
        dead_servers_are_left_alone()
    finally:
        let_go.set()
        server.shutdown()
        shutil.rmtree(folder)


main()
