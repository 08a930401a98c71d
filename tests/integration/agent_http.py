#!/usr/bin/python3
"""Every route of the admin interface, who may use it, and what is refused how."""
import http.client
import json
import os
import re
import socket
import time
import urllib.parse

from agent_lib import BOUND, DATABASE, Agent, Answer, need_agent, wait_for

GOLDEN = os.path.join(os.path.dirname(os.path.realpath(__file__)), "golden")


def is_problem(answer, status, code):
    assert answer.status == status, (status, code, answer)
    assert answer.headers["Content-Type"] == "application/problem+json", answer.headers
    problem = answer.json()
    assert problem["code"] == code and problem["status"] == status, problem
    assert problem["type"] == "urn:switchgear:problem:" + code.lower().replace("_", "-"), problem
    assert problem["title"] and problem["message"] == problem["detail"], problem
    assert re.fullmatch("[0-9a-f]{32}", problem["trace_id"]), problem
    assert "circuitState" in problem and "metrics" in problem, problem
    return problem


def open_routes(agent):
    for path in ("/livez", "/readyz", "/-/healthy", "/-/ready", "/openapi.json"):
        answer = agent.get(path, None)
        assert answer.status == 200 and answer.json(), answer
    answer = agent.get("/livez", "nobody")  # a wrong token is none
    assert answer.status == 200, answer
    for name, value in (("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer")):
        assert answer.headers[name] == value, answer.headers
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    head = agent.ask("HEAD", "/livez")
    assert head.status == 200 and head.body == b"" and int(head.headers["Content-Length"]) > 0, head


def pages(agent):
    """The dashboard's own files need no token; they say nothing of any circuit."""
    page = agent.get("/", None)
    assert page.status == 200 and page.headers["Content-Type"].startswith("text/html"), page
    assert b"database" not in page.body
    assert agent.get("/", None, If_None_Match=page.headers["ETag"]).status == 304
    for link in set(re.findall(rb'(?:src|href)="([^"#:]+)"', page.body)):
        answer = agent.get("/" + link.decode().lstrip("./"), None)
        assert answer.status == 200 and answer.headers["ETag"] and answer.body, (link, answer.status)
    assert not re.search(rb"(?:src|href)=.?https?:", page.body)


def who_may(agent):
    for path in ("/health", "/metrics", "/v1/circuits", "/v1/audit", "/v1/events", "/v1/whoami", "/v1/circuits/nosuch"):
        answer = agent.get(path, None)
        is_problem(answer, 401, "UNAUTHORIZED")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer "), answer.headers
    wrong = agent.get("/health", "swg_" + 43 * "A")
    is_problem(wrong, 401, "UNAUTHORIZED")
    assert "invalid_token" in wrong.headers["WWW-Authenticate"]
    is_problem(agent.ask("GET", "/health", Authorization="Basic YTpi"), 401, "UNAUTHORIZED")
    padded = f"Bearer  {agent.tokens['viewer']}  "
    assert agent.ask("GET", "/health", Authorization=padded).status == 200
    is_problem(agent.ask("GET", "/health", Authorization=padded + "x"), 401, "UNAUTHORIZED")
    is_problem(agent.post("/v1/circuits/database/trip", {"reason": "x"}, "viewer"), 403, "FORBIDDEN")
    is_problem(agent.post("/-/reload", None, "operator"), 403, "FORBIDDEN")
    who = agent.get("/v1/whoami", "operator").json()
    assert who == {"user": "alice", "role": "operator", "source": "token"}, who
    who = agent.ask("GET", "/v1/whoami", unix=True).json()
    assert who["role"] == "admin" and who["source"] == "peer" and who["user"], who


