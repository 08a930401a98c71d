#!/usr/bin/python3
"""Events as they happen: what a stream says, how it goes on after a break, and what becomes of those who do not listen."""
import json
import socket
import time

from agent_lib import BOUND, Agent, need_agent, wait_for


class Stream:
    def __init__(self, agent, query="", last=None, role="viewer"):
        self.socket = socket.create_connection(("127.0.0.1", agent.ports[0]), BOUND)
        head = f"GET /v1/events{query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {agent.tokens[role]}\r\n"
        head += f"Last-Event-ID: {last}\r\n" if last else ""
        self.socket.sendall((head + "\r\n").encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        while self.file.readline().strip():
            pass
        self.rest = b""

    def chunk(self):
        size = int(self.file.readline(), 16)
        bytes_ = self.file.read(size)
        self.file.readline()
        return bytes_ if size else None

    def block(self):
        """One event as a dictionary; None at the end."""
        while b"\n\n" not in self.rest:
            more = self.chunk()
            if more is None:
                return None
            self.rest += more
        text, self.rest = self.rest.split(b"\n\n", 1)
        return dict(line.split(": ", 1) for line in text.decode().splitlines() if not line.startswith(":"))

    def event(self, kind=None):
        while True:
            block = self.block()
            if block is None or ("event" in block and (kind is None or block["event"] == kind)):
                return block

    def close(self):
        self.file.close()
        self.socket.close()


def says_what_happens(agent):
    stream = Stream(agent)
    assert stream.status == 200 and stream.block() == {"retry": "2000"}
    begun = time.monotonic()
    agent.post("/v1/circuits/database/trip", {"reason": "seen"})
    event = stream.event("trip")
    print(f"event to stream: {(time.monotonic() - begun) * 1000:.0f} ms")
    data = json.loads(event["data"])
    assert (data["circuit"], data["user"], data["text"], data["to"]) == ("database", "alice", "seen", "OPEN"), data
    stream.close()
    return event["id"]


def goes_on_after_a_break(agent, last):
    """What happened while nobody listened is told, once and in order."""
    for circuit in ("read-database", "auth-database"):
        agent.post(f"/v1/circuits/{circuit}/trip", {"reason": "unseen"})
    stream = Stream(agent, last=last)
    told = [json.loads(stream.event("trip")["data"])["circuit"] for _ in range(2)]
    assert told == ["read-database", "auth-database"], told
    stream.close()
    # The same by a new agent: the panel keeps the events.
    assert agent.stop() == 0
    agent.start()
    stream = Stream(agent, last=last)
    assert json.loads(stream.event("trip")["data"])["circuit"] == "read-database"
    stream.close()


def tells_a_gap(agent, last):
    """An id of another panel, and one that the ring has left behind, are told for what they are."""
    stream = Stream(agent, last=last.split("-")[0] + "-1")
    assert stream.event()["event"] == "gap"
    stream.close()
    stream = Stream(agent, "?circuit=nobody", last="1")
    assert stream.status == 400
    stream.close()


def filters(agent):
    stream = Stream(agent, "?circuit=read-*")
    stream.block()
    agent.post("/v1/circuits/database/reset", {"reason": "other"})
    agent.post("/v1/circuits/read-database/reset", {"reason": "mine"})
    assert json.loads(stream.event()["data"])["text"] == "mine"
    stream.close()
    stream = Stream(agent, "?circuit=write")  # an alias
    stream.block()
    agent.post("/v1/circuits/read-database/reset", {"reason": "other"})
    agent.post("/v1/circuits/database/reset", {"reason": "its own"})
    assert json.loads(stream.event()["data"])["text"] == "its own"
    stream.close()


def ticks(agent):
    stream = Stream(agent, "?ticks=1")
    times = []
    for _ in range(2):
        tick = stream.event("tick")
        assert "id" not in tick
        data = json.loads(tick["data"])
        times.append(data["now_unix_ms"])
        assert [circuit["name"] for circuit in data["circuits"]] == ["auth-database", "database", "read-database"], data
        assert set(data["circuits"][0]) == {"name", "state", "mode", "tripped", "calls_per_s", "failure_rate_1m",
                                            "rejected_per_s", "in_flight", "p50_s", "p99_s"}, data
    assert times[0] < times[1]
    stream.close()


def open_streams(agent):
    text = agent.get("/metrics").body.decode()
    return [int(float(line.split()[1])) for line in text.splitlines() if line.startswith("switchgear_agent_http_streams ")][0]


def all_are_gone(agent):
    """Who left is noticed within a second or two, with nothing to say to him."""
    wait_for(lambda: open_streams(agent) == 0, "no streams")


def streams_are_counted(agent):
    all_are_gone(agent)
    streams = [Stream(agent) for _ in range(64)]
    assert {stream.status for stream in streams} == {200}
    refused = Stream(agent)
    assert refused.status == 503
    wait_for(lambda: open_streams(agent) == 64, "64 streams")
    for stream in streams + [refused]:
        stream.close()
    all_are_gone(agent)


def who_does_not_listen_is_dropped(agent):
    """Ticks of many circuits fill the socket's buffers; then the stream ends, and the agent says so."""
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.connect(("127.0.0.1", agent.ports[0]))
    deaf.sendall(f"GET /v1/events?ticks=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {agent.tokens['viewer']}\r\n\r\n".encode())
    wait_for(lambda: "its client takes nothing" in agent.log(), "a stream to be dropped")
    deaf.close()


def ends_with_the_agent(agent):
    stream = Stream(agent)
    assert agent.stop() == 0
    while stream.block() is not None:
        pass
    stream.close()


def main():
    need_agent()
    with Agent().start() as agent:
        last = says_what_happens(agent)
        goes_on_after_a_break(agent, last)
        tells_a_gap(agent, last)
        filters(agent)
        ticks(agent)
        streams_are_counted(agent)
        ends_with_the_agent(agent)
    many = "circuits:\n" + "".join(f"  circuit-with-a-rather-long-name-so-that-a-tick-has-many-bytes-{i}: {{}}\n" for i in range(900))
    with Agent(many, "request_timeout: 1s", database="off").start() as agent:
        who_does_not_listen_is_dropped(agent)


main()
