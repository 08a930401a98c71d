#!/usr/bin/python3
"""Clients that mean no good, or do no better: slow, large, many, lying. Each is refused, and the agent goes on."""
import os
import random
import socket
import string
import threading
import time

from agent_lib import BOUND, Agent, need_agent, wait_for


def connect(agent):
    return socket.create_connection(("127.0.0.1", agent.ports[0]), BOUND)


def until_closed(client):
    """What came before the agent hung up."""
    bytes_ = b""
    try:
        while more := client.recv(65536):
            bytes_ += more
    except ConnectionError:
        pass
    client.close()
    return bytes_


def says(agent, bytes_):
    client = connect(agent)
    try:
        client.sendall(bytes_)
        client.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    return until_closed(client)


def all_of(at_once, jobs):
    """Every job, so many at a time: who does not finish a request is waited for, and that takes its time."""
    def work():
        while jobs:
            jobs.pop()()
    crowd = [threading.Thread(target=work) for _ in range(at_once)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()


def is_well(agent):
    begun = time.monotonic()
    assert agent.get("/health").status == 200 and agent.process.poll() is None
    return time.monotonic() - begun


def slow_clients(agent):
    """200 that send a byte now and then, never a request: others are answered meanwhile, and in the end they are cut off."""
    clients = [connect(agent) for _ in range(200)]
    alive = list(clients)
    deadline = time.monotonic() + BOUND
    for client in clients:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n")
    while alive:
        assert time.monotonic() < deadline, f"{len(alive)} slow clients are still there"
        is_well(agent)
        for client in list(alive):
            try:
                client.sendall(b"X")
                client.setblocking(False)
                if client.recv(1) == b"":
                    alive.remove(client)
            except BlockingIOError:
                client.setblocking(True)
            except ConnectionError:
                alive.remove(client)
        time.sleep(0.05)
    for client in clients:
        client.close()
    assert "a client is cut off" in agent.log()


def idle_clients(agent):
    """More than may connect: the others wait their turn, and nobody waits longer than the silent ones may be silent."""
    clients = [connect(agent) for _ in range(300)]
    is_well(agent)
    for client in clients:
        client.close()


def slow_readers(agent):
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", agent.ports[0]))
    request = f"GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {agent.tokens['viewer']}\r\n\r\n".encode()
    try:
        for _ in range(200):
            client.sendall(request)
    except ConnectionError:
        pass
    wait_for(lambda: "it did not finish" in agent.log(), "a reader to be cut off")
    client.close()
    is_well(agent)


def large(agent):
    head = f"POST /v1/circuits/database/trip HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {agent.tokens['operator']}\r\n".encode()
    told = says(agent, head + b"Content-Length: 99999999\r\nContent-Type: application/json\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 413"), told
    chunk = b"4000\r\n" + 0x4000 * b"x" + b"\r\n"
    told = says(agent, head + b"Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n" + 2 * chunk + b"0\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 413"), told
    told = says(agent, head + b"Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n" + 100 * chunk)
    assert b" 200 " not in told, told
    for length in (b"-1", b"1e3", b"0x10", b"18446744073709551617", b"5, 6", b""):
        told = says(agent, head + b"Content-Length: " + length + b"\r\n\r\n{}")
        assert b" 200 " not in told, (length, told)
    told = says(agent, head + b"Content-Type: application/json\r\nContent-Length: 40000\r\n\r\n" + 20000 * b"[")
    assert told.startswith(b"HTTP/1.1 413"), told
    deep = 8000 * b"["
    told = says(agent, head + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(deep) + deep)
    assert told.startswith(b"HTTP/1.1 400"), told
    told = says(agent, b"GET /" + 100000 * b"a" + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 414") or told == b"", told[:200]
    told = says(agent, b"GET /livez HTTP/1.1\r\nHost: x\r\n" + 3000 * b"X-Header: and more of it\r\n" + b"\r\n")
    assert told.startswith(b"HTTP/1.1 431") or told == b"", told[:200]
    is_well(agent)


def tricks(agent):
    """No path leads out of the table, no byte into the log, nothing to a crash."""
    token = agent.tokens["viewer"].encode()
    paths = [b"/../../etc/passwd", b"/..%2f..%2fetc%2fpasswd", b"/%2e%2e/", b"/v1/circuits/..%2f..%2f", b"/v1/circuits/%00", b"/v1/circuits/%",
             b"/v1/circuits/%zz", b"/v1/circuits/%e2%80%ae", b"/v1/circuits/\xff\xfe", b"//", b"/.", b"*", b"http://evil.example/health",
             b"/v1/circuits/a%0d%0aSet-Cookie:x", b"/health;x=1", b"/health%20", b"/HEALTH", b"/v1/circuits/" + 500 * b"%41",
             b"/v1/audit?circuit=" + 500 * b"%25", b"/v1/audit?&&&=&=&limit", b"/v1/events?circuit=%", b"/index.html/../../x"]
    for path in paths:
        told = says(agent, b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " + token + b"\r\n\r\n")
        assert told == b"" or told[9:12] in (b"400", b"404", b"414") or (path.startswith((b"/v1/audit", b"http:")) and told[9:12] == b"200"), (path, told)
        assert b"root:" not in told and b"Set-Cookie" not in told.split(b"\r\n\r\n")[0], (path, told)
    requests = (b"\r\n\r\n", b"\x00\x01\x02", b"GET", b"GET /health\r\n\r\n", b"GET /health HTTP/9.9\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"GET /livez HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
                b"G" * 10000, b"GET /livez HTTP/1.1\r\n folded\r\n\r\n", b"X" * 100 + b" /livez HTTP/1.1\r\nHost: x\r\n\r\n")
    told = []
    all_of(len(requests), [lambda request=request: told.append(says(agent, request)) for request in requests])
    assert len(told) == len(requests) and not [answer for answer in told if b" 500 " in answer], told
    for line in agent.log().splitlines():
        assert line.startswith("{") and line.isprintable(), line
    is_well(agent)


def noise(agent):
    """Requests cut and bent by a seeded hand."""
    dice = random.Random(4)
    whole = (f"POST /v1/circuits/database/mode?x=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {agent.tokens['viewer']}\r\n"
             'Content-Type: application/json\r\nContent-Length: 35\r\n\r\n{"mode": "forced_open", "reason":"x"}').encode()
    def bend():
        bent = bytearray(whole)
        for _ in range(dice.randrange(1, 6)):
            bent[dice.randrange(len(bent))] = dice.randrange(256)
        return bytes(bent[:dice.randrange(len(bent))] if dice.random() < 0.3 else bent)
    all_of(80, [lambda bent=bend(): says(agent, bent) for _ in range(160)])
    assert agent.get("/v1/circuits/database").json()["mode"] == "normal"
    is_well(agent)


def wrong_tokens(agent):
    good = agent.tokens["operator"]
    for token in (good[:-1], good + "x", good.swapcase(), good[:-1] + ("A" if good[-1] != "A" else "B"), "", " ", good + " x", 5000 * "x",
                  "alice", "".join(random.Random(1).choices(string.ascii_letters, k=43))):
        status = agent.ask("POST", "/v1/circuits/database/trip", None, {"reason": "x"}, Authorization="Bearer " + token).status
        assert status == 401, (token, status)
    assert good not in agent.log() and good[:-1] not in agent.log()


def many_at_once(agent):
    wrong = []
    def ask():
        for path in ("/health", "/metrics", "/v1/circuits", "/v1/audit", "/nosuch", "/v1/circuits/database/why") * 5:
            if agent.get(path).status not in (200, 404):
                wrong.append(path)
    all_of(16, [ask] * 16)
    assert not wrong, wrong


def main():
    need_agent()
    with Agent(section="request_timeout: 1s, connections_max: 256").start() as agent:
        for story in (large, tricks, noise, wrong_tokens, many_at_once, slow_clients, idle_clients, slow_readers):
            story(agent)
        files = len(os.listdir(f"/proc/{agent.process.pid}/fd"))
        wait_for(lambda: len(os.listdir(f"/proc/{agent.process.pid}/fd")) < 40, f"descriptors back, {files} now")
        assert agent.stop() == 0


main()
