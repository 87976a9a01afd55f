# SPDX-License-Identifier: MIT
"""Figures 14 and 15: moving files. hospes cp beside scp, rsync and tar through ssh over a Unix socket of the same kind,
and beside cp(1), which moves nothing over any link. Source and target are folders of one file system of the machine;
each command runs to its end, with a fresh target unless the work is a repeat. ssh's connection is there already
(ControlMaster), as Hospes' is."""
import pathlib
import random
import shutil
import subprocess
import threading
import time

from driver import peers
from driver.hospes import Hospes, HospesSealed, Pair
from driver.lab import ECHO_PORT, BenchError, rss_kib, status_field
from driver.report import OURS, Table

GIB = 1 << 30
RESIDENT_MAX_KIB = 64 * 1024
SSH_CIPHER = "aes128-gcm@openssh.com"


# ---- what is moved ----


def make_large(folder, size):
    """One file without a pattern."""
    folder.mkdir(parents=True)
    block = random.Random(1).randbytes(64 << 20)
    with open(folder / "large", "wb") as file:
        for start in range(0, size, len(block)):
            file.write(block[: min(len(block), size - start)])


def make_many(folder, count, size=4096, in_each=100):
    """`count` files in folders of `in_each`."""
    rng = random.Random(2)
    for first in range(0, count, in_each):
        inside = folder / f"folder{first // in_each}"
        inside.mkdir(parents=True)
        for number in range(first, min(first + in_each, count)):
            (inside / f"file{number}").write_bytes(rng.randbytes(size))


