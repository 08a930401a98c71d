#!/usr/bin/python3
"""How the agent starts, reloads, ends, is killed and comes back, and what it tells its supervisor."""
import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import time

from agent_lib import BOUND, DATABASE, Agent, need_agent, wait_for

BAD = "circuits:\n  database: { preset: nosuch }\n  read-database: { breaker: { open: { for: soon } } }\n"
OTHER = DATABASE.replace("preset: auth", "preset: read") + "  fresh: { preset: queue }\n"


def setting(agent, circuit, key):
    shown = agent.run("why", circuit, "--verbose", check=True).stdout
    return [line for line in shown.splitlines() if key in line]


def reloads(agent):
    agent.run("exec", "database", "--", "false")
    agent.write_config(OTHER)
    assert agent.post("/-/reload", None, "bob").status == 401
    done = agent.post("/-/reload", None, "admin")
    assert done.status == 200 and done.json()["circuits"] == 4, done
    assert agent.get("/v1/circuits/fresh").json()["preset"] == "queue"
    assert agent.get("/v1/circuits/database").json()["failures"] == 1  # counters are kept

    agent.write_config(BAD)
    done = agent.post("/-/reload", None, "admin")
    assert done.status == 422 and done.json()["code"] == "CONFIG_REFUSED", done
    errors = done.json()["errors"]
    assert {error["line"] for error in errors} == {3, 4} and done.json()["errors_count"] == 2, errors
    assert done.json()["file"] == str(agent.config), done.json()
    assert f"{agent.config}:3:" in agent.log(), agent.log()
    assert agent.get("/v1/circuits/auth-database").json()["preset"] == "read"
    assert '"level":"error"' in agent.log() and agent.get("/readyz", None).status == 200

    # What is refused last is refused before anything changes, too: a receiver that lacks its secret.
    agent.write_config(DATABASE, more="receivers: { page: { kind: pagerduty, token_file: /nosuch } }\n")
    done = agent.post("/-/reload", None, "admin")
    assert done.status == 422 and "receivers.page.token_file: /nosuch" in done.json()["message"], done
    assert agent.get("/v1/circuits/auth-database").json()["preset"] == "read"
    refused = agent.log().count("configuration refused")
    agent.process.send_signal(signal.SIGHUP)
    wait_for(lambda: agent.log().count("configuration refused") > refused, "a refused SIGHUP")
    assert agent.get("/v1/circuits/auth-database").json()["preset"] == "read"

    agent.write_config(DATABASE)
    agent.process.send_signal(signal.SIGHUP)
    wait_for(lambda: agent.get("/v1/circuits/auth-database").json()["preset"] == "auth", "SIGHUP")
    count = agent.log().count("configuration reloaded")
    agent.write_config(OTHER)
    wait_for(lambda: agent.log().count("configuration reloaded") > count, "the changed file")
    text = agent.get("/metrics").body.decode()
    assert "switchgear_agent_config_reload" in text, "metrics of reloads"


def is_answered_when_the_audit_has_it(agent):
    """While the database is locked, a reload is in force and not answered; once it is answered, kill -9 finds its row there."""
    def reloaded():
        with contextlib.closing(sqlite3.connect(agent.path("db.sqlite"), timeout=BOUND)) as reader:
            return reader.execute("SELECT count(*) FROM circuit_breaker_audit WHERE action = 'CONFIG' AND reason = 'reloaded' AND user = 'bob'").fetchone()[0]
    before, count = reloaded(), agent.log().count("configuration reloaded by bob")
    asker = socket.create_connection(("127.0.0.1", agent.ports[0]), BOUND)
    with contextlib.closing(sqlite3.connect(agent.path("db.sqlite"), timeout=BOUND, isolation_level=None)) as locker:
        locker.execute("BEGIN EXCLUSIVE")
        asker.sendall(f"POST /-/reload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {agent.tokens['admin']}\r\nContent-Length: 0\r\n\r\n".encode())
        wait_for(lambda: agent.log().count("configuration reloaded by bob") > count, "the reload")
        for _ in range(5):
            assert agent.get("/livez", None).status == 200
        asker.setblocking(False)
        try:
            assert False, asker.recv(4096)
        except BlockingIOError:
            asker.settimeout(BOUND)
        locker.execute("COMMIT")
    answer = asker.recv(4096)
    agent.process.kill()
    assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(b'{"reloaded":true,"circuits":4}'), answer
    agent.process.wait(BOUND)
    asker.close()
    assert reloaded() == before + 1
    agent.start()