def circuits(agent):
    listed = agent.get("/v1/circuits").json()
    assert [circuit["name"] for circuit in listed["circuits"]] == ["auth-database", "database", "read-database"], listed
    one = agent.get("/v1/circuits/read-database")
    circuit = one.json()
    assert (circuit["group"], circuit["alias"], circuit["owner"]) == ("database", "read", "data-platform"), circuit
    assert circuit["depends_on"] == [] and circuit["runbook"] == "https://wiki.example/db", circuit
    assert set(circuit["measures"]) == {"calls_per_s", "failures_per_s", "rejected_per_s", "failure_rate_1m", "latency_mean_1m_s",
                                        "transitions_10m", "failure_trend", "anomaly", "near", "last_recovery_s",
                                        "slo_budget_left", "slo_burn_rate"}, circuit
    assert agent.get("/v1/circuits/read-database", If_None_Match=one.headers["ETag"]).status == 304
    assert agent.get("/v1/circuits/read-database", If_None_Match='"other"').status == 200
    tag = agent.get("/v1/circuits").headers["ETag"]
    assert agent.get("/v1/circuits", If_None_Match=f'"x", {tag}').status == 304
    assert agent.get("/v1/circuits/read%2Ddatabase").status == 200
    assert agent.get("/v1/circuits/read").json()["name"] == "read-database"  # its alias
    assert agent.get("/v1/circuits/read/why").status == 200
    is_problem(agent.get("/v1/circuits/nosuch"), 404, "UNKNOWN_CIRCUIT")
    is_problem(agent.get("/v1/circuits/%0anosuch"), 400, "BAD_REQUEST")
    why = agent.get("/v1/circuits/database/why").json()
    assert why["rules"] and why["owner"] is None, why


def acts(agent):
    done = agent.post("/v1/circuits/database/trip", {"reason": "drill", "for": "5m"})
    assert done.status == 200, done
    assert done.json() == {"circuit": "database", "act": "trip", "state_before": "CLOSED", "mode_before": "normal",
                           "state": "OPEN", "mode": "normal"}, done
    problem = is_problem(agent.post("/v1/circuits/read-database/probe", {"reason": "x"}), 409, "NOT_OPEN")
    assert problem["circuitState"] == "CLOSED" and problem["metrics"]["totalRequests"] == 0, problem
    assert agent.get("/health").json()["status"] == "degraded"
    assert agent.post("/v1/circuits/database/probe", {"reason": "x", "force": True}).json()["state"] == "HALF_OPEN"
    assert agent.post("/v1/circuit-breaker/reset/write").json()["success"] is True
    assert agent.post("/v1/circuits/database/mode", {"mode": "forced_open", "reason": "isolate"}).json()["mode"] == "forced_open"
    problem = is_problem(agent.post("/v1/circuits/database/reset"), 409, "MODE_HELD")
    assert "alice" in problem["message"], problem
    problem = is_problem(agent.post("/v1/circuits/database/mode", {"mode": "normal", "reason": "back", "for": "5m"}), 400, "BAD_VALUE")
    assert "for: mode normal has no end" in problem["message"], problem
    assert agent.post("/v1/circuits/write/mode", {"mode": "normal", "reason": "back"}).json()["circuit"] == "database"
    for body, code in (({}, "BAD_VALUE"), ({"reason": ""}, "BAD_VALUE"), ({"reason": 5}, "BAD_VALUE"), ({"raison": "x"}, "BAD_VALUE"),
                       ({"reason": "x", "for": "soon"}, "BAD_VALUE"), ({"reason": 200 * "x"}, "BAD_VALUE"), ([], "BAD_JSON")):
        is_problem(agent.post("/v1/circuits/database/trip", body), 400, code)
    problem = is_problem(agent.post("/v1/circuits/database/trip", '{\n "reason": }', Content_Type="application/json"), 400, "BAD_JSON")
    assert "line 2, column" in problem["message"], problem
    is_problem(agent.post("/v1/circuits/database/trip", '{"reason": "a", "reason": "b"}', Content_Type="application/json"), 400, "BAD_JSON")
    is_problem(agent.post("/v1/circuits/database/trip", "reason=x", Content_Type="application/x-www-form-urlencoded"), 415,
               "UNSUPPORTED_MEDIA_TYPE")


