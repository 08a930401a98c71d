#!/usr/bin/python3
"""The description of the interface: every route is in it and nothing else, and it is one (linted where redocly is at hand)."""
import json
import os
import re
import shutil
import subprocess

from agent_lib import BOUND, PROGRAM, Agent, need_agent

ROUTES = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../src/tables/routes.h")


def table():
    with open(ROUTES) as file:
        text = file.read()
    return set(re.findall(r'SWGI_ROUTE\((GET|POST),\s*"([^"]+)"', text))


def check_actions(document):
    """What a row can tell of: the description, the command's help and the pages name all of it and nothing else."""
    with open(os.path.join(os.path.dirname(ROUTES), "actions.h")) as file:
        actions = re.findall(r"^SWGI_AUDIT_ACTION\((\w+),", file.read(), re.M)
    assert len(actions) == 10, actions
    parameters = {parameter["name"]: parameter for parameter in document["paths"]["/v1/audit"]["get"]["parameters"]}
    assert parameters["action"]["schema"]["enum"] == actions, parameters
    shown = " ".join(subprocess.run([PROGRAM, "help", "audit"], text=True, capture_output=True, timeout=BOUND).stdout.split())
    assert "Only rows of one of " + " ".join(actions) in shown, shown
    for page in ("docs/storage.md", "docs/man/switchgear.1.scd"):
        with open(os.path.join(os.path.dirname(ROUTES), "../..", page)) as file:
            text = file.read()
        assert not [action for action in actions if action not in text], page


def resolve(document, reference):
    for part in reference.removeprefix("#/").split("/"):
        document = document[part]
    return document


def check_schema(document, schema):
    if "$ref" in schema:
        schema = resolve(document, schema["$ref"])
    assert schema["type"], schema
    for required in schema.get("required", []):
        assert required in schema["properties"], schema


def check_operation(document, path, operation):
    assert operation["operationId"] and operation["summary"], operation
    named = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "path"}
    assert named == set(re.findall(r"{(\w+)}", path)), operation
    for parameter in operation.get("parameters", []):
        assert parameter["schema"]["type"] and parameter["description"], parameter
        assert parameter["required"] or parameter["in"] != "path", parameter
    assert "200" in operation["responses"], operation
    for status, response in operation["responses"].items():
        assert response["description"], response
        for kind, content in response["content"].items():
            assert (kind == "application/problem+json") == (status != "200"), (status, response)
            check_schema(document, content["schema"])
    for content in operation.get("requestBody", {}).get("content", {}).values():
        check_schema(document, content["schema"])


def lint(path):
    """0: well, 1: not, None: nobody here to say. Nothing is fetched for it."""
    redocly = shutil.which("redocly") or os.environ.get("REDOCLY")
    if not redocly:
        return None
    done = subprocess.run([redocly, "lint", path], text=True, capture_output=True, timeout=BOUND,
                          env=dict(os.environ, REDOCLY_TELEMETRY="off"))
    assert done.returncode == 0, done.stdout + done.stderr
    return 0


def main():
    need_agent()
    with Agent().start() as agent:
        answer = agent.get("/openapi.json", None)
        document = answer.json()
        assert document["openapi"].startswith("3.1") and document["info"]["version"], document["info"]
        assert agent.get("/openapi.json", None).body == answer.body
        described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
        assert described == table() and len(described) > 20, described ^ table()
        ids = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
        assert len(ids) == len(set(ids)), ids
        check_actions(document)
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                check_operation(document, path, operation)
                # What it says of roles is so.
                role = operation["x-role"]
                asked = agent.ask(method.upper(), path.replace("{name}", "database"), None, None if method == "get" else {})
                assert (asked.status == 401) == (role != "none"), (path, role, asked)
        with open(agent.path("openapi.json"), "w") as file:
            json.dump(document, file)
        if lint(agent.path("openapi.json")) is None:
            print("not linted: redocly is not installed")


main()
