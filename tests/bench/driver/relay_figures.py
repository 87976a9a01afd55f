# SPDX-License-Identifier: MIT
"""Figures 1 to 4: speed, all candidates in turn, round after round."""
from driver.lab import ECHO_PORT, GIGABIT, GREET_PORT, STREAM_PORT, BenchError, cpu_seconds
from driver.report import OURS


def each(context, row, measure, candidates=None, rounds=None):
    """A round is one measurement of each candidate, every other round in the opposite order, so that nobody always
    comes first; a candidate that fails is named and left out from then on."""
    failed, title = set(), row.title
    candidates = context.candidates if candidates is None else candidates
    rounds = rounds or context.settings.rounds
    for number in range(rounds):
        context.say(f"{title}: round {number + 1} of {rounds}")
        for candidate in candidates if number % 2 == 0 else candidates[::-1]:
            if candidate.name in failed:
                continue
            try:
                measure(candidate)
            except BenchError as error:
                failed.add(candidate.name)
                row.ours_failed = row.ours_failed or candidate.name == OURS
                context.report.note(f"{title}: {candidate.name} failed: {error}")


def stream(context, candidate, direction, streams, rate, cost=None, seconds=None, label=""):
    """One measurement: Gbit/s into the row `rate`, CPU seconds a Gbit into `cost` and, in parts, into the table of CPU
    time, where the direction stands behind `label`."""
    processes = {"host": candidate.host_processes, "guest": candidate.guest_processes}
    pids = {side: [process.pid for process in some] for side, some in processes.items()}
    before = {side: cpu_seconds(some) for side, some in pids.items()}
    port, milliseconds = candidate.port(STREAM_PORT), int((seconds or context.settings.seconds) * 1000)
    answer = context.lab.load("stream_client", port, direction, milliseconds, streams, in_guest=candidate.in_guest)
    gigabits = answer["bytes"] / GIGABIT
    rate.add(candidate.name, gigabits / answer["seconds"])
    if cost is None or not candidate.pids():
        return
    after = {side: cpu_seconds(some) for side, some in pids.items()}
    parts = [after[side][kind] - before[side][kind] for side in ("host", "guest") for kind in (0, 1)]
    cost.add(candidate.name, sum(parts) / gigabits)
    for title, part in zip(("host user", "host system", "guest user", "guest system"), parts):
        context.report.cpu_part(f"{label}{direction}load", candidate.name, title, part / gigabits)


def one_stream(context):
    for direction, word in (("up", "upload"), ("down", "download")):
        rate = context.report.speed(f"one stream, {word}, Gbit/s", bigger_is_better=True, places=1)
        rate.target("≥ 1.3 × the better of socat and haproxy, ≥ 4 × ssh -L")
        rate.at_least(1.3, ("socat ×2", "haproxy ×2")).at_least(4, ("ssh -L",))
        cost = context.report.speed(f"one stream, {word}, CPU seconds a Gbit", bigger_is_better=False, places=3)
        each(context, rate, lambda candidate: stream(context, candidate, direction, 1, rate, cost))


def round_trip(context):
    row = context.report.speed("round trip p50, µs", bigger_is_better=False, places=1)
    row.target("≤ haproxy's").at_most(1, ("haproxy ×2",))
    count = context.settings.round_trips

    def measure(candidate):
        answer = context.lab.load("echo_rtt", candidate.port(ECHO_PORT), count, in_guest=candidate.in_guest)
        row.add(candidate.name, answer["p50Us"])

    each(context, row, measure)


def first_byte(context):
    row = context.report.speed("connect + first byte p50, µs", bigger_is_better=False, places=1)
    row.target("≤ haproxy's").at_most(1, ("haproxy ×2",))
    count = context.settings.connects

    def measure(candidate):
        port = candidate.port(GREET_PORT)
        answer = context.lab.load("connect_first_byte", port, count, in_guest=candidate.in_guest)
        row.add(candidate.name, answer["p50Us"])

    each(context, row, measure)


def parallel(context):
    for direction, word in (("up", "upload"), ("down", "download")):
        row = context.report.speed(f"64 parallel streams, total, {word}, Gbit/s", bigger_is_better=True, places=1)
        row.target("≥ haproxy's").at_least(1, ("haproxy ×2",))
        each(context, row, lambda candidate: stream(context, candidate, direction, 64, row))