def cooldown(agent):
    agent.post("/v1/circuits/slow/trip", {"reason": "x"})
    answer = agent.post("/v1/circuits/slow/reset", {"reason": "at once"})
    is_problem(answer, 409, "COOLDOWN")
    assert 3500 < int(answer.headers["Retry-After"]) <= 3600, answer.headers
    assert agent.post("/v1/circuits/slow/reset", {"reason": "at once", "force": True}).status == 200


def audit(agent):
    rows = wait_for(lambda: [row for row in agent.get("/v1/audit?limit=1000").json()["rows"] if row["reason"] == "isolate"], "the audit")
    assert (rows[0]["user"], rows[0]["source"], rows[0]["circuit"]) == ("alice", "admin", "database"), rows
    page = agent.get("/v1/audit?limit=2").json()
    assert len(page["rows"]) == 2 and page["next_before"] == page["rows"][1]["id"], page
    following = agent.get(f"/v1/audit?limit=2&before={page['next_before']}").json()
    assert following["rows"][0]["id"] < page["rows"][1]["id"], following
    only = wait_for(lambda: agent.get("/v1/audit?circuit=slow&action=RESET&since=1h").json()["rows"], "a reset in the audit")
    assert {(row["circuit"], row["action"]) for row in only} == {("slow", "RESET")}, only
    for query in ("limit=0", "limit=1001", "limit=x", "since=soon", "before=-1", "circuit=%0a", "limit=1&limit=2",
                  "since=5", "since=", "action=TRIPS", "action=", "circuits=slow", "reason"):
        is_problem(agent.get("/v1/audit?" + query), 400, "BAD_VALUE")
    by_alias, by_name = (agent.get(f"/v1/audit?circuit={name}&action=TRIP").json()["rows"] for name in ("write", "database"))
    assert by_name and by_alias == by_name, by_alias
    assert "TRIP, RECOVER" in agent.get("/v1/audit?action=x").json()["message"]
    assert "how long ago" in agent.get("/v1/audit?since=x").json()["message"]
    same_forms_as_the_command(agent)


def same_forms_as_the_command(agent):
    """Whatever `audit` takes, this takes, and both find the same rows."""
    now, day = time.time(), "%Y-%m-%d"
    local, utc = lambda form, at: time.strftime(form, time.localtime(at)), lambda form, at: time.strftime(form, time.gmtime(at))
    for since in ("1h", "7d", "0s", local(day, now), local(day + " %H:%M", now - 60), local(day + "T%H:%M", now + 3600),
                  utc(day + "T%H:%M:%SZ", now - 60), utc(day + "T%H:%MZ", now + 3600), str(int(now * 1000) - 60000), str(int(now * 1000) + 60000)):
        for action in ("RESET", "reset", "Trip", "recover", "gap"):
            asked = agent.get("/v1/audit?" + urllib.parse.urlencode({"since": since, "action": action, "limit": 1000}))
            told = agent.run("audit", "--database", agent.path("db.sqlite"), "--json", "--since", since, "--action", action, "--limit", "1000", check=True)
            assert asked.status == 200, (since, asked)
            ids = [json.loads(line)["id"] for line in told.stdout.splitlines()]
            assert [row["id"] for row in asked.json()["rows"]] == ids[::-1], (since, action)


def origins(agent):
    path, body = "/v1/circuits/database/reset", {"reason": "page"}
    own = f"http://127.0.0.1:{agent.ports[0]}"
    assert agent.post(path, body, Origin=own).status == 200
    assert agent.post(path, body, Origin="https://ops.example").status == 200
    for origin in ("https://evil.example", "null", "http://127.0.0.1", own + ".evil.example", "http://evil.example/?" + own[7:]):
        is_problem(agent.post(path, body, Origin=origin), 403, "ORIGIN_REFUSED")
    assert agent.get("/health", Origin="https://evil.example").status == 200  # and no header lets the page read it


