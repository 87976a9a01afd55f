# SPDX-License-Identifier: MIT
"""Figures 7 to 9: how soon a port of the guest is on the host and off it again, and what watching for it costs."""
import time

from driver.hospes import Pair
from driver.lab import BenchError, rss_kib, wait_until, wakeups

LISTEN_FIRST_PORT, RELEASE_FIRST_PORT, IDLE_FIRST_PORT = 20000, 24000, 25000
RELEASE_TARGET = "≤ 2.2 s (the 2 s grace included)"
TIERS = {0: "T0 (agent as root)", 1: "T1 (agent without privilege)"}


def _with_pair(context, name, tier, work, program=None):
    pair = None
    try:
        pair = Pair(context.lab, name, tier, program)
        return work(pair)
    finally:
        if pair is not None:
            pair.stop()


def listen(context):
    count = context.settings.listens
    for tier, limit_ms in ((0, 10), (1, 80)):
        context.say(f"listen(2) to accepted, {TIERS[tier]}")
        title = f"listen(2) in the guest → accepted through the host's port, {TIERS[tier]}"
        target = f"p50 ≤ {limit_ms} ms"

        def work(pair, tier=tier, limit_ms=limit_ms, title=title, target=target):
            arguments = (context.lab.namespace, LISTEN_FIRST_PORT + tier * 1000, count)
            answer = context.lab.load("listen_probe", *arguments, timeout=60 + 6 * count)
            accepted, connected = answer["accepted"], answer["connected"]
            text = (
                f"p50 {accepted['p50Us'] / 1000:.2f} ms, p99 {accepted['p99Us'] / 1000:.2f}, "
                f"{accepted['minUs'] / 1000:.2f}–{accepted['maxUs'] / 1000:.2f} of {accepted['count']} "
                f"(host's connect p50 {connected['p50Us'] / 1000:.2f}); lost {answer['lost']}"
            )
            reached = accepted["count"] == count and accepted["p50Us"] <= limit_ms * 1000
            context.report.single(title, text, target, reached)

        try:
            _with_pair(context, f"listen-t{tier}", tier, work)
        except BenchError as error:
            context.report.failed(title, target, error)


def release(context):
    count = context.settings.releases
    for tier in TIERS:
        context.say(f"close to released, {TIERS[tier]}")
        title = f"close → host listener released, {TIERS[tier]}"

        def work(pair, tier=tier, title=title):
            arguments = (context.lab.namespace, RELEASE_FIRST_PORT + tier * 500, count)
            answer = context.lab.load("release_probe", *arguments, timeout=120)
            times = answer["released"]
            text = (
                f"p50 {times['p50Us'] / 1e6:.3f} s, {times['minUs'] / 1e6:.3f}–{times['maxUs'] / 1e6:.3f} "
                f"of {times['count']}; lost {answer['lost']}"
            )
            reached = times["count"] == count and times["maxUs"] <= 2.2e6
            context.report.single(title, text, RELEASE_TARGET, reached)

        try:
            _with_pair(context, f"release-t{tier}", tier, work)
        except BenchError as error:
            context.report.failed(title, RELEASE_TARGET, error)


def agent_idle(context):
    seconds, listeners = context.settings.idle_seconds, 50
    context.say(f"idle agent with {listeners} listeners: {seconds} s")
    title = f"agent, idle, {listeners} listeners"
    # A heartbeat every 5 s: its arrival and at most one more wake, and a dump for safety every 30 s.
    allowed = 2 * (seconds // 5 + 1) + seconds // 30 + 1
    target = f"≤ 4096 KiB resident (static build), no wakeup but the heartbeat (≤ {allowed})"
    lab = context.lab
    holder = lab.start([lab.programs["hold_listeners"], IDLE_FIRST_PORT, listeners], "hold_listeners", in_guest=True)
    wanted = set(range(IDLE_FIRST_PORT, IDLE_FIRST_PORT + listeners))

    def work(pair):
        wait_until(lambda: wanted <= set(pair.bridge.host_ports("bench")), "forwards of all listeners")
        time.sleep(2)
        pid = pair.agent.process.pid
        before = wakeups(pid)
        time.sleep(seconds)
        count, resident = wakeups(pid) - before, rss_kib(pid)
        linkage = "static" if context.agent_is_static else "NOT static: pass --agent"
        text = f"resident {resident} KiB ({linkage}); {count} wakeups in {seconds} s"
        context.report.single(title, text, target, context.agent_is_static and resident <= 4096 and count <= allowed)

    try:
        _with_pair(context, "idle", 0, work, context.agent)
    except BenchError as error:
        context.report.failed(title, target, error)
    finally:
        holder.kill()
        holder.wait()
