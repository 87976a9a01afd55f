#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Agents as nobody should write them, each behind a socket that is named as its attack. Those that go wrong in the
handshake do so each time; the others prove who they are as they should, with a key of their own, and go wrong then.

usage: hostile_agent.py list             prints ATTACK, what the bridge must say of it, and the port whose connections
                                         are attacked (0: none), a line each; floods are not among them
       hostile_agent.py serve FOLDER     serves every attack at FOLDER/ATTACK; one line of output when all listen
"""

import os
import random
import socket
import sys
import threading
import time

from noise import Failed
from session import Agent, key_file
from wire import (AUTH, CHANNEL_OPENED, DATA, DATAGRAM, ERROR, FIN, HEALTH, HEALTH_REQUEST, LOOPBACK, MESSAGE, PAIR, PING,
                  PONG, PORTS, REFUSALS, REFUSE, WELCOME, Ended, Peer, Raw, auth, frame, message, pack, port, rst, welcome)

ESCAPES = "\x1b]0;owned\x07\x1b[31m\x9b2J\u202e"
FLOOD_S = 5
CHANNEL_PORT = 9101  # of the first attack on channels, the others follow


def raw_message(payload):
    return frame(MESSAGE, bytes(payload))


def ports(number, **body):
    return message(PORTS, number, body)


def snapshot(*opened, **more):
    return ports(1, snapshot=True, opened=list(opened), **more)


def bad_port(**more):
    return snapshot({**port(7001), **more})


def one_field(key, value):
    """A map of one pair whose value is given as it stands."""
    return b"\xde\x00\x01" + pack(key) + value


ONCE = pack([WELCOME, 0, {"version": 1, "session": bytes(16)}])

# Said instead of the first message that the bridge waits for, which is AUTH; once more, as NAME-late, instead of a
# WELCOME, after the handshake.
INSTEAD_OF_ANYTHING = {
    "silent": (b"", "NO_GREETING"),
    "closes": (None, "EOF|ECONNRESET|EPIPE"),
    "garbage": (random.Random(1).randbytes(4096), "MALFORMED|TOO_LARGE"),
    "http": (b"HTTP/1.1 400 Bad Request\r\n\r\n", "MALFORMED|TOO_LARGE"),
    "ones": (b"\xff" * 64, "MALFORMED|TOO_LARGE"),
    "oversized": (frame(MESSAGE, b"", length=0xFFFFFFFF), "TOO_LARGE"),
    "oversized-by-one": (frame(MESSAGE, b"", length=262145), "TOO_LARGE"),
    "unknown-type": (frame(99, b"x"), "MALFORMED|NOT_SUPPORTED"),
    "flags": (frame(MESSAGE, ONCE, flags=1), "MALFORMED|NOT_SUPPORTED"),
    "not-zero": (frame(MESSAGE, ONCE, zero=1), "MALFORMED"),
    "channel": (frame(MESSAGE, ONCE, channel=7), "MALFORMED"),
    "credit": (frame(6, bytes((0, 0, 0, 1))), "MALFORMED|UNEXPECTED"),
    "data": (frame(DATA, b"x" * 100), "UNEXPECTED"),
    "datagram": (frame(DATAGRAM, b"x"), "UNEXPECTED"),
    "fin": (frame(FIN), "UNEXPECTED|EOF"),
    "fin-with-payload": (frame(FIN, b"x"), "MALFORMED|TOO_LARGE"),
    "short-rst": (frame(5, b"abc"), "MALFORMED"),
    "rst": (rst(-10007, ESCAPES.encode()), "LIMIT"),
    "rst-unknown": (rst(-77777, b"?"), "ECONNRESET|EIO"),
    "rst-bad-utf8": (rst(-10007, b"\xff\xfe"), "MALFORMED|LIMIT"),
    "refuse": (message(REFUSE, 0, {"status": -10005, "text": ESCAPES}), "NOT_ALLOWED"),
    "refuse-with-success": (message(REFUSE, 0, {"status": 0}), "MALFORMED"),
    "other-message": (message(PONG, 1), "UNEXPECTED|NO_GREETING"),
    "depth": (raw_message(b"\x91" * 200000), "MALFORMED|TOO_LARGE"),
    "depth-in-body": (raw_message(b"\x93\x02\x00" + one_field("later", b"\x91" * 100000 + b"\xc0")), "MALFORMED|TOO_LARGE"),
    "array32": (raw_message(b"\xdd\xff\xff\xff\xff"), "MALFORMED|TOO_LARGE"),
    "map32": (raw_message(b"\x93\x02\x00\xdf\xff\xff\xff\xff"), "MALFORMED|TOO_LARGE"),
    "extension": (raw_message(b"\x93\x02\x00" + one_field("later", b"\xd4\x01\x00")), "MALFORMED"),
    "empty": (raw_message(b""), "MALFORMED"),
}

# Said instead of the agent's AUTH; a function makes it of the message that would be right.
BAD_PROOF = "AUTHENTICATION_FAILED|MALFORMED"
INSTEAD_OF_AUTH = {
    "welcome-at-once": (welcome(), "UNEXPECTED|NEEDS_AUTHENTICATION|AUTHENTICATION_FAILED"),
    "pair-at-once": (message(PAIR), "UNEXPECTED|NEEDS_AUTHENTICATION|AUTHENTICATION_FAILED"),
    "auth-empty": (lambda data: b"", BAD_PROOF),
    "auth-cut": (lambda data: data[:-1], BAD_PROOF),
    "auth-longer": (lambda data: data + b"x", BAD_PROOF),
    "auth-flipped": (lambda data: data[:-1] + bytes((data[-1] ^ 1,)), BAD_PROOF),
    "auth-zero-key": (lambda data: bytes(32) + data[32:], BAD_PROOF),
    "auth-random": (lambda data: random.Random(3).randbytes(len(data)), BAD_PROOF),
    "auth-oversized": (auth(b"x" * 513), "MALFORMED|TOO_LARGE"),
    "auth-text": (message(AUTH, 0, {"message": "x" * 64}), "MALFORMED"),
    "auth-nothing": (message(AUTH), "MALFORMED"),
}

# Said instead of a WELCOME, on the control connection; None at the end: then the connection is closed.
INSTEAD_OF_WELCOME = {
    **{f"{name}-late": attack for name, attack in INSTEAD_OF_ANYTHING.items()},
    "auth-again": (auth(b"x" * 64), "UNEXPECTED"),
    "str32": (raw_message(b"\x93\x02\x00" + one_field("os", b"\xdb\xff\xff\xff\xff")), "MALFORMED|TOO_LARGE"),
    "bin32": (raw_message(b"\x93\x02\x00" + one_field("session", b"\xc6\xff\xff\xff\xff")), "MALFORMED|TOO_LARGE"),
    "objects": (raw_message(b"\x93\x02\x00" + one_field("later", pack([1] * 20000))), "MALFORMED|TOO_LARGE"),
    "trailing": (raw_message(ONCE + b"\xc0"), "MALFORMED"),
    "twice-the-key": (raw_message(b"\x93\x02\x00\x83" + pack("version") + b"\x01" + pack("version") + b"\x01"
                                  + pack("session") + pack(bytes(16))), "MALFORMED"),
    "no-session": (message(WELCOME, 0, {"version": 1}), "MALFORMED"),
    "short-session": (welcome(bytes(15)), "MALFORMED"),
    "version-0": (welcome(version=0), "MALFORMED"),
    "version-2": (welcome(version=2), "VERSION|AUTHENTICATION_FAILED"),
    "version-text": (welcome(version="1"), "MALFORMED"),
    "bad-utf8": (welcome(os=Raw(b"\xd9\x02\xc3\x28")), "MALFORMED"),
    "nul": (welcome(os="a\0b"), "MALFORMED"),
    "long-text": (welcome(os="x" * 64), "MALFORMED|TOO_LARGE"),
    "many-capabilities": (welcome(capabilities=["x"] * 65), "MALFORMED|TOO_LARGE"),
}
for cut in range(len(ONCE)):
    INSTEAD_OF_WELCOME[f"cut-{cut}"] = (raw_message(ONCE[:cut]), "MALFORMED")
for cut in range(1, len(frame(MESSAGE, ONCE)), 5):
    INSTEAD_OF_WELCOME[f"torn-{cut}"] = (frame(MESSAGE, ONCE)[:cut] + b"close", "EOF|ECONNRESET")

# Said on the event feed after its WELCOME.
EVENTS = {
    "port-0": (bad_port(port=0), "MALFORMED"),
    "port-70000": (bad_port(port=70000), "MALFORMED"),
    "port-minus": (bad_port(port=-1), "MALFORMED"),
    "port-real": (bad_port(port=80.0), "MALFORMED"),
    "protocol-9": (bad_port(protocol=9), "MALFORMED"),
    "family-5": (bad_port(address=b"12345"), "MALFORMED"),
    "uid-large": (bad_port(uid=1 << 32), "MALFORMED"),
    "pid-minus": (bad_port(pid=-1), "MALFORMED"),
    "name-bad-utf8": (bad_port(name=Raw(b"\xd9\x01\xff")), "MALFORMED"),
    "name-nul": (bad_port(name="a\0b"), "MALFORMED"),
    "name-long": (bad_port(name="x" * 64), "MALFORMED|TOO_LARGE"),
    "too-many-ports": (snapshot(*[port(20000 + i) for i in range(129)]), "MALFORMED|TOO_LARGE"),
    "range-turned": (snapshot(ephemeralLow=2000, ephemeralHigh=1000), "MALFORMED"),
    "closed-in-snapshot": (snapshot(closed=[port(1)]), "MALFORMED"),
    "order": (snapshot() + ports(3, opened=[port(7002)]), "MALFORMED"),
    "same-again": (snapshot() + ports(2) + ports(2), "MALFORMED"),
    "back": (ports(9, snapshot=True) + ports(8, snapshot=True), "MALFORMED"),
    "data-on-feed": (snapshot() + frame(DATA, b"x"), "UNEXPECTED"),
    "welcome-again": (snapshot() + welcome(), "UNEXPECTED"),
    "auth-on-feed": (snapshot() + auth(b"x" * 64), "UNEXPECTED"),
    "pair-on-feed": (snapshot() + message(PAIR), "UNEXPECTED"),
    "refusals-none": (snapshot() + message(REFUSALS, 2, {"count": 0, "status": -10022}), "MALFORMED"),
    "refusals-success": (snapshot() + message(REFUSALS, 2, {"count": 1, "status": 0}), "MALFORMED"),
    "refusals-long": (snapshot() + message(REFUSALS, 2, {"count": 1, "status": -10022, "link": "x" * 64}),
                      "MALFORMED|TOO_LARGE"),
    "vanish": (None, "EOF|ECONNRESET"),
    # These are odd, but allowed.
    "escapes": (snapshot(port(7010, name=ESCAPES, command=ESCAPES, unit=ESCAPES, container=ESCAPES)), "connected"),
    "unknown-closed": (snapshot() + ports(2, closed=[{"protocol": 1, "address": LOOPBACK, "port": 5}] * 128),
                       "connected"),
    "same-port-often": (snapshot(*[port(7011)] * 128), "connected"),
    "unknown-kind": (snapshot() + message(4242, 7, {"x": 1}), "connected"),
    "refusals-escapes": (snapshot() + message(REFUSALS, 2, {"count": (1 << 64) - 1, "status": -10022, "link": ESCAPES,
                                                            "who": ESCAPES}), "connected"),
}


# Said on the control connection once the guest is connected; functions go on until the connection ends.
def flood(peer):
    end = time.monotonic() + FLOOD_S
    block = (message(PONG, 12345) + message(HEALTH, 12345, {}) + message(ERROR, 9, {"status": -10001})) * 200
    while time.monotonic() < end:
        peer.send(block)


def storm(peer):
    """100,000 listeners, all different, as fast as they are taken."""
    peer.send(snapshot())
    for number in range(782):
        address = bytes((127, 0, number >> 4, 1 + (number & 15)))
        peer.send(ports(2 + number, opened=[port(10240 + i, address=address, name="n" * 63, command="c" * 255)
                                            for i in range(128)]))


def churn(peer):
    """The same listeners come and go."""
    peer.send(snapshot())
    opened = [port(10500 + i, name="churn") for i in range(128)]
    for number in range(2, 1500, 2):
        peer.send(ports(number, opened=opened))
        peer.send(ports(number + 1, closed=[{key: p[key] for key in ("protocol", "address", "port")} for p in opened]))


def endless_snapshot(peer):
    """Parts that are never the last."""
    end = time.monotonic() + FLOOD_S
    number = 0
    while time.monotonic() < end:
        number += 1
        address = bytes((127, 1, number >> 8 & 255, number & 255))
        peer.send(snapshot(*[port(11000 + i, address=address, command="c" * 255) for i in range(128)], more=True))


def nothing(_):
    pass


CONTROL = {"data-on-control": (frame(DATA, b"x" * 70000), "UNEXPECTED"),
           "second-welcome": (welcome(), "UNEXPECTED"),
           "second-auth": (auth(b"x" * 64), "UNEXPECTED"),
           "late-pair": (message(PAIR), "UNEXPECTED"),
           "late-pong": (nothing, "connected"),
           "never-reads": (nothing, "connected|SILENT")}

# A core's worth of work each: one at a time.
CONTROL_FLOODS = {"flood": flood}
EVENT_FLOODS = {"storm": storm, "churn": churn, "endless-snapshot": endless_snapshot}

# Said in answer to CHANNEL_OPEN. The guest stays connected, the client's connection ends.
OPENED = message(CHANNEL_OPENED)
CHANNELS = {
    "opened-twice": OPENED + OPENED + frame(FIN),
    "data-first": frame(DATA, b"early") + frame(FIN),
    "datagram-on-tcp": OPENED + frame(DATAGRAM, b"x"),
    "data-after-fin": OPENED + frame(FIN) + frame(DATA, b"x"),
    "fin-twice": OPENED + frame(FIN) + frame(FIN),
    "rst-with-text": rst(-11002, ESCAPES.encode()),
    "after-rst": rst(-11002) + frame(DATA, b"x" * 1000),
    "welcome-to-channel": welcome(),
    "garbage-to-channel": b"\xff" * 100,
    "oversized-data": OPENED + frame(DATA, b"", length=1048577),
    "depth-to-channel": raw_message(b"\x91" * 100000),
    "channel-closes": b"",
}

ATTACKS = {**INSTEAD_OF_ANYTHING, **INSTEAD_OF_AUTH, **INSTEAD_OF_WELCOME, **EVENTS, **CONTROL,
           **{name: (said, "connected") for name, said in CHANNELS.items()}}


def channel_port(attack):
    return CHANNEL_PORT + list(CHANNELS).index(attack)


def say(peer, said):
    if callable(said):
        said(peer)
    elif said is not None:
        peer.send(said.removesuffix(b"close"))


def stay(peer, said):
    """Until the bridge ends it, unless the attack is to close."""
    if said is None or (not callable(said) and said.endswith(b"close")):
        return
    while peer.socket.recv(65536):
        pass


def serve_control(attack, session, peer):
    if attack in INSTEAD_OF_WELCOME:
        said = INSTEAD_OF_WELCOME[attack][0]
        say(peer, said)
        stay(peer, said)
        return
    peer.send(welcome(session.id))
    said = CONTROL_FLOODS.get(attack) or CONTROL.get(attack, (nothing,))[0]
    while True:
        number, request, _ = peer.message()
        if attack == "late-pong":
            time.sleep(3)
        if number == PING and attack != "never-reads":
            peer.send(message(PONG, request))
        if number == HEALTH_REQUEST and attack != "never-reads":
            peer.send(message(HEALTH, request, {}))
        if attack == "never-reads":
            time.sleep(60)
        say(peer, said)
        said = nothing


def serve_events(attack, session, peer):
    peer.send(welcome(session.id, epoch=7, sequence=1, os=ESCAPES))
    said = EVENT_FLOODS.get(attack) or EVENTS.get(attack, (snapshot(),))[0]
    if attack in CHANNELS:
        said = snapshot(port(channel_port(attack)))
    say(peer, said)
    stay(peer, said)


def serve_channel(attack, peer):
    peer.send(CHANNELS.get(attack, rst(-11002)))
    if attack != "channel-closes":
        stay(peer, b"")


def serve_handshake(attack, agent, peer):
    """The attacks on it end here."""
    said = {**INSTEAD_OF_ANYTHING, **INSTEAD_OF_AUTH}[attack][0]
    payload = peer.frame()[1]
    if callable(said):
        agent.authenticate(peer, payload, said)
    else:
        peer.message()
        say(peer, said)
    stay(peer, b"" if callable(said) else said)


def serve(attack, agent, connection):
    peer = Peer(connection, timeout=None)
    with connection:
        try:
            if attack in INSTEAD_OF_ANYTHING or attack in INSTEAD_OF_AUTH:
                serve_handshake(attack, agent, peer)
                return
            what, session, _ = agent.greet(peer)
            if what == "control":
                serve_control(attack, session, peer)
            elif what == "events":
                serve_events(attack, session, peer)
            else:
                serve_channel(attack, peer)
        except (OSError, Ended, Failed):
            pass


def accept(attack, agent, server):
    while True:
        connection = server.accept()[0]
        threading.Thread(target=serve, args=(attack, agent, connection), daemon=True).start()


def main():
    if sys.argv[1:] == ["list"]:
        for attack, (_, wanted) in ATTACKS.items():
            print(attack, wanted, channel_port(attack) if attack in CHANNELS else 0)
        return
    if len(sys.argv) != 3 or sys.argv[1] != "serve":
        sys.exit(__doc__)
    for attack in [*ATTACKS, *CONTROL_FLOODS, *EVENT_FLOODS]:
        server = socket.socket(socket.AF_UNIX)
        path = os.path.join(sys.argv[2], attack)
        agent = Agent(key_file(path + ".key"))
        if os.path.exists(path):
            os.unlink(path)
        server.bind(path)
        server.listen(64)
        threading.Thread(target=accept, args=(attack, agent, server), daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