def raw(agent, *lines):
    with socket.create_connection(("127.0.0.1", agent.ports[0]), BOUND) as client:
        client.sendall("".join(line + "\r\n" for line in (*lines, "Connection: close", "", "")).encode())
        answer = http.client.HTTPResponse(client)
        answer.begin()
        return Answer(answer)


def said_once(agent):
    token = "Authorization: Bearer " + agent.tokens["operator"]
    for twice in (("Host: localhost", "host: evil.example"), ("Host: x", "Origin: http://x", "Origin: http://127.0.0.1"),
                  ("Host: x", token)):
        problem = is_problem(raw(agent, "GET /health HTTP/1.1", *twice, token), 400, "BAD_REQUEST")
        assert problem["message"].endswith("is there twice"), problem
    for target in ("/health", "http://localhost/health"):
        problem = is_problem(raw(agent, f"GET {target} HTTP/1.1", token), 400, "BAD_REQUEST")
        assert "Host is missing" in problem["message"], problem
        assert "services" in raw(agent, f"GET {target} HTTP/1.0", token).json(), target
    assert "services" in raw(agent, "GET /health HTTP/1.1", "Host:", token).json()


def names(agent):
    """Public reads, under names that are the agent's; a page of another name is led here in vain."""
    for host in ("localhost", "127.0.0.1:1", "[::1]", "switchgear.monitoring.svc:9190", socket.gethostname() + ":9190"):
        assert agent.get("/metrics", None, Host=host).status == 200, host
    for host in ("evil.example", "monitoring.svc", "127.0.0.1.evil.example"):
        problem = is_problem(agent.get("/metrics", None, Host=host), 403, "HOST_REFUSED")
        assert f"'{host}': put it into agent.hosts" in problem["message"], problem
        assert agent.get("/metrics", "viewer", Host=host).status == 200
        assert agent.ask("GET", "/metrics", unix=True, Host=host).status == 200
        for path in ("/livez", "/readyz", "/openapi.json", "/"):  # which say nothing of circuits
            assert agent.get(path, None, Host=host).status == 200, path
        path, origin = "/v1/circuits/database/reset", "http://" + host
        is_problem(agent.post(path, {"reason": "x"}, Host=host, Origin=origin), 403, "ORIGIN_REFUSED")
        assert agent.post(path, {"reason": "x"}, Host=host).status == 200
    origin = "http://a.monitoring.svc"
    assert agent.post("/v1/circuits/database/reset", {"reason": "x"}, Host=origin[7:], Origin=origin).status == 200


