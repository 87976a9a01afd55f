# SPDX-License-Identifier: MIT
"""Figures 5 and 6: what many connections leave in memory and in the descriptor tables."""
import json
import subprocess
import time

from driver.lab import ECHO_PORT, BenchError, descriptor_count, rss_kib, wait_until
from driver.report import OURS
from driver.sandbox import descriptor_limit

KEEP_KIB = 256  # an allocator's last pages; a leak of 3 bytes a connection is more than that over 100,000
FLICKER = 3  # descriptors: a file of /proc being read, a request of the API
RESERVED_DESCRIPTORS = 1000  # of a relay, for all but the connections
IDLE_TARGET = "≤ 8 KiB resident each in bridge and in agent"
SEQUENTIAL_TARGET = f"no descriptor and no memory more than before (up to {KEEP_KIB} KiB are taken for noise)"


def _report_failure(context, candidate, title, target, error):
    if candidate.name == OURS:
        context.report.failed(title, target, error)
    else:
        context.report.note(f"{title}: {error}")


def _sides(candidate):
    return {"host": candidate.host_processes[0].pid, "guest": candidate.guest_processes[0].pid}


def _names(candidate):
    ours = candidate.name == OURS
    return {"host": "bridge" if ours else "host side", "guest": "agent" if ours else "guest side"}


def _candidates(context):
    """Those with one process a side: a process for each connection has no such figure."""
    return [candidate for candidate in context.candidates if candidate.name in (OURS, "haproxy ×2")]


def _settle(pids):
    """Waits until the descriptor counts stand still for half a second, but for the few that work of the moment
    takes. Returns pid → the least count seen in that time, the resting state."""
    state = {"since": 0.0, "least": None}

    def still():
        counts = {pid: descriptor_count(pid) for pid in pids}
        least = state["least"]
        if least is None or any(abs(counts[pid] - least[pid]) > FLICKER for pid in pids):
            state.update(since=time.monotonic(), least=counts)
        else:
            state["least"] = {pid: min(counts[pid], least[pid]) for pid in pids}
        return time.monotonic() - state["since"] > 0.5

    wait_until(still, "a resting number of descriptors", interval=0.02)
    return state["least"]


def _hold_idle(context, candidate, count):
    lab, pids = context.lab, _sides(candidate)
    port = candidate.port(ECHO_PORT)
    lab.load("sequential_connections", port, 500)  # what is allocated once is there
    _settle(pids.values())
    before = {side: rss_kib(pid) for side, pid in pids.items()}
    command = [str(lab.programs["idle_connections"]), str(port), str(count)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    said = holder.stdout.readline()
    if said and json.loads(said)["open"] == count:
        _settle(pids.values())
        held = {side: rss_kib(pid) for side, pid in pids.items()}
    problem = holder.communicate("", timeout=300)[1].strip()
    if holder.returncode != 0:
        raise BenchError(problem or f"idle_connections ended with {holder.returncode}")
    return before, held


def idle(context):
    count = context.settings.idle
    possible = (descriptor_limit() - RESERVED_DESCRIPTORS) // 2
    if possible < count:
        context.report.note(
            f"idle connections: {possible:,} instead of {count:,}, since this machine's hard limit of descriptors is"
            f" {descriptor_limit():,}, a relay needs two for each and root may not raise it here"
        )
        count = possible
    for candidate in _candidates(context):
        context.say(f"{count} idle connections: {candidate.name}")
        title = f"{count:,} idle forwarded connections, {candidate.name}"
        try:
            before, held = _hold_idle(context, candidate, count)
        except BenchError as error:
            _report_failure(context, candidate, title, IDLE_TARGET, error)
            continue
        each = {side: (held[side] - before[side]) / count for side in before}
        names = _names(candidate)
        text = ", ".join(
            f"{names[side]} {each[side]:.2f} KiB each"
            f" (resident {before[side] / 1024:.1f} → {held[side] / 1024:.1f} MiB)"
            for side in each
        )
        if candidate.name == OURS:
            context.report.single(title, text, IDLE_TARGET, max(each.values()) <= 8)
        else:
            context.report.single(title, text, "for comparison", None)


def sequential(context):
    count, warm_up = context.settings.sequential, context.settings.sequential // 10
    for candidate in _candidates(context):
        context.say(f"{count} connections one after another: {candidate.name}")
        title = f"{count:,} connections one after another, {candidate.name}"
        pids, port = _sides(candidate), candidate.port(ECHO_PORT)
        states = []
        try:
            for turn in (warm_up, count):
                context.lab.load("sequential_connections", port, turn, timeout=600)
                resting = _settle(pids.values())
                states.append({side: (resting[pid], rss_kib(pid)) for side, pid in pids.items()})
        except BenchError as error:
            _report_failure(context, candidate, title, SEQUENTIAL_TARGET, error)
            continue
        before, after = states
        text = ", ".join(
            f"{name}: descriptors {before[side][0]} → {after[side][0]},"
            f" resident {before[side][1]} → {after[side][1]} KiB"
            for side, name in _names(candidate).items()
        )
        if candidate.name != OURS:
            context.report.single(title, text, "for comparison", None)
            continue
        reached = all(
            after[side][0] <= before[side][0] and after[side][1] <= before[side][1] + KEEP_KIB for side in before
        )
        context.report.single(title, text, SEQUENTIAL_TARGET, reached)