def tokens_are_read_again(agent):
    with open(agent.path("tokens")) as file:
        lines = file.readlines()
    with open(agent.path("tokens"), "w") as file:
        file.writelines(line for line in lines if not line.startswith("eve:"))
    assert agent.get("/health").status == 200
    assert agent.post("/-/reload", None, "admin").status == 200
    assert agent.get("/health").status == 401
    os.chmod(agent.path("tokens"), 0o644)
    done = agent.post("/-/reload", None, "admin")
    assert done.status == 422 and "chmod o=" in done.json()["message"], done
    assert agent.get("/health", "operator").status == 200  # as before
    os.chmod(agent.path("tokens"), 0o600)
    with open(agent.path("tokens"), "w") as file:
        file.writelines(lines)
    assert agent.post("/-/reload", None, "admin").status == 200


def has_one_panel(agent):
    done = agent.run("agent", "-c", agent.config, "--socket", agent.path("other.sock"))
    assert done.returncode == 75 and f"another agent has this panel: process {agent.process.pid}" in done.stderr, done


def is_killed_and_comes_back(agent):
    agent.post("/v1/circuits/database/trip", {"reason": "before the end"})
    agent.stop(signal.SIGKILL)
    agent.run("trip", "read-database", "--reason", "meanwhile", check=True)
    agent.start()
    assert wait_for(lambda: [line for line in agent.log_lines() if line["message"].startswith("alert ") and "agent" in line["message"]],
                    "an alert of its end"), agent.log()
    assert agent.get("/v1/circuits/database").json()["state"] == "OPEN"
    def reasons():
        return [row["reason"] for row in agent.get("/v1/audit?limit=100").json()["rows"]]
    wait_for(lambda: {"before the end", "meanwhile"} <= set(reasons()), "the audit of both")
    assert reasons().count("before the end") == 1 and reasons().count("meanwhile") == 1, reasons()
    assert agent.stop() == 0
    agent.start()
    time_out = time.monotonic() + 1
    while time.monotonic() < time_out and "ended without saying so" not in agent.log():
        time.sleep(0.05)
    assert "ended without saying so" not in agent.log(), agent.log()
    assert agent.stop() == 0 and not os.path.exists(agent.path("agent.sock"))


