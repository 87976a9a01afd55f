# SPDX-License-Identifier: MIT
"""The other ways over the same road: TCP client → relay → Unix socket → relay → TCP server.

A candidate has a name, start(), the host's port for each guest port, and the processes whose CPU time is its cost.
"""
import os
import statistics
import subprocess
import sys

from driver.lab import GIGABIT, GUEST_ADDRESS, PORTS, STREAM_PORT, BenchError
from driver.lab import cpu_seconds, is_unix_socket_alive, listening_ports, stop, wait_until
from driver.sandbox import descriptor_limit


class Candidate:
    name = ""
    in_guest = False  # the load's client runs in the guest's network too

    def __init__(self, lab, index):
        self.lab = lab
        self.offset = index * 1000
        self.host_processes = []
        self.guest_processes = []

    def port(self, guest_port):
        return guest_port + self.offset

    def pids(self):
        return [process.pid for process in self.host_processes + self.guest_processes]

    def _await(self, condition, what, logs):
        try:
            wait_until(condition, what)
        except BenchError as error:
            said = "; ".join(self.lab.log_tail(log) for log in logs)
            raise BenchError(f"{error}: {said}") from None

    def _await_host_ports(self, logs):
        wanted = {self.port(port) for port in PORTS}
        self._await(lambda: wanted <= listening_ports(), f"{self.name} on the host", logs)


def start_all(context, kinds):
    """Those that start; what does not is named in the report and left out."""
    started = []
    for index, kind in enumerate(kinds):
        candidate = kind(context.lab, index + 1)
        try:
            candidate.start()
            started.append(candidate)
        except (BenchError, OSError, subprocess.CalledProcessError) as error:
            context.report.note(f"{candidate.name} was left out: {error}")
            context.say(f"{candidate.name} was left out: {error}")
    return started


def stop_all(candidates):
    """So that the figures after them have the machine for themselves."""
    for candidate in candidates:
        for process in candidate.host_processes + candidate.guest_processes:
            process.kill()
            process.wait()


class Direct(Candidate):
    name = "direct TCP"
    in_guest = True

    def start(self):
        """Nothing between client and server."""

    def port(self, guest_port):
        return guest_port


class Socat(Candidate):
    """A process for each connection on either side; buffers of 64 KiB, since the default of 8 KiB is slower."""

    name = "socat ×2"
    options = ["-b", "65536"]

    def start(self):
        for port in PORTS:
            path = self.lab.folder / f"socat-{port}.sock"
            self.guest_processes.append(
                self.lab.start(
                    ["socat", *self.options, f"UNIX-LISTEN:{path},fork,backlog=1024", f"TCP:127.0.0.1:{port},nodelay"],
                    "socat-guest",
                    in_guest=True,
                )
            )
            self._await(lambda path=path: is_unix_socket_alive(path), "socat in the guest", ["socat-guest"])
            listen = f"TCP-LISTEN:{self.port(port)},bind=127.0.0.1,reuseaddr,fork,backlog=1024,nodelay"
            self.host_processes.append(
                self.lab.start(["socat", *self.options, listen, f"UNIX-CONNECT:{path}"], "socat-host")
            )
        self._await_host_ports(["socat-host"])


