#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Bridges as nobody should write them, against an agent's Unix socket. KEY_FILE holds the bridge's key pair, which the
agent trusts; `session.py key KEY_FILE` makes one.

usage: hostile_bridge.py beginnings SOCKET KEY_FILE        every wrong first message; fails when one is answered wrongly
       hostile_bridge.py cursors SOCKET KEY_FILE           event feeds from cursors that never were
       hostile_bridge.py sessions SOCKET KEY_FILE          wrong things within a session and its channels
       hostile_bridge.py silent SOCKET KEY_FILE COUNT      opens COUNT connections and says nothing, until killed
       hostile_bridge.py claim SOCKET KEY_FILE COUNT       claims COUNT sessions, one after another, and is gone
       hostile_bridge.py reconnect SOCKET KEY_FILE S       a whole session as often as it goes, for S seconds
       hostile_bridge.py deaf SOCKET KEY_FILE PORT COUNT   COUNT channels to PORT and requests without end, and never reads
"""

import random
import signal
import socket
import sys
import time

from session import Bridge, key_file
from wire import (AUTH, CHANNEL_OPENED, CREDIT, DATA, DATAGRAM, ERROR, FIN, HEALTH_REQUEST, HELLO, JOIN, LOOPBACK, MESSAGE,
                  PAIR, PING, PONG, OFFERS, PORTS, WELCOME, XX, Peer, Raw, auth, channel_open, frame, hello, join, message, pack, rst)

BAD = "eof|reset|REFUSE MALFORMED|REFUSE TOO_LARGE|RST MALFORMED|RST TOO_LARGE"
HELLO_BODY = {"version": 1, "versionMin": 1, "role": 1}
HELLO_BYTES = pack([HELLO, 0, HELLO_BODY])


def check(what, got, wanted):
    if got not in wanted.split("|"):
        sys.exit(f"{what}: the agent says '{got}', wanted one of {wanted}")


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
    "later version": (hello(version=9, version_min=9, pattern=XX) + auth(bytes(64)), "REFUSE VERSION"),
    "bad text": (hello(software=Raw(b"\xd9\x02\xc3\x28")), BAD),
    "short session": (hello(role=2, session=bytes(15)), BAD),
    "no pattern": (hello(), "REFUSE NEEDS_AUTHENTICATION"),
    "pattern 5": (hello(pattern=5) + auth(bytes(64)), "REFUSE NOT_SUPPORTED|" + BAD),
    "sealing 3": (hello(pattern=XX, sealing=3) + auth(bytes(64)), BAD),
    "auth": (auth(bytes(64)), "REFUSE UNEXPECTED"),
    "pair": (message(PAIR), "REFUSE UNEXPECTED"),
    "events without JOIN": (hello(role=2, session=bytes(16)), "REFUSE NEEDS_AUTHENTICATION"),
    "channel without JOIN": (channel_open(bytes(16)), "REFUSE NEEDS_AUTHENTICATION|RST NEEDS_AUTHENTICATION"),
    "JOIN of no session": (join(bytes(16), 1, bytes(32)), "REFUSE UNKNOWN_SESSION"),
    "JOIN number 0": (join(bytes(16), 0, bytes(32)), BAD),
    "JOIN with a short proof": (join(bytes(16), 1, bytes(31)), BAD),
    "JOIN with a short session": (join(bytes(15), 1, bytes(32)), BAD),
    "PAIR instead of AUTH": (hello(pattern=XX) + message(PAIR), "REFUSE UNEXPECTED"),
    "PING instead of AUTH": (hello(pattern=XX) + message(PING, 1), "REFUSE UNEXPECTED"),
    "DATA instead of AUTH": (hello(pattern=XX) + frame(DATA, b"x"), "REFUSE UNEXPECTED|eof|reset"),
}

# What follows a JOIN that is right.
OPEN = {"protocol": 1, "port": 80, "addresses": [LOOPBACK]}
JOINED = {
    "port 0": ({**OPEN, "port": 0}, BAD),
    "port 70000": ({**OPEN, "port": 70000}, BAD),
    "port -1": ({**OPEN, "port": -1}, BAD),
    "no address": ({**OPEN, "addresses": []}, BAD),
    "200 addresses": ({**OPEN, "addresses": [LOOPBACK] * 200}, BAD),
    "address of 5 bytes": ({**OPEN, "addresses": [b"12345"]}, BAD),
    "protocol 9": ({**OPEN, "protocol": 9}, BAD),
    "another session": ({**OPEN, "session": bytes(16)}, "RST UNKNOWN_SESSION|REFUSE UNKNOWN_SESSION"),
}
JOINED_SAYS = {
    "data": (frame(DATA, b"x"), "REFUSE UNEXPECTED|eof|reset|RST UNEXPECTED"),
    "ping": (message(PING, 1), "REFUSE UNEXPECTED|RST UNEXPECTED"),
    "a control session": (hello(pattern=XX) + auth(bytes(64)), "REFUSE UNEXPECTED|RST UNEXPECTED"),
    "JOIN again": (join(bytes(16), 1, bytes(32)), "REFUSE UNEXPECTED|RST UNEXPECTED"),
    "events of another session": (hello(role=2, session=bytes(16)), "REFUSE UNKNOWN_SESSION|RST UNKNOWN_SESSION"),
    "garbage": (b"\xff" * 100, BAD),
    "oversized": (frame(MESSAGE, length=1 << 31), BAD),
    "depth": (frame(MESSAGE, b"\x91" * 100000), BAD),
}


def beginnings(path, key):
    for what, (said, wanted) in BEGINNINGS.items():
        peer = Peer.dial(path)
        peer.tell(said)
        check(what, peer.ending(), wanted)
        peer.close()
    for cut in range(len(HELLO_BYTES)):  # a shorter message, whole frames
        peer = Peer.dial(path).tell(frame(MESSAGE, HELLO_BYTES[:cut]))
        check(f"HELLO of {cut} bytes", peer.ending(), BAD)
        peer.close()
    whole = frame(MESSAGE, HELLO_BYTES)
    for cut in range(len(whole)):  # a frame that ends early
        peer = Peer.dial(path).tell(whole[:cut])
        peer.socket.shutdown(socket.SHUT_WR)
        check(f"{cut} bytes of HELLO", peer.ending(), BAD)
        peer.close()
    bridge = Bridge(path, key)
    bridge.control = Peer.dial(path)
    for byte in bridge.hello + auth(bridge.message_1()):  # byte by byte is no crime
        bridge.control.tell(bytes((byte,)))
    if bridge.control.message()[0] != AUTH:
        sys.exit("a HELLO that comes byte by byte gets no AUTH")


def control(path, key):
    return Bridge(path, key).connect()


def cursors(path, key):
    bridge = control(path, key)
    feed = bridge.feed()
    body = feed.message()[2]
    epoch, sequence = body["epoch"], body.get("sequence", 0)
    largest = (1 << 64) - 1
    for cursor in ((epoch, sequence + 1), (epoch, sequence + 1000000), (epoch, largest), (epoch ^ 2, sequence),
                   (largest, largest), (0, largest)):
        feed.close()
        bridge.close()
        bridge = control(path, key)
        feed = bridge.feed(epoch=cursor[0], sequence=cursor[1])
        body = feed.message()[2]
        if body.get("resumed", False) or body["epoch"] != epoch:
            sys.exit(f"cursor {cursor} of {epoch}, {sequence} was resumed: {body}")
        kind, number, event = feed.message()
        if kind not in (OFFERS, PORTS) or not event.get("snapshot") or number != body.get("sequence", 0):
            sys.exit(f"cursor {cursor}: no snapshot but {kind} {number} {event}")
    feed.tell(frame(DATA, b"x"))
    check("data on a feed", feed.ending(), "eof|reset")
    check("and its session", bridge.control.ending(), "eof|reset")


def sessions(path, key):
    ends = "eof|reset"
    for what, said in (("data", frame(DATA, b"x")), ("oversized", frame(MESSAGE, length=1 << 31)),
                       ("depth", frame(MESSAGE, b"\x91" * 1000)), ("fin", frame(FIN)), ("garbage", b"\xff" * 100)):
        bridge = control(path, key)
        channel = bridge.channel(7700)
        if channel.message()[0] != CHANNEL_OPENED:
            sys.exit("the channel is not opened")
        bridge.control.tell(said)
        check(f"{what} on control", bridge.control.ending(), ends)
        check(f"{what} on control, a channel of it", channel.ending(), "RST GONE|" + ends)
    bridge = control(path, key)
    for said in (message(4242, 77), message(HELLO, 77, {**HELLO_BODY, "pattern": XX}),
                 message(AUTH, 77, {"message": bytes(64)}), message(PAIR, 77), message(WELCOME, 77, {"version": 1, "session": bytes(16)}),
                 message(JOIN, 77, {"session": bytes(16), "connection": 1, "proof": bytes(32)})):
        bridge.control.tell(said)
        kind, number, body = bridge.control.message()
        if (kind, number, body["status"]) != (ERROR, 77, -10006):
            sys.exit(f"a request that is none is answered with {kind} {number} {body}")
    for what, (body, wanted) in JOINED.items():
        check(what, bridge.join().tell(message(32, 0, {"session": bridge.session, **body})).ending(), wanted)
    for what, (said, wanted) in JOINED_SAYS.items():
        check(f"{what} behind JOIN", bridge.join().tell(said).ending(), wanted)
    for what, said in (("data after FIN", frame(FIN) + frame(DATA, b"x")), ("FIN twice", frame(FIN) + frame(FIN)),
                       ("datagram on TCP", frame(DATAGRAM, b"x")), ("message", message(PING, 1)),
                       ("oversized", frame(DATA, length=1 << 21)), ("data after RST", rst(-10016) + frame(DATA, b"x"))):
        channel = bridge.channel(7700).tell(said)
        ended = channel.ending()
        if ended == "open":
            sys.exit(f"{what} on a channel: it stays open")
    check("a port that nobody has", bridge.channel(1).ending(), "RST ECONNREFUSED")
    bridge.control.tell(message(PING, 5))
    if bridge.control.message()[:2] != [PONG, 5]:
        sys.exit("the session has suffered from its channels")


def silent(path, _, count):
    held = []
    for _ in range(int(count)):
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(path)
        held.append(peer)
    print("open", len(held), flush=True)
    signal.pause()


def claim(path, key, count):
    held = [control(path, key) for _ in range(int(count))]
    print("claimed", len(held), flush=True)


def reconnect(path, key, seconds):
    end = time.monotonic() + float(seconds)
    count = 0
    while time.monotonic() < end:
        bridge = control(path, key)
        feed = bridge.feed()
        feed.message()
        bridge.control.send(message(PING, 1))
        bridge.close()
        feed.close()
        count += 1
        time.sleep(0.005)
    print("sessions", count, flush=True)


def deaf(path, key, number, count):
    bridge = control(path, key)
    channels = [bridge.channel(int(number)) for _ in range(int(count))]
    print("deaf", len(channels), flush=True)
    requests = b"".join(message(HEALTH_REQUEST, i) for i in range(1000))
    try:
        while True:
            bridge.control.send(requests)
    except OSError:
        signal.pause()


COMMANDS = {f.__name__: f for f in (beginnings, cursors, sessions, silent, claim, reconnect, deaf)}

if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    COMMANDS[sys.argv[1]](sys.argv[2], key_file(sys.argv[3]), *sys.argv[4:])
