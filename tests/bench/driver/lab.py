# SPDX-License-Identifier: MIT
"""The laboratory: a folder, the guest's network namespace, processes on either side, and what /proc says of them."""
import json
import os
import pathlib
import socket
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")
NAMESPACE = "guest"
# The guest's servers. Below the ephemeral range, whose ports the default policy leaves alone for a while.
STREAM_PORT, ECHO_PORT, GREET_PORT = 18001, 18002, 18003
PORTS = (STREAM_PORT, ECHO_PORT, GREET_PORT)
GIGABIT = 1e9 / 8  # bytes
HOST_ADDRESS, GUEST_ADDRESS = "10.77.0.1", "10.77.0.2"


class BenchError(Exception):
    """A figure or a candidate can't be had; the text says why."""


class Lab:
    def __init__(self, programs):
        self.programs = programs  # name → path
        self.folder = pathlib.Path("/run/bench")
        self.folder.mkdir(mode=0o755)
        subprocess.run(["ip", "netns", "add", NAMESPACE], check=True)
        subprocess.run(["ip", "-n", NAMESPACE, "link", "set", "lo", "up"], check=True)
        self.namespace = "/run/netns/" + NAMESPACE
        self.servers = []
        self.has_cable = False

    def guest(self, command):
        """The command as it runs in the guest's network. nsenter, since `ip netns exec` hides tracefs."""
        return ["nsenter", "--net=" + self.namespace, "--"] + [str(word) for word in command]

    def start(self, command, name, in_guest=False, **more):
        """A process of the topology, its messages in NAME.log."""
        command = [str(word) for word in command]
        if in_guest:
            command = self.guest(command)
        with open(self.folder / (name + ".log"), "ab") as log:
            more.setdefault("stdin", subprocess.DEVNULL)
            more.setdefault("stdout", log)
            return subprocess.Popen(command, stderr=log, **more)

    def log_tail(self, name):
        text = (self.folder / (name + ".log")).read_text(errors="replace").strip()
        return " | ".join(text.splitlines()[-3:]) or "it said nothing"

    def load(self, program, *arguments, in_guest=False, timeout=300):
        """Runs a load program to its end: the JSON that it printed."""
        command = [self.programs[program]] + [str(word) for word in arguments]
        if in_guest:
            command = self.guest(command)
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired:
            raise BenchError(f"{program} did not end within {timeout} s") from None
        if done.returncode != 0:
            raise BenchError(done.stderr.strip() or f"{program} ended with {done.returncode}")
        return json.loads(done.stdout)

    def start_servers(self):
        """Unless they run already."""
        if self.servers:
            return
        self.servers = [
            self.start([self.programs["stream_server"], STREAM_PORT], "stream_server", in_guest=True),
            self.start([self.programs["byte_server"], ECHO_PORT, GREET_PORT], "byte_server", in_guest=True),
        ]
        for port in PORTS:
            wait_until(lambda port=port: port in listening_ports(self.namespace), f"the server on guest port {port}")

    def stop_servers(self):
        """Where 500 agents share the network they would be 1,500 forwards, each of which wakes all 500."""
        for server in self.servers:
            stop(server)
        self.servers = []

    def connect_networks(self):
        """A cable between host and guest, for what goes over TCP there. Once; it stays."""
        if self.has_cable:
            return
        self.has_cable = True
        for words in (
            f"link add cable type veth peer name cable netns {NAMESPACE}",
            f"addr add {HOST_ADDRESS}/30 dev cable",
            "link set cable up",
            f"-n {NAMESPACE} addr add {GUEST_ADDRESS}/30 dev cable",
            f"-n {NAMESPACE} link set cable up",
        ):
            subprocess.run(["ip", *words.split()], check=True)


def wait_until(condition, what, seconds=15, interval=0.02):
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise BenchError(f"{what} did not come within {seconds} s")
        time.sleep(interval)


def stop(process, seconds=5):
    """SIGTERM to this one process, SIGKILL when it does not listen."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def listening_ports(namespace=None):
    """TCP ports of 127.0.0.1 and ::1 or any address that listen, from /proc, without connecting to them."""
    if namespace is None:
        text = open("/proc/net/tcp").read()
    else:
        command = ["nsenter", "--net=" + namespace, "--", "cat", "/proc/net/tcp"]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in text.splitlines()[1:]]
    return {int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A"}


def is_unix_socket_alive(path):
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
        return True
    except OSError:
        return False


def status_field(pid, field):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise BenchError(f"/proc/{pid}/status has no {field}")


def rss_kib(pid):
    return status_field(pid, "VmRSS")


def descriptor_count(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def wakeups(pid):
    return sum(
        int(line.split()[1])
        for task in os.listdir(f"/proc/{pid}/task")
        for line in open(f"/proc/{pid}/task/{task}/status")
        if line.startswith("voluntary_ctxt_switches:")
    )


def _tree(pid):
    yield pid
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            for child in open(f"/proc/{pid}/task/{task}/children").read().split():
                yield from _tree(int(child))
    except FileNotFoundError:
        return


def cpu_seconds(pids):
    """(user, system) of these processes with their children, living and waited for."""
    user = system = 0
    for root in pids:
        for pid in _tree(root):
            try:
                fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            user += int(fields[11]) + int(fields[13])
            system += int(fields[12]) + int(fields[14])
    return user / TICKS, system / TICKS
