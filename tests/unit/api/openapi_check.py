#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds docs/openapi.yaml against the program: every route is described with its class, and every description has a route; every
answer of a server over fake guests has a described status and media type, and its body fits its schema with all
properties required or listed. Usage: openapi_check.py FAKE_SERVER OPENAPI_YAML"""
import http.client
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile

import yaml_subset

MAIN_METHODS = ("get", "put", "post", "delete", "patch")
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
problems = []


def complain(text):
    problems.append(text)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(self.path)


class Description:
    def __init__(self, path):
        self.root = yaml_subset.load(pathlib.Path(path).read_text(encoding="utf-8"))

    def resolve(self, node):
        while isinstance(node, dict) and "$ref" in node:
            target = self.root
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    def operations(self):
        for path, item in self.root["paths"].items():
            for method in item:
                yield method, path, item[method]

    def check_references(self, node, where="openapi.yaml"):
        if isinstance(node, dict):
            if "$ref" in node:
                try:
                    self.resolve(node)
                except KeyError:
                    complain(f"{where}: {node['$ref']} leads nowhere")
            for key, value in node.items():
                self.check_references(value, f"{where}/{key}")
        elif isinstance(node, list):
            for value in node:
                self.check_references(value, where)

    def fits(self, value, schema, where, quiet=False):
        """Complains about what doesn't fit; returns whether it fits."""
        schema = self.resolve(schema)
        errors = list(self.misfits(value, schema, where))
        if not quiet:
            problems.extend(errors)
        return not errors

    def misfits(self, value, schema, where):
        if "oneOf" in schema:
            if sum(self.fits(value, one, where, quiet=True) for one in schema["oneOf"]) != 1:
                yield f"{where}: fits none (or several) of oneOf: {value!r}"
            return
        types = schema.get("type", [])
        types = types if isinstance(types, list) else [types]
        if types and not any(is_type(value, name) for name in types):
            yield f"{where}: {value!r} is no {' or '.join(types)}"
            return
        if "enum" in schema and value not in schema["enum"]:
            yield f"{where}: {value!r} is none of {schema['enum']}"
        if isinstance(value, (int, float)) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            yield f"{where}: {value!r} is out of range"
        if isinstance(value, str):
            if schema.get("format") == "date-time" and not DATE_TIME.match(value):
                yield f"{where}: {value!r} is no time"
            if "pattern" in schema and not re.search(schema["pattern"], value):
                yield f"{where}: {value!r} does not match {schema['pattern']}"
        if isinstance(value, list):
            for index, one in enumerate(value):
                yield from self.misfits(one, self.resolve(schema["items"]), f"{where}[{index}]")
        if isinstance(value, dict) and "properties" in schema:
            yield from self.object_misfits(value, schema, where)

    def object_misfits(self, value, schema, where):
        properties = schema["properties"]
        for name in schema.get("required", []):
            if name not in properties:
                yield f"{where}: required {name} is no property of its schema"
            if name not in value:
                yield f"{where}: {name} is missing"
        for name, one in value.items():
            if name in properties:
                yield from self.misfits(one, self.resolve(properties[name]), f"{where}.{name}")
            else:
                yield f"{where}: {name} is not described"


def is_type(value, name):
    if name in ("integer", "number"):
        return isinstance(value, (int, float) if name == "number" else int) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def check_routes(program, description):
    lines = subprocess.run([program, "--routes"], check=True, capture_output=True, text=True).stdout.splitlines()
    served = set(lines)
    described = {f"{method.upper()} {path} {operation.get('x-class')}" for method, path, operation in description.operations()}
    for line in sorted(served - described):
        complain(f"not in openapi.yaml: {line}")
    for line in sorted(described - served):
        complain(f"not in the router: {line}")
    for method, path, operation in description.operations():
        if method not in MAIN_METHODS:
            complain(f"{path}: {method} is no method")
        names = {description.resolve(p)["name"] for p in operation.get("parameters", [])
                 if description.resolve(p)["in"] == "path"}
        if names != set(re.findall(r"\{(\w+)\}", path)):
            complain(f"{method} {path}: path parameters differ from {sorted(names)}")


