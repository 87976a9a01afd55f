# SPDX-License-Identifier: MIT
"""Our own candidate: agents in the guest's network, a bridge on the host, asked through the Host API."""
import base64
import http.client
import json
import os
import shutil
import socket

from driver.lab import GUEST_ADDRESS, PORTS, BenchError, is_unix_socket_alive, listening_ports, stop, wait_until
from driver.peers import Candidate

NOBODY = 65534
TCP_PORT = 5002  # of the agent's control connection over a tcp: link


class ApiConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def write_secret(path, secret, owner=0):
    path.touch(mode=0o600)
    path.write_bytes(base64.b64encode(secret))
    os.chown(path, owner, owner)
    return str(path)


class Agent:
    """`tier` 0 runs as root; 1 without any privilege, so that the kernel's tracepoints are closed to it. `link`: SPEC,
    by default two Unix sockets in its own folder. `secret`: provisioned, the bridge's too. `older`: a program from
    before there were keys."""

    def __init__(self, lab, name, tier=0, program=None, link=None, secret=None, older=False):
        self.lab, self.name = lab, name
        folder = lab.folder / name
        folder.mkdir(mode=0o755)
        (folder / "state").mkdir(mode=0o700)
        self.control, self.events = folder / "control.sock", folder / "events.sock"
        self.link = link or f"unix:{self.control},{self.events}"
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
        if not older:
            command += ["--admin-socket", folder / "state" / "admin.sock"]
        if secret is not None:
            config = {"pskFile": write_secret(folder / "psk", secret, NOBODY if tier == 1 else 0)}
            (folder / "agent.json").write_text(json.dumps(config))
            command += ["--config", folder / "agent.json"]
        self.process = lab.start(command, name, in_guest=True)

    def _listens(self):
        if self.link.startswith("tcp:"):
            return TCP_PORT in listening_ports(self.lab.namespace)
        return is_unix_socket_alive(self.control) and is_unix_socket_alive(self.events)

    def await_ready(self):
        def ready():
            if self.process.poll() is not None:
                raise BenchError(f"{self.name} ended: {self.lab.log_tail(self.name)}")
            return self._listens()

        wait_until(ready, f"{self.name}: {self.link}", seconds=30)
        return self


class Bridge:
    def __init__(self, lab, name, links, program=None, secret=None, **options):
        """`links`: guest name → SPEC; `options`: what else the configuration says of each guest."""
        self.lab, self.name = lab, name
        folder = lab.folder / name
        folder.mkdir(mode=0o700)
        self.socket = folder / "api.sock"
        if secret is not None:
            options["pskFile"] = write_secret(folder / "psk", secret)
        config = folder / "config.json"
        config.write_text(json.dumps({"vms": [{"name": vm, "link": link, **options} for vm, link in links.items()]}))
        command = [program or lab.programs["hospes-bridge"], "--config", config, "--state-dir", folder / "state"]
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
    """An agent and its bridge, connected. `agent`, `bridge`: what else each of them takes. Where the bridge does not
    take whoever answers, since that is another user or behind TCP, both get a secret."""

    def __init__(self, lab, name, tier=0, program=None, agent=None, bridge=None):
        agent, bridge = agent or {}, bridge or {}
        if tier == 1 or agent.get("link", "").startswith("tcp:"):
            agent["secret"] = bridge["secret"] = os.urandom(32)
        self.agent = Agent(lab, name + "-agent", tier, program, **agent).await_ready()
        self.bridge = Bridge(lab, name + "-bridge", {"bench": self.agent.link}, **bridge).await_connected(1)

    def stop(self):
        stop(self.bridge.process)
        stop(self.agent.process)


class Hospes(Candidate):
    name = "Hospes"
    folder = "hospes"

    def _make_pair(self):
        return Pair(self.lab, self.folder)

    def start(self):
        self.pair = self._make_pair()
        self.host_processes = [self.pair.bridge.process]
        self.guest_processes = [self.pair.agent.process]
        self._ports = {}

        def forwarded():
            self._ports = self.pair.bridge.host_ports("bench")
            return all(port in self._ports for port in PORTS)

        self._await(forwarded, "forwards of the servers' ports", [self.folder + "-agent", self.folder + "-bridge"])

    def port(self, guest_port):
        return self._ports[guest_port]

    def cipher(self):
        """Of the records; None: payload goes plain."""
        return self.pair.bridge.get("/vms/bench")["cipher"]


class HospesOverTcp(Hospes):
    """A `tcp:` link, trusted by a provisioned secret."""

    folder = "tcp"

    def _make_pair(self):
        self.lab.connect_networks()
        return Pair(self.lab, self.folder, agent={"link": f"tcp:{GUEST_ADDRESS}:{TCP_PORT}"})


class HospesSealed(Hospes):
    """The Unix link, its payload sealed because the configuration says so."""

    name = "Hospes, Unix link sealed"
    folder = "sealed"

    def _make_pair(self):
        return Pair(self.lab, self.folder, bridge={"encryption": "always"})


class Now(Hospes):
    """The same as the first, another time in a run."""

    folder = "now"


class Before(Hospes):
    """An earlier build, from before there were keys."""

    name = "before"
    folder = "before"

    def _make_pair(self):
        programs = self.lab.programs
        bridge = {"program": programs["hospes-bridge before"]}
        return Pair(self.lab, self.folder, 0, programs["hospes-agent before"], {"older": True}, bridge)
