# SPDX-License-Identifier: MIT
"""Our own candidate: agents in the guest's network, a bridge on the host, asked through the Host API."""
import http.client
import json
import os
import shutil
import socket

from driver.lab import PORTS, BenchError, is_unix_socket_alive, stop, wait_until
from driver.peers import Candidate

NOBODY = 65534


class ApiConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Agent:
    """`tier` 0 runs as root; 1 without any privilege, so that the kernel's tracepoints are closed to it."""

    def __init__(self, lab, name, tier=0, program=None):
        self.lab, self.name = lab, name
        folder = lab.folder / name
        folder.mkdir(mode=0o755)
        (folder / "state").mkdir(mode=0o700)
        self.control, self.events = folder / "control.sock", folder / "events.sock"
        self.link = f"unix:{self.control},{self.events}"
        command = [program or lab.programs["hospes-agent"]]
        if tier == 1:
            # The build folder may be closed to others.
            copy = folder / "hospes-agent"
            shutil.copy(command[0], copy)
            os.chmod(copy, 0o755)
            for path in (folder, folder / "state"):
                os.chown(path, NOBODY, NOBODY)
            command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", copy]
        command += ["--listen", self.link, "--state-dir", folder / "state"]
        command += ["--session-socket", folder / "session.sock", "--log-level", "warn"]
        self.process = lab.start(command, name, in_guest=True)

    def await_ready(self):
        def ready():
            if self.process.poll() is not None:
                raise BenchError(f"{self.name} ended: {self.lab.log_tail(self.name)}")
            return is_unix_socket_alive(self.control) and is_unix_socket_alive(self.events)

        wait_until(ready, f"{self.name}: {self.link}", seconds=30)
        return self


class Bridge:
    def __init__(self, lab, name, links):
        """`links`: guest name → SPEC."""
        self.lab, self.name = lab, name
        folder = lab.folder / name
        folder.mkdir(mode=0o700)
        self.socket = folder / "api.sock"
        config = folder / "config.json"
        config.write_text(json.dumps({"vms": [{"name": vm, "link": link} for vm, link in links.items()]}))
        command = [lab.programs["hospes-bridge"], "--config", config, "--state-dir", folder / "state"]
        command += ["--socket", self.socket, "--panel", "off", "--log-level", "warn"]
        self.process = lab.start(command, name)

    def get(self, path):
        connection = ApiConnection(self.socket)
        try:
            connection.request("GET", "/api/v1" + path)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise BenchError(f"GET {path}: {answer.status} {body.decode(errors='replace')[:200]}")
        return json.loads(body)

    def connected(self):
        """How many guests are; -1 while the API is not there yet."""
        if self.process.poll() is not None:
            raise BenchError(f"{self.name} ended: {self.lab.log_tail(self.name)}")
        try:
            answer = self.get("/vms")
        except OSError:
            return -1
        guests = answer["vms"] if isinstance(answer, dict) else answer
        return sum(guest["state"] == "connected" for guest in guests)

    def await_connected(self, count, seconds=30):
        wait_until(lambda: self.connected() == count, f"{self.name}: {count} connected guests", seconds, 0.1)
        return self

    def host_ports(self, vm):
        """Guest port → host port of the active forwards."""
        return {
            port["port"]: port["forward"]["hostPort"]
            for port in self.get(f"/vms/{vm}/ports")["ports"]
            if port["forward"] and port["forward"]["state"] == "active"
        }


class Pair:
    """An agent and its bridge, connected."""

    def __init__(self, lab, name, tier=0, program=None):
        self.agent = Agent(lab, name + "-agent", tier, program).await_ready()
        self.bridge = Bridge(lab, name + "-bridge", {"bench": self.agent.link}).await_connected(1)

    def stop(self):
        stop(self.bridge.process)
        stop(self.agent.process)


class Hospes(Candidate):
    name = "Hospes"

    def start(self):
        self.pair = Pair(self.lab, "hospes")
        self.host_processes = [self.pair.bridge.process]
        self.guest_processes = [self.pair.agent.process]
        self._ports = {}

        def forwarded():
            self._ports = self.pair.bridge.host_ports("bench")
            return all(port in self._ports for port in PORTS)

        self._await(forwarded, "forwards of the servers' ports", ["hospes-agent", "hospes-bridge"])

    def port(self, guest_port):
        return self._ports[guest_port]