def not_there(agent):
    for path in ("/nosuch", "/v1", "/v1/", "/v1/circuits/", "/v1/circuits//why", "/health/", "//health", "/../etc/passwd"):
        is_problem(agent.get(path), 404, "NOT_FOUND")
    answer = agent.ask("DELETE", "/v1/circuits/database", "operator")
    is_problem(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["Allow"] == "GET, HEAD", answer.headers
    answer = agent.get("/v1/circuits/database/trip")
    is_problem(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["Allow"] == "POST", answer.headers
    for path in ("/", "/livez", "/metrics", "/openapi.json"):
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND"):
            answer = agent.ask(method, path)
            is_problem(answer, 405, "METHOD_NOT_ALLOWED")
            assert answer.headers["Allow"] == "GET, HEAD", (method, path, answer.headers)
    is_problem(agent.ask("POST", "/nosuch"), 404, "NOT_FOUND")
    token = "Authorization: Bearer " + agent.tokens["viewer"]
    longest = ".".join((63 * "a", 63 * "b", 63 * "c", 61 * "d"))  # as DNS allows
    for target in ("http://localhost/health", "HTTPS://ops.example:1/health", f"http://{longest}:65535/health"):
        assert "services" in raw(agent, f"GET {target} HTTP/1.1", "Host: x", token).json(), target
    assert raw(agent, "GET http://localhost HTTP/1.1", "Host: x").headers["Content-Type"].startswith("text/html")
    for target in ("http:///health", f"http://{300 * 'x'}/health"):
        is_problem(raw(agent, f"GET {target} HTTP/1.1", "Host: x", token), 400, "BAD_REQUEST")
    is_problem(agent.get("/" + 2100 * "x"), 414, "URI_TOO_LONG")
    is_problem(agent.get("/health", X_Much=9000 * "x"), 431, "HEADERS_TOO_LARGE")
    is_problem(agent.post("/v1/circuits/database/reset", '{"reason": "' + 17000 * "x" + '"}', Content_Type="application/json"), 413,
               "TOO_LARGE")


def metrics(agent):
    text = agent.get("/metrics")
    assert text.headers["Content-Type"].startswith("text/plain"), text.headers
    assert b'breaker="database"' in text.body and agent.get("/api/metrics").status == 200
    text = agent.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert text.headers["Content-Type"].startswith("application/openmetrics-text") and text.body.endswith(b"# EOF\n"), text


def normalise(value, key=""):
    """Times are of now; all else is the shape's and the panel's."""
    if isinstance(value, dict):
        return {name: normalise(part, name) for name, part in value.items() if name != "latencyMs"}
    if key in ("uptime", "lastFailureTime", "lastSuccessTime", "openedAt") and value is not None:
        return "TIME"
    return "TIME" if key == "timestamp" else value


def golden(name, answer):
    with open(os.path.join(GOLDEN, name)) as file:
        expected = file.read()
    found = json.dumps(normalise(answer), indent=2) + "\n"
    assert found == expected, f"{name}: expected\n{expected}\nfound\n{found}"


def seed_shapes():
    with Agent().start() as agent:
        for circuit, commands in (("read-database", ["true"] * 4 + ["false", "true"]), ("database", ["false"]), ("auth-database", ["true"])):
            for command in commands:
                agent.run("exec", circuit, "--", command)
        health, figures = agent.get("/health").json(), agent.get("/v1/circuit-breaker/metrics").json()
        assert set(figures["circuits"]["read"]["latencyMs"]) == {"p50", "p90", "p99"}, figures
        uptimes = health["database"]["circuits"]["read"]["uptime"], figures["circuits"]["read"]["uptime"]
        assert isinstance(uptimes[0], int) and abs(uptimes[0] / 1000 - uptimes[1]) < 10, uptimes
        golden("health.json", health)
        golden("circuit-breaker-metrics.json", figures)
        for _ in range(2):
            agent.run("exec", "read-database", "--", "false")
        agent.run("exec", "read-database", "--", "false")
        golden("health-degraded.json", agent.get("/health").json())
        golden("circuit-breaker-metrics-open.json", agent.get("/v1/circuit-breaker/metrics").json())


def access_log(agent):
    lines = [line for line in agent.log_lines() if line.get("context") == "access"]
    tripped = [line for line in lines if line["path"] == "/v1/circuits/database/trip" and line["status"] == 200]
    assert len(tripped) == 1 and tripped[0]["user"] == "alice" and tripped[0]["remote"] == "127.0.0.1", tripped
    log = agent.log()
    assert not [token for token in agent.tokens.values() if token in log]


def main():
    need_agent()
    slow = DATABASE + "  slow: { breaker: { open: { cooldown: 1h } } }\n"
    with Agent(slow, "origins: [ 'https://ops.example' ]").start() as agent:
        for story in (open_routes, pages, who_may, acts, cooldown, audit, origins, said_once, not_there, metrics, access_log):
            story(agent)
    with Agent().start() as agent:
        circuits(agent)
    seed_shapes()
    with Agent(section="public_reads: true, hosts: [ '*.monitoring.svc' ]").start() as agent:
        names(agent)
        assert agent.get("/health", None).status == 200
        is_problem(agent.get("/health", "nobody"), 401, "UNAUTHORIZED")
        is_problem(agent.post("/v1/circuits/database/reset", None, None), 401, "UNAUTHORIZED")


main()