KEY = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="

# method, path as described, values of its parameters, query, body, expected status[, headers]
CASES = [
    ("GET", "/health", {}, "", None, 200),
    ("GET", "/vms", {}, "", None, 200),
    ("POST", "/vms", {}, "", {"name": "new", "link": "vsock:9"}, 201),
    ("POST", "/vms", {}, "", "{", 400),
    ("POST", "/vms", {}, "", {"name": "new", "link": "vsock:9"}, 409),
    ("POST", "/vms", {}, "", " " * (1024 * 1024 + 1), 413),
    ("POST", "/vms", {}, "", {"name": "new"}, 422),
    ("GET", "/vms/{vm}", {"vm": "web"}, "", None, 200),
    ("GET", "/vms/{vm}", {"vm": "new"}, "", None, 200),
    ("GET", "/vms/{vm}", {"vm": "none"}, "", None, 404),
    ("DELETE", "/vms/{vm}", {"vm": "new"}, "", None, 204),
    ("DELETE", "/vms/{vm}", {"vm": "off"}, "", None, 403),
    ("DELETE", "/vms/{vm}", {"vm": "none"}, "", None, 404),
    ("GET", "/vms/{vm}/health", {"vm": "web"}, "", None, 200),
    ("GET", "/vms/{vm}/health", {"vm": "none"}, "", None, 404),
    ("GET", "/vms/{vm}/health", {"vm": "off"}, "", None, 503),
    ("GET", "/vms/{vm}/ports", {"vm": "web"}, "", None, 200),
    ("GET", "/vms/{vm}/ports", {"vm": "none"}, "", None, 404),
    ("PUT", "/vms/{vm}/ports/{port}", {"vm": "web", "port": "3000"}, "", {"policy": "block"}, 200),
    ("PUT", "/vms/{vm}/ports/{port}", {"vm": "web", "port": "1"}, "", {"policy": "ask", "protocol": "tcp"}, 200),
    ("PUT", "/vms/{vm}/ports/{port}", {"vm": "web", "port": "3000"}, "", "x", 400),
    ("PUT", "/vms/{vm}/ports/{port}", {"vm": "none", "port": "3000"}, "", {"policy": "block"}, 404),
    ("PUT", "/vms/{vm}/ports/{port}", {"vm": "web", "port": "70000"}, "", {"policy": "block"}, 422),
    ("GET", "/vms/{vm}/forwards", {"vm": "web"}, "", None, 200),
    ("GET", "/vms/{vm}/forwards", {"vm": "none"}, "", None, 404),
    ("POST", "/vms/{vm}/forwards", {"vm": "web"}, "", {"guestPort": 80, "hostPort": 8080, "protocol": "udp"}, 201),
    ("POST", "/vms/{vm}/forwards", {"vm": "web"}, "", {"guestPort": 80}, 409),
    ("POST", "/vms/{vm}/forwards", {"vm": "web"}, "", {"guestPort": 0}, 422),
    ("POST", "/vms/{vm}/forwards", {"vm": "web"}, "", "]", 400),
    ("POST", "/vms/{vm}/forwards", {"vm": "none"}, "", {"guestPort": 80}, 404),
    ("GET", "/vms/{vm}/forwards/{id}", {"vm": "web", "id": "static-80"}, "", None, 200),
    ("GET", "/vms/{vm}/forwards/{id}", {"vm": "web", "id": "static-81"}, "", None, 404),
    ("DELETE", "/vms/{vm}/forwards/{id}", {"vm": "web", "id": "static-80"}, "", None, 204),
    ("DELETE", "/vms/{vm}/forwards/{id}", {"vm": "web", "id": "static-80"}, "", None, 404),
    ("PUT", "/vms/{vm}/policy", {"vm": "web"}, "", {"selector": "process:vite", "action": "forward"}, 200),
    ("PUT", "/vms/{vm}/policy", {"vm": "web"}, "", "", 400),
    ("PUT", "/vms/{vm}/policy", {"vm": "none"}, "", {"selector": "80", "action": "ask"}, 404),
    ("PUT", "/vms/{vm}/policy", {"vm": "web"}, "", {"selector": "80", "action": "x"}, 422),
    ("GET", "/vms/{vm}/policy", {"vm": "web"}, "", None, 200),
    ("GET", "/vms/{vm}/policy", {"vm": "none"}, "", None, 404),
    ("DELETE", "/vms/{vm}/policy", {"vm": "web"}, "?selector=process%3Avite", None, 204),
    ("DELETE", "/vms/{vm}/policy", {"vm": "web"}, "?selector=80", None, 404),
    ("DELETE", "/vms/{vm}/policy", {"vm": "web"}, "?selector=x", None, 422),
    ("DELETE", "/vms/{vm}/policy", {"vm": "web"}, "", None, 400),
    ("GET", "/identity", {}, "", None, 200),
    ("POST", "/vms", {}, "", {"name": "far", "link": "tcp:10.0.0.2", "key": KEY, "encryption": "always"}, 201),
    ("POST", "/vms", {}, "", {"name": "bad", "link": "tcp:10.0.0.2", "encryption": "never"}, 422),
    ("GET", "/vms/{vm}/pair", {"vm": "web"}, "", None, 200),
    ("GET", "/vms/{vm}/pair", {"vm": "none"}, "", None, 404),
    ("POST", "/vms/{vm}/pair", {"vm": "off"}, "", {}, 202),
    ("GET", "/vms/{vm}/pair", {"vm": "off"}, "", None, 200),
    ("POST", "/vms/{vm}/pair", {"vm": "off"}, "", {"code": "000000", "same": True}, 409),
    ("POST", "/vms/{vm}/pair", {"vm": "off"}, "", {"code": "042917", "same": True}, 200),
    ("POST", "/vms/{vm}/pair", {"vm": "web"}, "", {"accept": KEY}, 200),
    ("POST", "/vms/{vm}/pair", {"vm": "web"}, "", {"accept": "short"}, 422),
    ("POST", "/vms/{vm}/pair", {"vm": "web"}, "", "{", 400),
    ("POST", "/vms/{vm}/pair", {"vm": "none"}, "", {}, 404),
    ("DELETE", "/vms/{vm}/pair", {"vm": "db"}, "", None, 200),
    ("DELETE", "/vms/{vm}/pair", {"vm": "none"}, "", None, 404),
    ("GET", "/audit", {}, "", None, 200),
    ("GET", "/audit", {}, "?limit=3&guest=web", None, 200),
    ("GET", "/audit", {}, "?limit=1001", None, 400),
    ("GET", "/audit/verify", {}, "", None, 200),
    ("GET", "/vms/{vm}/files", {"vm": "web"}, "?path=/a", None, 200),
    ("GET", "/vms/{vm}/files", {"vm": "web"}, "?path=/a", None, 206, {"Range": "bytes=1-2"}),
    ("GET", "/vms/{vm}/files", {"vm": "web"}, "?path=/a", None, 304, {"If-None-Match": "*"}),
    ("GET", "/vms/{vm}/files", {"vm": "web"}, "?path=/a", None, 416, {"Range": "bytes=1000-"}),
    ("GET", "/vms/{vm}/files", {"vm": "web"}, "", None, 400),
    ("GET", "/vms/{vm}/files", {"vm": "none"}, "?path=/a", None, 404),
    ("GET", "/vms/{vm}/files", {"vm": "web"}, "?path=%ff", None, 422),
    ("GET", "/vms/{vm}/files", {"vm": "off"}, "?path=/a", None, 503),
    ("PUT", "/vms/{vm}/files", {"vm": "web"}, "?path=/a&mode=0640", "bytes", 201),
    ("PUT", "/vms/{vm}/files", {"vm": "web"}, "?path=/a&mode=rw", "bytes", 422),
    ("PUT", "/vms/{vm}/files", {"vm": "off"}, "?path=/a", "bytes", 503),
    ("POST", "/vms/{vm}/drop", {"vm": "web"}, "?name=a/b.jpg&batch=x", "bytes", 201),
    ("POST", "/vms/{vm}/drop", {"vm": "web"}, "?name=../b", "bytes", 422),
    ("GET", "/vms/{vm}/fs", {"vm": "web"}, "?path=/a", None, 200),
    ("GET", "/vms/{vm}/fs", {"vm": "none"}, "?path=/a", None, 404),
    ("DELETE", "/vms/{vm}/fs", {"vm": "web"}, "?path=/a&recursive=true", None, 204),
    ("DELETE", "/vms/{vm}/fs", {"vm": "web"}, "?path=/a&recursive=1", None, 422),
    ("POST", "/vms/{vm}/fs/mkdir", {"vm": "web"}, "", {"path": "/a/b", "parents": True, "mode": "0755", "user": "lui"}, 201),
    ("POST", "/vms/{vm}/fs/mkdir", {"vm": "web"}, "", {"path": ""}, 422),
    ("POST", "/vms/{vm}/fs/move", {"vm": "web"}, "", {"from": "/a", "to": "/b", "replace": True}, 200),
    ("POST", "/vms/{vm}/fs/move", {"vm": "web"}, "", {"from": "/a"}, 422),
    ("GET", "/vms/{vm}/fs/watch", {"vm": "off"}, "?path=/a", None, 503),
    ("GET", "/transfers", {}, "?vm=web&state=running", None, 200),
    ("GET", "/transfers", {}, "?state=odd", None, 422),
    ("GET", "/transfers", {}, "?vm=none", None, 404),
    ("POST", "/transfers", {}, "", {"from": {"paths": ["/a"]}, "to": {"vm": "web", "path": "b"}, "links": "keep"}, 201),
    ("POST", "/transfers", {}, "", {"from": {"paths": ["/twice"]}, "to": {"vm": "web"}}, 409),
    ("POST", "/transfers", {}, "", {"from": {"paths": ["/a"]}, "to": {"vm": "none"}}, 404),
    ("POST", "/transfers", {}, "", {"from": {"paths": ["/a"]}, "to": {"path": "/b"}}, 422),
    ("POST", "/transfers", {}, "", "{", 400),
    ("GET", "/transfers/{id}", {"id": "a" * 32}, "", None, 200),
    ("GET", "/transfers/{id}", {"id": "b" * 32}, "", None, 200),
    ("GET", "/transfers/{id}", {"id": "9" * 32}, "", None, 404),
    ("DELETE", "/transfers/{id}", {"id": "c" * 32}, "", None, 204),
    ("DELETE", "/transfers/{id}", {"id": "9" * 32}, "", None, 404),
    ("GET", "/inbox", {}, "", None, 200),
    ("GET", "/inbox", {}, "?vm=none", None, 404),
    ("POST", "/inbox/{id}/accept", {"id": "web-7"}, "", {"to": "/home/me", "conflict": "replace"}, 202),
    ("POST", "/inbox/{id}/accept", {"id": "web-8"}, "", {}, 409),
    ("POST", "/inbox/{id}/accept", {"id": "web-9"}, "", None, 404),
    ("POST", "/inbox/{id}/accept", {"id": "web-7"}, "", {"to": "here"}, 422),
    ("POST", "/inbox/{id}/decline", {"id": "web-7"}, "", None, 204),
    ("POST", "/inbox/{id}/decline", {"id": "web-8"}, "", None, 409),
    ("POST", "/inbox/{id}/decline", {"id": "web-9"}, "", None, 404),
    ("GET", "/events", {}, "?since=x", None, 400),
    ("GET", "/events", {}, "?vm=none", None, 404),
    ("GET", "/metrics", {}, "", None, 200),
]