def finishes_what_was_asked(agent):
    """A request that came before SIGTERM is answered; who only stays connected is not waited for."""
    agent.start()
    idle = socket.create_connection(("127.0.0.1", agent.ports[0]), BOUND)
    half = socket.create_connection(("127.0.0.1", agent.ports[0]), BOUND)
    body = b'{"reason": "last wish"}'
    head = (f"POST /v1/circuits/fresh/trip HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f"Authorization: Bearer {agent.tokens['operator']}\r\n\r\n").encode()
    half.sendall(head + body[:5])
    wait_for(lambda: agent.get("/livez").status == 200)
    agent.process.send_signal(signal.SIGTERM)
    wait_for(lambda: '"stopping"' in agent.log(), "stopping")
    assert idle.recv(1) == b""
    try:
        agent.process.wait(0.3)
        assert False, "it did not wait for a request that was under way"
    except subprocess.TimeoutExpired:
        pass
    half.sendall(body[5:])
    answer = half.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 200") and b"Connection: close" in answer, answer
    assert agent.process.wait(BOUND) == 0
    idle.close()
    half.close()


def tells_its_supervisor():
    with Agent() as agent:
        for name in (agent.path("notify"), "@switchgear-test-%d" % os.getpid()):
            supervisor = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            supervisor.bind(name.replace("@", "\0"))
            supervisor.settimeout(BOUND)
            environment = dict(agent.environment, NOTIFY_SOCKET=name, WATCHDOG_USEC="200000")
            agent.start(environment=environment)
            def heard(word):
                while True:
                    message = supervisor.recv(4096).decode()
                    if word in message.splitlines() or any(line.startswith(word) for line in message.splitlines()):
                        return message
            assert "STATUS=" in heard("READY=1")
            heard("WATCHDOG=1")
            agent.process.send_signal(signal.SIGHUP)
            reloading = dict(line.split("=", 1) for line in heard("RELOADING=1").splitlines())
            assert 0 <= time.monotonic() - int(reloading["MONOTONIC_USEC"]) / 1e6 < BOUND, reloading
            heard("READY=1")
            agent.process.send_signal(signal.SIGTERM)
            heard("STOPPING=1")
            assert agent.process.wait(BOUND) == 0
            supervisor.close()


def takes_sockets_from_its_supervisor():
    with Agent() as agent:
        tcp, unix = socket.socket(), socket.socket(socket.AF_UNIX)
        tcp.bind(("127.0.0.1", 0))
        unix.bind(agent.path("given.agent.sock"))
        tcp.listen()
        unix.listen()
        early = socket.create_connection(tcp.getsockname(), BOUND)  # before there is an agent
        early.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
        agent.log_path = agent.path("log")
        child = os.fork()
        if child == 0:
            try:
                log = os.open(agent.log_path, os.O_WRONLY | os.O_CREAT, 0o600)
                fds = [os.dup(tcp.fileno()), os.dup(unix.fileno())]
                high = [os.dup2(fd, 50 + i) for i, fd in enumerate(fds)]
                for i, fd in enumerate(high):
                    os.dup2(fd, 3 + i)
                os.dup2(log, 2)
                os.environ.update(agent.environment, LISTEN_FDS="2", LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES="agent:agent")
                program = os.path.realpath(os.environ.get("SWITCHGEAR") or os.path.join(os.environ.get("BUILD", "build"), "src/switchgear"))
                os.execv(program, [program, "agent", "-c", agent.config])
            finally:
                os._exit(127)
        try:
            assert early.makefile("rb").read().endswith(b'{"status":"alive"}')
            agent.ports = [tcp.getsockname()[1]]
            assert agent.get("/health").status == 200
            os.rename(agent.path("given.agent.sock"), agent.path("agent.sock"))
            assert agent.ask("GET", "/v1/whoami", unix=True).json()["role"] == "admin"
        finally:
            os.kill(child, signal.SIGTERM)
            _, status = os.waitpid(child, 0)
        assert status == 0, (status, open(agent.log_path).read())
        assert os.path.exists(agent.path("agent.sock"))  # not ours to remove


def says_what_is_wrong():
    with Agent() as agent:
        good = agent.run("agent", "-c", agent.config, "--check")
        assert good.returncode == 0 and "is good: 3 circuits" in good.stdout and "3 tokens" in good.stdout, good
        if not os.path.exists("/etc/switchgear/switchgear.yaml"):
            none = agent.run("agent", "--check", "--tokens", agent.path("tokens"))
            assert none.returncode == 0 and "no file, which is good: 0 circuits" in none.stdout and "3 tokens" in none.stdout, none
        agent.write_config(BAD)
        for arguments in (["--check"], []):
            bad = agent.run("agent", "-c", agent.config, *arguments)
            assert bad.returncode == 78 and ":3:" in bad.stderr and ":4:" in bad.stderr, bad
        agent.write_config()
        for arguments, status, words in ((["--make-token", "x", "boss"], 64, "viewer, operator or admin"), (["more"], 64, "no argument"),
                                         (["--make-token", "a:b", "viewer"], 64, "A-Z")):
            done = agent.run("agent", "-c", agent.config, *arguments)
            assert done.returncode == status and words in done.stderr, (arguments, done)
        refused_alike(agent)


def refused_alike(agent):
    """What would stop it, --check tells with the same words and status; and only looks."""
    for name, mode in (("text", 0o600), ("wide", 0o644)):
        with open(agent.path(name), "w") as file:
            file.write("hello\n")
        os.chmod(agent.path(name), mode)
    os.mkdir(agent.path("sub"))
    with contextlib.closing(sqlite3.connect(agent.path("other.db"))) as other:
        other.execute("CREATE TABLE t(x)")
    for arguments, status, words in ((["--listen", "nowhere"], 78, "not an address"), (["--listen", "192.0.2.1:0"], 78, "cannot listen"),
                                     (["--tokens", "/nosuch"], 78, "/nosuch"), (["--tokens", agent.path("wide")], 78, "chmod o="),
                                     (["--tokens", agent.path("text")], 78, "line 1"), (["--tokens", agent.path("sub")], 78, "regular file"),
                                     (["--socket", "relative"], 78, "begins with /"), (["--socket", agent.config], 78, "no socket"),
                                     (["--socket", "/nosuch/agent.sock"], 78, "No such file"),
                                     (["--database", "/nosuch/db"], 78, "No such file"), (["--database", agent.path("sub")], 78, "Is a directory"),
                                     (["--database", agent.path("text/db")], 78, "Not a directory"),
                                     (["--database", agent.path("text")], 65, "no SQLite database"),
                                     (["--database", agent.path("other.db")], 65, "other.db"), (["-c", "/nosuch"], 78, "/nosuch")):
        for check in (["--check"], []):
            before = sorted(os.listdir(agent.folder))
            done = agent.run("agent", "-c", agent.config, *check, *arguments)
            assert done.returncode == status and words in done.stderr, (check, arguments, done)
            assert not check or sorted(os.listdir(agent.folder)) == before, (arguments, os.listdir(agent.folder))
    agent.write_config(more="receivers: { hook: { kind: webhook, url: 'http://127.0.0.1:9', token_file: /nosuch } }\n")
    for check in (["--check"], []):
        done = agent.run("agent", "-c", agent.config, *check)
        assert done.returncode == 78 and "receivers.hook.token_file: /nosuch" in done.stderr, (check, done)


def main():
    need_agent()
    with Agent().start() as agent:
        has_one_panel(agent)
        reloads(agent)
        is_answered_when_the_audit_has_it(agent)
        tokens_are_read_again(agent)
        is_killed_and_comes_back(agent)
        finishes_what_was_asked(agent)
    tells_its_supervisor()
    takes_sockets_from_its_supervisor()
    says_what_is_wrong()


main()
