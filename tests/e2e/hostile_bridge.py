#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Bridges as nobody should write them, against an agent's Unix socket.

usage: hostile_bridge.py beginnings SOCKET          every wrong first message; fails when one is answered wrongly
       hostile_bridge.py cursors SOCKET             event feeds from cursors that never were
       hostile_bridge.py sessions SOCKET            wrong things within a session and its channels
       hostile_bridge.py silent SOCKET COUNT        opens COUNT connections and says nothing, until killed
       hostile_bridge.py claim SOCKET COUNT         claims COUNT sessions, one after another, and is gone
       hostile_bridge.py reconnect SOCKET SECONDS   a whole session a hundred times a second
       hostile_bridge.py deaf SOCKET PORT COUNT     COUNT channels to PORT and requests without end, and never reads
"""

import random
import signal
import socket
import sys
import time

from wire import (CHANNEL_OPENED, CREDIT, DATA, DATAGRAM, ERROR, FIN, HEALTH_REQUEST, HELLO, LOOPBACK, MESSAGE, PING, PONG,
                  PORTS, WELCOME, Peer, Raw, channel_open, frame, hello, message, pack, rst)

BAD = "eof|reset|REFUSE MALFORMED|REFUSE TOO_LARGE|RST MALFORMED|RST TOO_LARGE"
HELLO_BODY = {"version": 1, "versionMin": 1, "role": 1}
HELLO_BYTES = pack([HELLO, 0, HELLO_BODY])


def check(what, got, wanted):
    if got not in wanted.split("|"):
        sys.exit(f"{what}: the agent says '{got}', wanted one of {wanted}")


def open_message(**changes):
    body = {"session": bytes(16), "protocol": 1, "port": 80, "addresses": [LOOPBACK], **changes}
    return message(32, 0, body)


BEGINNINGS = {
    "garbage": (random.Random(2).randbytes(4096), BAD),
    "http": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    "oversized": (frame(MESSAGE, length=0xFFFFFFFF), BAD),
    "unknown type": (frame(99, b"x"), BAD),
    "flags": (frame(MESSAGE, HELLO_BYTES, flags=1), BAD),
    "mux channel": (frame(MESSAGE, HELLO_BYTES, channel=3), BAD),
    "data": (frame(DATA, b"x" * 100), "REFUSE UNEXPECTED"),
    "datagram": (frame(DATAGRAM, b"x"), "REFUSE UNEXPECTED"),
    "fin": (frame(FIN), "eof|reset|REFUSE UNEXPECTED"),
    "rst": (rst(-10007), "eof|reset|REFUSE UNEXPECTED"),
    "credit": (frame(CREDIT, bytes(4)), BAD),
    "ping": (message(PING, 1), "REFUSE UNEXPECTED"),
    "welcome": (message(WELCOME, 0, {"version": 1, "session": bytes(16)}), "REFUSE UNEXPECTED"),
    "unknown kind": (message(4242, 1), "REFUSE NOT_SUPPORTED"),
    "depth": (frame(MESSAGE, b"\x91" * 200000), BAD),
    "array32": (frame(MESSAGE, b"\xdd\xff\xff\xff\xff"), BAD),
    "map32": (frame(MESSAGE, b"\x93\x01\x00\xdf\xff\xff\xff\xff"), BAD),
    "str32": (frame(MESSAGE, b"\x93\x01\x00\xde\x00\x01" + pack("link") + b"\xdb\xff\xff\xff\xff"), BAD),
    "objects": (message(HELLO, 0, {**HELLO_BODY, "later": [1] * 20000}), BAD),
    "role 3": (hello(role=3), BAD),
    "version 0": (hello(version=0, version_min=0), BAD),
    "versions turned": (hello(version=1, version_min=2), BAD),
    "later version": (hello(version=9, version_min=9), "REFUSE VERSION"),
    "bad text": (hello(software=Raw(b"\xd9\x02\xc3\x28")), BAD),
    "events of no session": (hello(role=2, session=bytes(16)), "REFUSE UNKNOWN_SESSION"),
    "short session": (hello(role=2, session=bytes(15)), BAD),
    "channel of no session": (open_message(), "RST UNKNOWN_SESSION|REFUSE UNKNOWN_SESSION"),
    "port 0": (open_message(port=0), BAD),
    "port 70000": (open_message(port=70000), BAD),
    "port -1": (open_message(port=-1), BAD),
    "no address": (open_message(addresses=[]), BAD),
    "200 addresses": (open_message(addresses=[LOOPBACK] * 200), BAD),
    "address of 5 bytes": (open_message(addresses=[b"12345"]), BAD),
    "protocol 9": (open_message(protocol=9), BAD),
}


def beginnings(path):
    for what, (said, wanted) in BEGINNINGS.items():
        peer = Peer.dial(path)
        peer.send(said)
        check(what, peer.ending(), wanted)
        peer.close()
    for cut in range(len(HELLO_BYTES)):  # a shorter message, whole frames
        peer = Peer.dial(path).send(frame(MESSAGE, HELLO_BYTES[:cut]))
        check(f"HELLO of {cut} bytes", peer.ending(), BAD)
        peer.close()
    whole = frame(MESSAGE, HELLO_BYTES)
    for cut in range(len(whole)):  # a frame that ends early
        peer = Peer.dial(path).send(whole[:cut])
        peer.socket.shutdown(socket.SHUT_WR)
        check(f"{cut} bytes of HELLO", peer.ending(), BAD)
        peer.close()
    peer = Peer.dial(path)
    for byte in whole:  # byte by byte is no crime
        peer.send(bytes((byte,)))
    if peer.message()[0] != WELCOME:
        sys.exit("a HELLO that comes byte by byte gets no WELCOME")


def control(path):
    peer = Peer.dial(path).send(hello())
    kind, _, body = peer.message()
    if kind != WELCOME:
        sys.exit(f"no WELCOME: {kind} {body}")
    return peer, body["session"]


def cursors(path):
    first, session = control(path)
    feed = Peer.dial(path).send(hello(role=2, session=session))
    body = feed.message()[2]
    epoch, sequence = body["epoch"], body.get("sequence", 0)
    largest = (1 << 64) - 1
    for cursor in ((epoch, sequence + 1), (epoch, sequence + 1000000), (epoch, largest), (epoch ^ 2, sequence),
                   (largest, largest), (0, largest)):
        feed.close()
        first.close()
        first, session = control(path)
        feed = Peer.dial(path).send(hello(role=2, session=session, epoch=cursor[0], sequence=cursor[1]))
        body = feed.message()[2]
        if body.get("resumed", False) or body["epoch"] != epoch:
            sys.exit(f"cursor {cursor} of {epoch}, {sequence} was resumed: {body}")
        kind, number, event = feed.message()
        if kind != PORTS or not event.get("snapshot") or number != body.get("sequence", 0):
            sys.exit(f"cursor {cursor}: no snapshot but {kind} {number} {event}")
    feed.send(frame(DATA, b"x"))
    check("data on a feed", feed.ending(), "eof|reset")
    check("and its session", first.ending(), "eof|reset")


def sessions(path):
    for what, said, wanted in (("data", frame(DATA, b"x"), "eof|reset"), ("oversized", frame(MESSAGE, length=1 << 31), "eof|reset"),
                               ("depth", frame(MESSAGE, b"\x91" * 1000), "eof|reset"), ("fin", frame(FIN), "eof|reset"),
                               ("garbage", b"\xff" * 100, "eof|reset")):
        peer, session = control(path)
        channel = Peer.dial(path).send(channel_open(session, port=7700))
        if channel.message()[0] != CHANNEL_OPENED:
            sys.exit("the channel is not opened")
        peer.send(said)
        check(f"{what} on control", peer.ending(), wanted)
        check(f"{what} on control, a channel of it", channel.ending(), "RST GONE|eof|reset")
    peer, session = control(path)
    peer.send(message(4242, 77))
    kind, number, body = peer.message()
    if (kind, number, body["status"]) != (ERROR, 77, -10006):
        sys.exit(f"an unknown request is answered with {kind} {number} {body}")
    for what, said in (("data after FIN", frame(FIN) + frame(DATA, b"x")), ("FIN twice", frame(FIN) + frame(FIN)),
                       ("datagram on TCP", frame(DATAGRAM, b"x")), ("message", message(PING, 1)),
                       ("oversized", frame(DATA, length=1 << 21)), ("data after RST", rst(-10016) + frame(DATA, b"x"))):
        channel = Peer.dial(path).send(channel_open(session, port=7700) + said)
        ended = channel.ending()
        if ended == "open":
            sys.exit(f"{what} on a channel: it stays open")
    channel = Peer.dial(path).send(channel_open(session, port=1))
    check("a port that nobody has", channel.ending(), "RST ECONNREFUSED")
    peer.send(message(PING, 5))
    if peer.message()[:2] != [PONG, 5]:
        sys.exit("the session has suffered from its channels")


def silent(path, count):
    held = []
    for _ in range(int(count)):
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(path)
        held.append(peer)
    print("open", len(held), flush=True)
    signal.pause()


def claim(path, count):
    held = [control(path) for _ in range(int(count))]
    print("claimed", len(held), flush=True)


def reconnect(path, seconds):
    end = time.monotonic() + float(seconds)
    count = 0
    while time.monotonic() < end:
        peer, session = control(path)
        feed = Peer.dial(path).send(hello(role=2, session=session))
        feed.message()
        peer.send(message(PING, 1))
        peer.close()
        feed.close()
        count += 1
        time.sleep(0.005)
    print("sessions", count, flush=True)


def deaf(path, number, count):
    peer, session = control(path)
    channels = [Peer.dial(path).send(channel_open(session, port=int(number))) for _ in range(int(count))]
    print("deaf", len(channels), flush=True)
    requests = b"".join(message(HEALTH_REQUEST, i) for i in range(1000))
    try:
        while True:
            peer.send(requests)
    except OSError:
        signal.pause()


COMMANDS = {f.__name__: f for f in (beginnings, cursors, sessions, silent, claim, reconnect, deaf)}

if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    COMMANDS[sys.argv[1]](*sys.argv[2:])
