# SPDX-License-Identifier: MIT
"""Figure 10: a bridge with hundreds of connected guests, each a real agent."""
import time

from driver.hospes import Agent, Bridge
from driver.lab import BenchError, cpu_seconds, rss_kib, stop

START_AT_ONCE = 25
TARGET = "≤ 64 KiB resident a guest, ≤ 1 % of a core"


def many_guests(context):
    count, seconds = context.settings.guests, context.settings.guest_seconds
    title = f"bridge with {count} connected idle guests"
    context.say(f"{title}: {seconds} s")
    context.lab.stop_servers()
    agents, bridges = [], []
    try:
        empty = Bridge(context.lab, "many-none", {})
        bridges.append(empty)
        empty.await_connected(0)
        for first in range(0, count, START_AT_ONCE):
            some = [
                Agent(context.lab, f"many-{number}", program=context.agent)
                for number in range(first, min(first + START_AT_ONCE, count))
            ]
            agents += some
            for agent in some:
                agent.await_ready()
        bridge = Bridge(context.lab, "many-bridge", {agent.name: agent.link for agent in agents})
        bridges.append(bridge)
        try:
            bridge.await_connected(count, seconds=240)
        except BenchError as error:
            raise BenchError(f"{error}: {_missing(bridge)}") from None
        time.sleep(6)  # one heartbeat of each
        _measure(context, title, empty.process.pid, bridge, count, seconds)
    except BenchError as error:
        context.report.failed(title, TARGET, error)
    finally:
        for one in bridges + agents:
            one.process.terminate()
        for one in bridges + agents:
            stop(one.process)


def _missing(bridge):
    """Who is not there, and why: the first few."""
    guests = bridge.get("/vms")["vms"]
    gone = [guest for guest in guests if guest["state"] != "connected"]
    first = "; ".join(f"{guest['name']}: {(guest['error'] or {}).get('message')}" for guest in gone[:3])
    return f"{len(gone)} are missing, {first}"


def _measure(context, title, empty_pid, bridge, count, seconds):
    pid = bridge.process.pid
    before, start = sum(cpu_seconds([pid])), time.monotonic()
    time.sleep(seconds)
    share = 100 * (sum(cpu_seconds([pid])) - before) / (time.monotonic() - start)
    with_none, with_all = rss_kib(empty_pid), rss_kib(pid)
    if bridge.connected() != count:
        raise BenchError(f"only {bridge.connected()} guests are still connected")
    each = (with_all - with_none) / count
    resident = f"{with_none} KiB with none, {with_all} KiB with {count}"
    text = f"{each:.1f} KiB a guest (resident {resident}), {share:.2f} % of a core"
    context.report.single(title, text, TARGET, each <= 64 and share <= 1)