def same(source, target):
    """What rsync says that differs; "" is nothing."""
    command = ["rsync", "-rlptn", "--delete", "--itemize-changes", f"{source}/", f"{target}/"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


# ---- who moves it ----


class Mover:
    """One program with its way to the guest."""

    def __init__(self, name, command, connection=None):
        self.name, self.command, self.connection = name, command, connection

    def move(self, source, target, repeat=False):
        """Seconds. The target is the folder that shall hold what is in the source."""
        start = time.monotonic()
        done = subprocess.run(self.command(source, target, repeat), capture_output=True, text=True, check=False,
                              shell=self.name.startswith("tar"))
        spent = time.monotonic() - start
        if done.returncode != 0:
            raise BenchError(f"{self.name}: {done.stderr.strip()[-300:]}")
        return spent


class FilePair:
    """An agent and a bridge with hospes cp."""

    def __init__(self, lab, kind, folder):
        self.lab = lab
        self.pair = Pair(lab, folder, bridge={"encryption": "always"} if kind is HospesSealed else None)
        self.pids = [self.pair.bridge.process.pid, self.pair.agent.process.pid]

    def command(self, source, target, repeat):
        options = ["--update"] if repeat else []
        program = [self.lab.programs["hospes"], "--socket", str(self.pair.bridge.socket), "--no-progress"]
        return program + ["cp", "-r", "--links", "keep", *options, str(source), f"bench:{target.parent}/"]

    def stop(self):
        self.pair.stop()


class SshRoad(peers.Ssh):
    """A master connection that the others use; its configuration is what they are given by -F."""

    def start(self):
        self._configure()
        path = self.lab.folder / "ssh-files.sock"
        with self.config.open("a") as config:
            config.write(f"Ciphers {SSH_CIPHER}\nSubsystem sftp internal-sftp\nMaxSessions 100\n")
        command = ["python3", "-c", self.ACCEPT, path, "/usr/sbin/sshd", "-i", "-e", "-f", self.config]
        self.guest_processes = [self.lab.start(command, "sshd-files", in_guest=True)]
        end = time.monotonic() + 15
        while not path.exists() and time.monotonic() < end:
            time.sleep(0.02)
        connect = self.lab.folder / "ssh-files-connect.py"
        connect.write_text(self.CONNECT)
        self.client = self.lab.folder / "ssh-files.conf"
        self.client.write_text(
            f"Host guest\n  User root\n  IdentityFile {self.user_key}\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {self.known}\n  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n"
            f"  Ciphers {SSH_CIPHER}\n  ProxyCommand python3 {connect} {path}\n  ProxyUseFdpass yes\n"
            f"  ControlPath {self.lab.folder}/ssh-files.ctl\n")
        self.host_processes = [self.lab.start(["ssh", "-F", self.client, "-o", "ControlMaster=yes", "-N", "guest"], "ssh-files")]
        control = self.lab.folder / "ssh-files.ctl"
        end = time.monotonic() + 15
        while not control.exists() and time.monotonic() < end:
            time.sleep(0.02)
        if not control.exists():
            raise BenchError("ssh: " + self.lab.log_tail("ssh-files"))


def movers(road, plain, sealed_pair):
    ssh = f"ssh -F {road.client}"
    return [
        Mover(OURS, plain.command, plain),
        Mover(SEALED, sealed_pair.command, sealed_pair),
        Mover("rsync -a", lambda s, t, repeat: ["rsync", "-a", "-e", ssh, f"{s}/", f"guest:{t}/"]),
        Mover("scp -rp", lambda s, t, repeat: ["scp", "-q", "-r", "-p", "-F", str(road.client), str(s), f"guest:{t.parent}/"]),
        Mover("tar, ssh tar", lambda s, t, repeat: (
            f"tar -C {s.parent} -cf - {s.name} | {ssh} guest tar -C {t.parent} -xf -")),
        Mover("cp -a", lambda s, t, repeat: ["cp", "-a", str(s), f"{t.parent}/"]),
    ]


SEALED = "Hospes, sealed"
SLOW = ("scp -rp",)  # with many files: half a minute and more for each round
NAMES = (OURS, SEALED, "rsync -a", "scp -rp", "tar, ssh tar", "cp -a")


# ---- the works ----


def _clear(target):
    shutil.rmtree(target, ignore_errors=True)


def _resident(pids):
    """Of each process: resident now; its highest mark begins anew."""
    for pid in pids:
        pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")
    return [rss_kib(pid) for pid in pids]


def _work(context, who, source, folder, row, skip=(), once=(), repeat=False, growth=None):
    """Rounds in turn, some movers in the first one only. Every target is checked once."""
    target = folder / source.name
    for number in range(context.settings.file_rounds):
        for mover in who:
            if mover.name in skip or (mover.name in once and number > 0):
                continue
            if not repeat:
                _clear(target)
            context.say(f"{row.title}: {mover.name}, round {number + 1}")
            before = _resident(mover.connection.pids) if mover.connection and growth is not None else None
            row.add(mover.name, mover.move(source, target, repeat))
            if before:
                growth += [status_field(pid, "VmHWM") - idle for pid, idle in zip(mover.connection.pids, before)]
            if number == 0 and same(source, target):
                raise BenchError(f"{mover.name}: the copy differs: {same(source, target)[:200]}")
    _clear(target)


def _row(context, title, table):
    return context.report.speed(title, False, 2, table)


def _one_place(context, place, folder, who, growth):
    """All works on one file system."""
    settings = context.settings
    table = Table(f"Files, seconds, on {place}:", NAMES)
    source = folder / "source"
    target = folder / "target"
    target.mkdir(parents=True)

    make_large(source / "one", settings.file_bytes)
    shutil.copytree(source / "one", target / "warm-up")  # a virtual machine's memory is slow the first time
    shutil.rmtree(target / "warm-up")
    row = _row(context, f"one file of {settings.file_bytes / GIB:g} GiB", table)
    row.target("3 × rsync, scp; 0.7 × cp on tmpfs").at_least(1 / 3, ("rsync -a", "scp -rp"))
    if place == "tmpfs":
        row.at_least(1 / 0.7, ("cp -a",))
    _work(context, who, source / "one", target, row, growth=growth)
    sealed_row = _row(context, "the same, ours sealed", Table(f"Files on a sealed link, seconds, on {place}:", NAMES))
    sealed_row.target("1.5 × rsync, scp").at_least(1 / 1.5, ("rsync -a", "scp -rp"))
    for name, values in row.values.items():
        for value in values:
            if name != OURS:
                sealed_row.add(OURS if name == SEALED else name, value)
    shutil.rmtree(source / "one")

    make_many(source / "many", settings.file_count)
    row = _row(context, f"{settings.file_count:,} files of 4 KiB in folders of 100", table)
    row.target("2 × the better").at_least(1 / 2, ("rsync -a", "tar, ssh tar"))
    _work(context, who, source / "many", target, row, once=SLOW, growth=growth)
    subprocess.run(["cp", "-a", str(source / "many"), str(target)], check=True)
    row = _row(context, "the same once more, nothing changed", table)
    row.target("1 × rsync").at_least(1, ("rsync -a",))
    _work(context, who, source / "many", target, row, ("scp -rp", "tar, ssh tar", "cp -a"), repeat=True, growth=growth)
    shutil.rmtree(source / "many")

    if settings.file_tree:
        tree = source / pathlib.Path(settings.file_tree).name
        subprocess.run(["cp", "-a", settings.file_tree, str(tree)], check=True)
        row = _row(context, f"a source tree ({tree.name})", table)
        row.target("2 × the better").at_least(1 / 2, ("rsync -a", "tar, ssh tar"))
        _work(context, who, tree, target, row, once=SLOW, growth=growth)
    _clear(source)
    _clear(target)


def files(context):
    folders = [("tmpfs", pathlib.Path("/run/bench-files"))]
    if context.settings.file_disk:
        folders.append(("disk", pathlib.Path(context.settings.file_disk) / "hospes-bench"))
    growth = []
    started = []
    try:
        plain = FilePair(context.lab, Hospes, "files-plain")
        started.append(plain)
        sealed_pair = FilePair(context.lab, HospesSealed, "files-sealed")
        started.append(sealed_pair)
        road = SshRoad(context.lab, 40)
        road.start()
        who = movers(road, plain, sealed_pair)
        for place, folder in folders:
            _clear(folder)
            _one_place(context, place, folder, who, growth)
            _clear(folder)
        peers.stop_all([road])
        most = max(growth) / 1024
        context.report.single("resident memory of bridge and agent during all of these, above idle, at most",
                              f"{most:.1f} MiB", "≤ 64 MiB", max(growth) <= RESIDENT_MAX_KIB)
    except (BenchError, OSError, subprocess.CalledProcessError) as error:
        context.report.failed("files", "", error)
    finally:
        for pair in started:
            pair.stop()


def beside(context):
    """The round trip of a forward, with a transfer under way and without."""
    context.lab.start_servers()
    candidates = peers.start_all(context, [Hospes])
    folder = pathlib.Path("/run/bench-files")
    try:
        if not candidates:
            raise BenchError("Hospes did not start")
        hospes = candidates[0]
        make_large(folder / "source", context.settings.file_bytes // 4)
        quiet, busy = [], []
        for _ in range(context.settings.file_rounds):
            quiet.append(context.lab.load("echo_rtt", hospes.port(ECHO_PORT), context.settings.round_trips // 4)["p50Us"])
            stop_copying = threading.Event()
            copier = threading.Thread(target=_copy_until, args=(context, hospes, folder, stop_copying))
            copier.start()
            time.sleep(0.5)
            busy.append(context.lab.load("echo_rtt", hospes.port(ECHO_PORT), context.settings.round_trips // 4)["p50Us"])
            stop_copying.set()
            copier.join()
        ratio = sorted(b / q for b, q in zip(busy, quiet))[len(quiet) // 2]
        text = f"p50 {sorted(busy)[len(busy) // 2]:.0f} µs, {sorted(quiet)[len(quiet) // 2]:.0f} without: ×{ratio:.2f}"
        context.report.single("round trip of a forward while a transfer runs", text, "≤ 2 ×", ratio <= 2)
    except (BenchError, OSError) as error:
        context.report.failed("round trip of a forward while a transfer runs", "≤ 2 ×", error)
    finally:
        peers.stop_all(candidates)
        _clear(folder)


def _copy_until(context, hospes, folder, stop_copying):
    while not stop_copying.is_set():
        _clear(folder / "target")
        (folder / "target").mkdir()
        program = [context.lab.programs["hospes"], "--socket", str(hospes.pair.bridge.socket), "--no-progress"]
        subprocess.run(program + ["cp", "-r", str(folder / "source"), f"bench:{folder}/target/"], check=False,
                       capture_output=True)