class Haproxy(Candidate):
    name = "haproxy ×2"
    # haproxy refuses to start when its limits need more descriptors than it may have: two a connection, two a pipe.
    HEAD = """
global
    nbthread 1
    maxpipes 200
    maxconn {connections}
defaults
    mode tcp
    option splice-auto
    option splice-request
    option splice-response
    timeout connect 10s
    timeout client 1h
    timeout server 1h
"""

    def _start_one(self, side, sections):
        path = self.lab.folder / f"haproxy-{side}.cfg"
        connections = min(40000, (descriptor_limit() - 700) // 2)
        path.write_text(self.HEAD.format(connections=connections) + sections)
        name = "haproxy-" + side
        return self.lab.start(["haproxy", "-db", "-f", path], name, in_guest=side == "guest")

    def start(self):
        guest = host = ""
        for port in PORTS:
            path = self.lab.folder / f"haproxy-{port}.sock"
            guest += f"listen p{port}\n    bind unix@{path} backlog 4096\n    server s 127.0.0.1:{port}\n"
            host += f"listen p{port}\n    bind 127.0.0.1:{self.port(port)} backlog 4096\n    server s unix@{path}\n"
        self.guest_processes = [self._start_one("guest", guest)]
        last = self.lab.folder / f"haproxy-{PORTS[-1]}.sock"
        self._await(lambda: is_unix_socket_alive(last), "haproxy in the guest", ["haproxy-guest"])
        self.host_processes = [self._start_one("host", host)]
        self._await_host_ports(["haproxy-host"])


class Ssh(Candidate):
    """`ssh -L` over a Unix socket: sshd gets each connection as its stdin, ssh its socket by ProxyUseFdpass, so that
    no third program stands in between. Keys and configuration are in our folder; /run/sshd is in our own /run."""

    name = "ssh -L"
    files = "ssh"  # what the names of its files begin with
    ACCEPT = """
import socket, subprocess, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
while True:
    with listener.accept()[0] as peer:
        subprocess.Popen(sys.argv[2:], stdin=peer, stdout=peer)
"""
    CONNECT = """
import socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
with socket.socket(fileno=1) as out:
    socket.send_fds(out, [b"\\0"], [peer.fileno()])
"""

    def _key(self, name):
        path = self.lab.folder / f"{self.files}-{name}"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f", path], check=True)
        return path

    def _configure(self):
        """Keys and configuration of both sides."""
        folder = self.lab.folder
        host_key, self.user_key = self._key("host-key"), self._key("user-key")
        self.known = folder / f"{self.files}-known-hosts"
        self.known.write_text("guest " + host_key.with_suffix(".pub").read_text())
        self.config = folder / f"{self.files}d.conf"
        self.config.write_text(
            f"HostKey {host_key}\nAuthorizedKeysFile {self.user_key}.pub\nPidFile none\nStrictModes no\nUsePAM no\n"
            "PermitRootLogin prohibit-password\nPasswordAuthentication no\nAllowTcpForwarding yes\n"
        )
        os.makedirs("/run/sshd", 0o755, exist_ok=True)

    def _start_client(self, road):
        """`road`: the settings that say how it reaches the daemon."""
        settings = {
            "IdentityFile": self.user_key,
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": self.known,
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes",
            "ExitOnForwardFailure": "yes",
            **road,
        }
        command = ["ssh", "-F", "none", "-N", "-l", "root"]
        for key, value in settings.items():
            command += ["-o", f"{key}={value}"]
        for port in PORTS:
            command += ["-L", f"127.0.0.1:{self.port(port)}:127.0.0.1:{port}"]
        self.host_processes = [self.lab.start(command + ["guest"], self.files)]
        self._await_host_ports([self.files, self.files + "d"])

    def start(self):
        self._configure()
        path = self.lab.folder / "ssh.sock"
        command = [sys.executable, "-c", self.ACCEPT, path, "/usr/sbin/sshd", "-i", "-e", "-f", self.config]
        self.guest_processes = [self.lab.start(command, "sshd", in_guest=True)]
        wait_until(path.exists, "sshd's socket")
        connect = self.lab.folder / "ssh-connect.py"
        connect.write_text(self.CONNECT)
        self._start_client({"ProxyCommand": f"{sys.executable} {connect} {path}", "ProxyUseFdpass": "yes"})


class SshOverTcp(Ssh):
    """The same over TCP between the two networks, with whichever cipher is the fastest here: that which takes the
    least CPU time, since other work on the machine hardly changes that. `aes128-ctr` comes with ssh's first choice of
    a MAC, umac-64-etm."""

    files = "ssh-tcp"
    DAEMON_PORT = 2222
    CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes128-ctr")
    PROBE_TURNS, PROBE_MS = 3, 400

    def _use(self, cipher):
        for process in self.host_processes:
            stop(process)
        wanted = {self.port(port) for port in PORTS}
        self._await(lambda: not wanted & listening_ports(), "the end of the last ssh", [self.files])
        road = {"HostName": GUEST_ADDRESS, "Port": self.DAEMON_PORT, "HostKeyAlias": "guest", "Ciphers": cipher}
        self._start_client(road)

    def _probe(self, cipher):
        """CPU seconds a Gbit, both directions together."""
        self._use(cipher)
        before = sum(cpu_seconds(self.pids()))
        answers = [
            self.lab.load("stream_client", self.port(STREAM_PORT), direction, self.PROBE_MS, 1)
            for direction in ("up", "down")
        ]
        gigabits = sum(answer["bytes"] for answer in answers) / GIGABIT
        return (sum(cpu_seconds(self.pids())) - before) / gigabits

    def start(self):
        self.lab.connect_networks()
        self._configure()
        with self.config.open("a") as config:
            config.write(f"Port {self.DAEMON_PORT}\nListenAddress {GUEST_ADDRESS}\nCiphers {','.join(self.CIPHERS)}\n")
        command = ["/usr/sbin/sshd", "-D", "-e", "-f", self.config]
        self.guest_processes = [self.lab.start(command, self.files + "d", in_guest=True)]
        listens = lambda: self.DAEMON_PORT in listening_ports(self.lab.namespace)
        self._await(listens, "sshd's port", [self.files + "d"])
        turns = [{cipher: self._probe(cipher) for cipher in self.CIPHERS} for _ in range(self.PROBE_TURNS)]
        self.probed = {cipher: statistics.median(turn[cipher] for turn in turns) for cipher in self.CIPHERS}
        self.cipher = min(self.probed, key=self.probed.get)
        self._use(self.cipher)


PEERS = [Direct, Socat, Haproxy, Ssh]
