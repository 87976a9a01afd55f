# SPDX-License-Identifier: MIT
"""Figures 11 to 13: what trust costs. Each has candidates and a table of its own."""
from driver import peers
from driver.hospes import Before, Hospes, HospesOverTcp, HospesSealed, Now
from driver.lab import GREET_PORT, BenchError
from driver.relay_figures import each, stream
from driver.report import OURS, Paired, Table

DIRECTIONS = (("up", "upload"), ("down", "download"))
HANDSHAKES = (
    ("xx", "first handshake (XX), both sides, CPU time"),
    ("ik", "later handshake (IK), both sides, CPU time"),
    ("ikpsk2", "handshake with a provisioned secret (IKpsk2), both sides, CPU time"),
)
SEALED = Table(
    "Sealed payload. Hospes over a `tcp:` link and ssh over TCP, both between the two networks; beside them Hospes over"
    " its Unix link with `\"encryption\": \"always\"`:",
    (OURS, peers.SshOverTcp.name, HospesSealed.name),
)


def handshake(context):
    count = context.settings.handshakes
    context.say(f"{count} handshakes of each pattern")
    answer = context.lab.load("handshake_cost", count)
    for name, title in HANDSHAKES:
        times = answer[name]
        text = (
            f"p50 {times['p50Us'] / 1000:.3f} ms, p99 {times['p99Us'] / 1000:.3f},"
            f" {times['minUs'] / 1000:.3f}–{times['maxUs'] / 1000:.3f} of {times['count']:,}"
        )
        context.report.single(title, text, "p50 ≤ 1 ms", times["p50Us"] <= 1000)


def _note_ciphers(context, candidates):
    for candidate in candidates:
        if isinstance(candidate, Hospes):
            cipher = candidate.cipher()
            if cipher is None:
                raise BenchError(f"{candidate.name} is not sealed")
            context.report.note(f"one sealed stream: {candidate.name} seals with {cipher}")
        else:
            probed = ", ".join(f"{cipher} {1000 * cost:.0f}" for cipher, cost in candidate.probed.items())
            fastest = f"{candidate.name} uses {candidate.cipher}, its fastest here"
            context.report.note(f"one sealed stream: {fastest} (CPU milliseconds a Gbit: {probed})")


def sealed(context):
    context.lab.start_servers()
    candidates = peers.start_all(context, [HospesOverTcp, peers.SshOverTcp, HospesSealed])
    try:
        _note_ciphers(context, candidates)
        for direction, word in DIRECTIONS:
            rate = context.report.speed(f"one sealed stream, {word}, Gbit/s", True, 2, SEALED)
            rate.target("≥ 2 × ssh -L").at_least(2, (peers.SshOverTcp.name,))
            rate.ours_failed = not any(candidate.name == OURS for candidate in candidates)
            cost = context.report.speed(f"one sealed stream, {word}, CPU seconds a Gbit", False, 3, SEALED)

            def measure(candidate, direction=direction, rate=rate, cost=cost):
                stream(context, candidate, direction, 1, rate, cost, label="sealed ")

            each(context, rate, measure, candidates)
    except BenchError as error:
        context.report.failed("one sealed stream", "≥ 2 × ssh -L", error)
    finally:
        peers.stop_all(candidates)


def _further_channel(context, candidates, table):
    row = context.report.speed("connect + first byte p50, µs", False, 1, table, Paired)
    row.target("≤ before + 10 µs").compare(Before.name, tolerance=10)
    count = context.settings.connects

    def measure(candidate):
        row.add(candidate.name, context.lab.load("connect_first_byte", candidate.port(GREET_PORT), count)["p50Us"])

    each(context, row, measure, candidates, context.settings.pairs)


def _plain_stream(context, candidates, table):
    seconds = context.settings.pair_seconds
    for direction, word in DIRECTIONS:
        rate = context.report.speed(f"one plain stream, {word}, Gbit/s", True, 1, table, Paired)
        rate.target("≥ 0.98 × before").compare(Before.name, factor=0.98)
        cost = context.report.speed(f"one plain stream, {word}, CPU seconds a Gbit", False, 3, table, Paired)
        cost.compare(Before.name)

        def measure(candidate, direction=direction, rate=rate, cost=cost):
            stream(context, candidate, direction, 1, rate, cost, seconds, "plain ")

        each(context, rate, measure, candidates, context.settings.pairs)


def before(context):
    if "hospes-agent before" not in context.lab.programs:
        context.report.note("before: not run; --before DIR says where the earlier build is")
        return
    table = Table(
        "Beside an earlier build without any authentication, both over Unix links with plain payload:"
        f" {context.settings.pairs} rounds of {context.settings.pair_seconds:g} s; what counts is the median of the"
        f" column *{Paired.PAIR}*.",
        (OURS, Before.name, Paired.PAIR),
    )
    context.lab.start_servers()
    candidates = peers.start_all(context, [Now, Before])
    try:
        if len(candidates) < 2:
            raise BenchError("one of the two did not start")
        _further_channel(context, candidates, table)
        _plain_stream(context, candidates, table)
    except BenchError as error:
        context.report.failed("beside the earlier build", "≤ +10 µs, ≥ 0.98 ×", error)
    finally:
        peers.stop_all(candidates)