def check_answer(description, connection, case):
    method, pattern, values, query, body, expected, *more = case
    where = f"{method} {pattern.format(**values)}{query}"
    if isinstance(body, dict):
        body = json.dumps(body)
    connection.request(method, "/api/v1" + pattern.format(**values) + query, body=body, headers=more[0] if more else {})
    response = connection.getresponse()
    data = response.read()
    if response.status != expected:
        complain(f"{where}: {response.status} instead of {expected}: {data[:200]!r}")
    operation = description.root["paths"].get(pattern, {}).get(method.lower(), {"responses": {}})
    described = operation["responses"].get(str(response.status))
    if described is None:
        complain(f"{where}: status {response.status} is not described")
        return
    described = description.resolve(described)
    for header in described.get("headers", {}):
        if response.getheader(header) is None:
            complain(f"{where}: no header {header}")
    content = described.get("content")
    if content is None:
        if data:
            complain(f"{where}: a body where none is described")
        return
    media_type = response.getheader("Content-Type")
    if media_type not in content:
        complain(f"{where}: {media_type} is none of {list(content)}")
    elif media_type == "application/json":
        description.fits(json.loads(data), content[media_type]["schema"], where)


def check_examples(description, node, where="openapi.yaml"):
    if not isinstance(node, dict):
        return
    if "schema" in node and "example" in node:
        description.fits(node["example"], node["schema"], f"{where}: example")
    for key, value in node.items():
        check_examples(description, value, f"{where}/{key}")


