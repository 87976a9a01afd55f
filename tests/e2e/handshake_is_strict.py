#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Handshakes that are almost right, against a real agent that knows the bridge of KEY_FILE and at least one other.

usage: handshake_is_strict.py each SOCKET KEY_FILE           every way to go wrong once, in XX and in IK
       handshake_is_strict.py many SOCKET KEY_FILE COUNT     COUNT of them at random
       handshake_is_strict.py stranger SOCKET KEY_FILE       one with a key that nobody knows
       handshake_is_strict.py silent SOCKET KEY_FILE         half a handshake, then nothing: ends by itself
"""

import random
import struct
import sys

from noise import Failed, KeyPair
from session import ALWAYS, NEVER, Bridge, Refused, ask_agent, key_file
from wire import (AUTH, ERROR, IK, IKPSK2, MESSAGE, PAIR, PING, PONG, REFUSE, RST, STATUS, WELCOME, XX, XXPSK3, Ended, Peer,
                  auth, frame, hello, message, pack, rst, unpack_from)

FAILS = "AUTHENTICATION_FAILED"
BAD = FAILS + "|MALFORMED|TOO_LARGE|UNEXPECTED|OTHER_KEY"
ANSWERS = {WELCOME: "WELCOME", PAIR: "PAIR", ERROR: "ERROR"}
OWN_END = "the bridge sees it"  # AUTH 2 does not fit: an honest bridge goes no further
# Points of small order, and the same beyond the field's prime.
ZERO_POINTS = (bytes(32), b"\1" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f", b"\xed" + b"\xff" * 30 + b"\x7f",
               bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"))


def same(data):
    return data


def verdict(peer):
    """What the agent says at last: WELCOME, PAIR, the name of a status, or how the connection ended."""
    try:
        while True:
            kind, payload = peer.frame()
            if kind == RST:
                return STATUS.get(struct.unpack(">i", payload[:4])[0], "?")
            number, _, body = unpack_from(payload, 0)[0] if kind == MESSAGE else (None, None, {})
            if number == REFUSE:
                return STATUS.get(body["status"], str(body["status"]))
            if number in ANSWERS:
                return ANSWERS[number]
    except Ended as ended:
        return str(ended)
    except TimeoutError:
        return "open"


def attempt(bridge, said=None, change_1=same, change_3=same):
    """A handshake with `said` in the place of HELLO, and the messages of AUTH as changed."""
    peer = bridge.control = Peer.dial(bridge.target)
    try:
        peer.tell((said or bridge.hello) + auth(change_1(bridge.message_1())))
        kind, payload = peer.frame()
        number, _, body = unpack_from(payload, 0)[0] if kind == MESSAGE else (None, None, {})
        if number != AUTH:
            return STATUS.get(body.get("status"), f"frame {kind}") if number in (REFUSE, None) else f"message {number}"
        try:
            bridge.take_2(body["message"])
        except Failed:
            return OWN_END
        message_3 = bridge.message_3()
        changed = change_3(message_3)
        peer.tell(auth(changed))
        if changed == message_3:
            bridge.seal(peer, 0)
        return verdict(peer)
    except Ended as ended:
        return str(ended)
    finally:
        peer.close()


def flipped(at, bit=1):
    return lambda data: data[:at] + bytes((data[at] ^ bit,)) + data[at + 1:]


def replaced(at, part):
    return lambda data: data[:at] + part + data[at + len(part):]


def cut(size):
    return lambda data: data[:size]


def changed_hellos(pattern):
    """What somebody between might like to see in HELLO. The last one means the same as the true one."""
    fields = {"link": "unix", "pattern": pattern, "sealing": 0, "ciphers": 3}
    for change in ({"ciphers": 1}, {"ciphers": 2}, {"ciphers": 7}, {"sealing": ALWAYS}, {"sealing": NEVER},
                   {"link": "vsock"}, {"link": "tcp"}, {"port": 5002}, {"software": "other"}, {"version": 2}, {"capabilities": ["x"]}):
        yield f"HELLO with {change}", hello(**{**fields, **change})
    body = {"version": 1, "versionMin": 1, "role": 1, "software": "test", **dict(reversed(fields.items()))}
    yield "HELLO in another order", frame(MESSAGE, pack([1, 0, body]))


class Tries:
    """Every way to go wrong, as (what, what the agent may say, a function that tries)."""

    def __init__(self, path, own):
        self.path, self.own = path, own
        self.agent_key = ask_agent(path)

    def bridge(self, kind, **more):
        if kind in (IK, IKPSK2):
            more = {"agent_key": self.agent_key, **more}
        return Bridge(self.path, **{"own": self.own, **more})

    def sizes(self, pattern):
        """Of messages 1 and 3."""
        return (64, 97) if pattern == XX else (96, 16)

    def __iter__(self):
        for pattern in (XX, IK):
            yield from self.damaged(pattern)
            yield from self.strangers(pattern)
            yield from self.out_of_turn(pattern)
            for what, said in changed_hellos(pattern):
                yield what, f"{OWN_END}|{BAD}|NOT_ALLOWED", lambda p=pattern, s=said: attempt(self.bridge(p), s)
        yield from self.patterns()
        for name, tried in (("commitment", {"nonce": bytes(32)}), ("commitment to a key", {"own": KeyPair()})):
            yield f"another {name}", FAILS, lambda t=tried: self.uncommitted(t)
        yield "another agent's key", "OTHER_KEY", lambda: attempt(self.bridge(IK, agent_key=KeyPair().public))

    def damaged(self, pattern):
        first, third = self.sizes(pattern)
        for number, size in ((1, first), (3, third)):
            allowed = f"{OWN_END}|{BAD}" if number == 1 else BAD
            changes = [(f"byte {at} of message {number} flipped", flipped(at)) for at in range(size)]
            changes += [(f"message {number} cut to {at}", cut(at)) for at in range(size)]
            changes += [(f"message {number} with a byte more", lambda data: data + b"x"),
                        (f"message {number} with 512 bytes", lambda data: data.ljust(512, b"x")),
                        (f"message {number} with 513 bytes", lambda data: data.ljust(513, b"x"))]
            if number == 1:
                changes += [(f"the point {point[:4].hex()}", replaced(0, point)) for point in ZERO_POINTS]
            for what, change in changes:
                yield what, allowed, lambda p=pattern, n=number, c=change: attempt(self.bridge(p), **{f"change_{n}": c})

    def strangers(self, pattern):
        for sealing in (0, ALWAYS):
            yield (f"a stranger, sealing {sealing}", "NOT_PAIRED",
                   lambda p=pattern, s=sealing: attempt(self.bridge(p, own=KeyPair(), sealing=s)))

    def out_of_turn(self, pattern):
        def say(*order):
            """1, 3: a message of AUTH; h: HELLO; the rest as it is. AUTH 3 is an old one."""
            bridge = self.bridge(pattern)
            peer = Peer.dial(self.path)
            parts = {"h": bridge.hello, 1: auth(bridge.message_1()), 3: auth(bytes(self.sizes(pattern)[1]))}
            try:
                return verdict(peer.tell(b"".join(parts.get(part, part) for part in order)))
            finally:
                peer.close()

        ends = BAD + "|eof|reset"
        for order in ((1, "h"), (3, "h", 1), ("h", 3), ("h", "h", 1), ("h", 1, "h"), ("h", 1, 1), ("h", 1, message(PING, 1)),
                      ("h", 1, message(PAIR)), ("h", 1, message(WELCOME)), ("h", 1, frame(2, b"x")), ("h", 1, frame(4)),
                      ("h", 1, rst(-10016))):
            yield f"in the order {order}", ends, lambda o=order: say(*o)
        yield "message 3 twice", ends + "|ERROR", lambda: self.third_twice(pattern)
        yield "all of it again", FAILS, lambda: self.replayed(pattern)

    def third_twice(self, pattern):
        bridge = self.bridge(pattern).connect()
        bridge.control.tell(auth(bytes(self.sizes(pattern)[1])))
        return verdict(bridge.control)

    def replayed(self, pattern):
        """The very bytes of a session that was let in."""
        recorded = self.bridge(pattern)
        said = []
        if attempt(recorded, change_1=lambda data: said.append(data) or data,
                   change_3=lambda data: said.append(data) or data) != "WELCOME":
            sys.exit("an honest bridge is not welcome")
        peer = Peer.dial(self.path).tell(recorded.hello + auth(said[0]))
        if peer.message()[0] != AUTH:
            sys.exit("a recorded message 1 is not answered")
        try:
            return verdict(peer.tell(auth(said[1])))
        finally:
            peer.close()

    def uncommitted(self, changes):
        bridge = self.bridge(XX)
        peer = Peer.dial(self.path).tell(bridge.hello + auth(bridge.message_1()))
        bridge.take_2(peer.message()[2]["message"])
        for name, value in changes.items():
            setattr(bridge, name, value)
        bridge.handshake.own = bridge.own
        try:
            return verdict(peer.tell(auth(bridge.message_3())))
        finally:
            peer.close()

    def patterns(self):
        for said in (XX, IK):
            bridge = self.bridge(IK if said == XX else XX, pattern=said)
            yield f"pattern {said}, and the other one's message", BAD, lambda b=bridge: attempt(b)
        for pattern in (IKPSK2, XXPSK3):
            yield (f"pattern {pattern}, and no secret there", "NOT_ALLOWED",
                   lambda p=pattern: attempt(self.bridge(p, psk=bytes(32))))


def judge(what, wanted, tried):
    got = tried()
    if got not in wanted.split("|"):
        sys.exit(f"{what}: '{got}', wanted one of {wanted}")


def still_served(bridge):
    bridge.control.tell(message(PING, 3))
    if bridge.control.message()[:2] != [PONG, 3]:
        sys.exit("the honest session has suffered")


def each(path, own):
    honest = Bridge(path, own).connect()
    count = 0
    for what, wanted, tried in Tries(path, own):
        judge(what, wanted, tried)
        count += 1
        if count % 100 == 0:
            still_served(honest)
    still_served(honest)
    for pattern in (XX, IK):
        for sealing in (0, ALWAYS):
            got = attempt(Tries(path, own).bridge(pattern, sealing=sealing))
            if got != "WELCOME":
                sys.exit(f"pattern {pattern}, sealing {sealing}: an honest bridge is told '{got}'")
    print(count, "ways to go wrong", flush=True)


def many(path, own, count):
    tries = [tried for what, wanted, tried in Tries(path, own) if "WELCOME" not in wanted]
    choice = random.Random(5)
    honest = Bridge(path, own).connect()
    for number in range(int(count)):
        choice.choice(tries)()
        if number % 200 == 0:
            still_served(honest)
    still_served(honest)


def stranger(path, _):
    judge("a stranger", "NOT_PAIRED", lambda: attempt(Bridge(path)))


def silent(path, own):
    bridge = Bridge(path, own)
    bridge.begin()
    bridge.expect(AUTH)
    if verdict(bridge.control) == "open":
        sys.exit("half a handshake stays for ever")


COMMANDS = {f.__name__: f for f in (each, many, stranger, silent)}

if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    try:
        COMMANDS[sys.argv[1]](sys.argv[2], key_file(sys.argv[3]), *sys.argv[4:])
    except (Refused, Failed) as problem:
        sys.exit(f"an honest bridge is refused: {problem}")
