# SPDX-License-Identifier: MIT
"""The other ways over the same road: TCP client → relay → Unix socket → relay → TCP server.

A candidate has a name, start(), the host's port for each guest port, and the processes whose CPU time is its cost.
"""
import os
import subprocess
import sys

from driver.lab import PORTS, BenchError, is_unix_socket_alive, listening_ports, wait_until
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
        path = self.lab.folder / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f", path], check=True)
        return path

    def _start_daemon(self, path, host_key, user_key):
        config = self.lab.folder / "sshd.conf"
        config.write_text(
            f"HostKey {host_key}\nAuthorizedKeysFile {user_key}.pub\nPidFile none\nStrictModes no\nUsePAM no\n"
            "PermitRootLogin prohibit-password\nPasswordAuthentication no\nAllowTcpForwarding yes\n"
        )
        os.mkdir("/run/sshd", 0o755)
        command = [sys.executable, "-c", self.ACCEPT, path, "/usr/sbin/sshd", "-i", "-e", "-f", config]
        return self.lab.start(command, "sshd", in_guest=True)

    def start(self):
        folder = self.lab.folder
        path, host_key, user_key = folder / "ssh.sock", self._key("ssh-host-key"), self._key("ssh-user-key")
        self.guest_processes = [self._start_daemon(path, host_key, user_key)]
        wait_until(path.exists, "sshd's socket")
        known = folder / "ssh-known-hosts"
        known.write_text("guest " + host_key.with_suffix(".pub").read_text())
        connect = folder / "ssh-connect.py"
        connect.write_text(self.CONNECT)
        settings = {
            "IdentityFile": user_key,
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": known,
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes",
            "ProxyCommand": f"{sys.executable} {connect} {path}",
            "ProxyUseFdpass": "yes",
            "ExitOnForwardFailure": "yes",
        }
        command = ["ssh", "-F", "none", "-N", "-l", "root"]
        for key, value in settings.items():
            command += ["-o", f"{key}={value}"]
        for port in PORTS:
            command += ["-L", f"127.0.0.1:{self.port(port)}:127.0.0.1:{port}"]
        self.host_processes = [self.lab.start(command + ["guest"], "ssh")]
        self._await_host_ports(["ssh", "sshd"])


PEERS = [Direct, Socat, Haproxy, Ssh]