def read_event(stream):
    fields = {}
    while True:
        line = stream.readline().decode("utf-8").rstrip("\n")
        if not line:
            if "data" in fields:
                return fields
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value


EVENTS = ["vm.added", "vm.connected", "vm.disconnected", "vm.pairing", "port.opened", "port.changed", "port.closed",
          "forward.opened", "forward.changed", "forward.closed", "transfer.added", "transfer.changed", "transfer.progress",
          "transfer.removed", "inbox.offered", "inbox.accepted", "inbox.gone", "vm.removed"]


def check_events(description, connection, server):
    connection.request("GET", "/api/v1/events")
    response = connection.getresponse()
    server.stdin.write(b"x")
    server.stdin.flush()
    for kind in EVENTS:
        event = read_event(response)
        data = json.loads(event["data"])
        if event["event"] != kind:
            complain(f"event {event['event']} instead of {kind}")
        description.fits(data, {"$ref": "#/components/schemas/EventData"}, f"event {kind}")
        extra = {"vm.disconnected": {"reason", "code"}, "vm.pairing": {"state"}, "port": {"port"}, "forward": {"forward"},
                 "transfer": {"transfer"}, "inbox": {"item"}}
        expected = extra.get(kind, extra.get(kind.split(".")[0], set()))
        if set(data) - {"vm", "time"} != expected:
            complain(f"event {kind} carries {sorted(data)}")
        if kind not in description.root["paths"]["/events"]["get"]["description"]:
            complain(f"event {kind} is not described")
    connection.close()


def main():
    program, path = sys.argv[1:]
    description = Description(path)
    description.check_references(description.root)
    check_examples(description, description.root)
    check_routes(program, description)
    with tempfile.TemporaryDirectory() as folder:
        socket_path = folder + "/api.sock"
        server = subprocess.Popen([program, socket_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if server.stdout.readline() != b"ready\n":
            sys.exit("the fake server did not start")
        for case in CASES:
            connection = UnixConnection(socket_path)
            check_answer(description, connection, case)
            connection.close()
        check_events(description, UnixConnection(socket_path), server)
        server.stdin.close()
        if server.wait(timeout=20) != 0:
            complain(f"the fake server ended with {server.returncode}")
    tried = {(method, pattern) for method, pattern, *_ in CASES} | {("GET", "/events")}
    for method, pattern, _ in description.operations():
        if (method.upper(), pattern) not in tried:
            complain(f"no case here for {method.upper()} {pattern}")
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(CASES)} answers and {len(EVENTS)} events held against {path}: {len(problems)} problems")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
