#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Senders of files as nobody should write them: an agent that a bridge asks for files, and a bridge that sends some to an agent.
Each attack is what follows FILES_OPENED; what the receiver may have made of it is listed with it.

usage: hostile_files.py list                        prints ATTACK STATUS MADE, a line each: the exit status of hospes cp as
                                                    a pattern, and the names that may be below the target, joined by commas
       hostile_files.py serve FOLDER                an agent for each attack at FOLDER/ATTACK; one line when all listen
       hostile_files.py put AGENT KEY_FILE TARGET   a bridge that tries every attack on the agent, each into TARGET/ATTACK,
                                                    which must be there
"""

import os
import socket
import struct
import sys
import threading

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from noise import Failed
from session import Agent, Bridge, key_file
from wire import (ATTRIBUTE, CHECK, CHUNK, DATA, FILE_AGAIN, FILE_END, FILE_FAILED, FILES_DONE, FILES_OPEN, FILES_OPENED, FIN,
                  KEEP, MANIFEST, MESSAGE, NEED, PACK, PING, PONG, PORTS, RST, SETTLED, TOTALS, Ended, Peer, frame, message,
                  unpack_from, welcome)

FOLDER, FILE, LINK, LEAVE = range(1, 5)
MIB = 1 << 20
CHACHA, AES = 1, 2
PUT, GET = 1, 2
PATIENCE_S = 2
MANY = int(os.environ.get("HOSPES_MANY", "100000"))


def entry(kind, name="", **more):
    return {"type": kind, "name": name, "mode": 0o755 if kind == FOLDER else 0o644, "mtimeS": 1, **more}


def manifest(*entries, first=0, last=True):
    return message(MANIFEST, 0, {"first": first, "entries": list(entries), "last": last})


def tree(*inside, last=True):
    """A root folder with entries in it; they are numbered from 1."""
    return manifest(entry(FOLDER, "x"), *inside, entry(LEAVE), last=last)


class Sender:
    """One connection after FILES_OPENED: reads what the receiver says, and makes tags."""

    def __init__(self, peer, keys, check):
        self.peer, self.check, self.number = peer, check, 0
        self.aead = {0: None, CHACHA: ChaCha20Poly1305, AES: AESGCM}[check]
        self.aead = self.aead and self.aead(keys[0])

    def send(self, *parts):
        self.peer.send(b"".join(parts))

    def tag(self, data):
        self.number += 1
        return self.aead.encrypt(bytes(4) + struct.pack(">Q", self.number - 1), b"", data) if self.aead else b""

    def data(self, data, tag=None):
        return frame(DATA, data) + message(CHECK, 0, {"tag": self.tag(data) if tag is None else tag})

    def pack(self, *files, **more):
        """files: (entry, bytes)"""
        said = [{"entry": number, "size": more.get("size", len(data)), "mtimeS": 1} for number, data in files]
        return message(PACK, 0, {"files": said}) + self.data(b"".join(data for _, data in files), more.get("tag"))

    def chunk(self, number, offset, data, **more):
        return message(CHUNK, 0, {"entry": number, "offset": offset, "size": len(data), **more}) + self.data(data)

    def wait_for_need(self):
        while True:
            kind, payload = self.peer.frame()
            if kind == RST:
                raise Ended("RST")
            number, _, body = unpack_from(payload, 0)[0] if kind == MESSAGE else (None, None, None)
            if number == NEED:
                return body

    def whole(self, inside, *files):
        """An announcement, and its files as honest as they can be."""
        self.send(tree(*inside))
        if files:
            self.wait_for_need()
            self.send(self.pack(*files))


def end(number, size):
    return message(FILE_END, 0, {"entry": number, "size": size, "mtimeS": 1})


def named(name):
    """A file of that name beside an honest one."""
    return lambda s: s.whole([entry(FILE, name, size=4), entry(FILE, "good", size=4)], *(
        [(2, b"good")] if name != "good" else []))


def folder_named(name):
    return lambda s: s.whole([entry(FOLDER, name), entry(FILE, "inside", size=4), entry(LEAVE),
                              entry(FILE, "good", size=4)], (4, b"good"))


def planted_link(s):
    """A link, then a folder of its name with a file in it."""
    s.whole([entry(LINK, "a", target="../../.."), entry(FOLDER, "a"), entry(FILE, "owned", size=4), entry(LEAVE),
             entry(FILE, "good", size=4)], (3, b"evil"), (5, b"good"))


def many(s):
    """Very many empty files, as many at a time as are allowed."""
    total, number, settled = MANY, 1, 0
    s.send(manifest(entry(FOLDER, "x"), last=False))
    while settled < total:
        while number <= total and number - settled < 4000:
            count = min(250, total - number + 1)
            s.send(manifest(*[entry(FILE, f"f{number + i}") for i in range(count)], first=number, last=False))
            number += count
        kind, _, body = s.peer.message()
        if kind == NEED:
            for run in body["runs"]:
                for first in range(run["first"], run["first"] + run["count"], 250):
                    count = min(250, run["first"] + run["count"] - first)
                    s.send(message(PACK, 0, {"files": [{"entry": first + i, "size": 0, "mtimeS": 1} for i in range(count)]}),
                           message(CHECK, 0, {"tag": s.tag(b"")}))
        elif kind == SETTLED:
            settled += sum(run["count"] for run in body.get("runs", [])) + len(body.get("failed", []))
    s.send(manifest(entry(LEAVE), first=number))


def huge_manifest(s):
    """As much as the receiver takes, 400 MB, without waiting for anything."""
    names = [entry(FILE, "n" * 200 + f"{i:04}", size=1) for i in range(256)]
    first = 1
    s.send(manifest(entry(FOLDER, "x"), last=False))
    for _ in range(6000):
        s.send(manifest(*names, first=first, last=False))
        first += 256


def deep(s):
    s.send(manifest(*[entry(FOLDER, "d") for _ in range(200)], last=False),
           manifest(*[entry(FOLDER, "d") for _ in range(100)], first=200))


def lying_chunk(s):
    s.send(tree(entry(FILE, "big", size=5 * MIB)))
    s.wait_for_need()
    s.send(message(CHUNK, 0, {"entry": 1, "offset": 0, "size": 1000}), s.data(b"x" * 5000), end(1, 1000))


def short_data(s):
    s.send(tree(entry(FILE, "big", size=5 * MIB)))
    s.wait_for_need()
    s.send(message(CHUNK, 0, {"entry": 1, "offset": 0, "size": 5000}), s.data(b"x" * 1000), end(1, 5000))


def enormous(s):
    s.send(tree(entry(FILE, "big", size=(1 << 63) - 1), entry(FILE, "good", size=4)))
    s.wait_for_need()
    s.send(s.pack((2, b"good")), end(1, (1 << 63) - 1))


def too_large_size(s):
    s.send(tree(entry(FILE, "big", size=1 << 63)))


def far_chunk(s):
    s.send(tree(entry(FILE, "big", size=1 << 62)))
    s.wait_for_need()
    s.send(s.chunk(1, ((1 << 63) - 1) // MIB * MIB, b"x" * 4096), end(1, 5))


def wrong_tag(s):
    s.send(tree(entry(FILE, "file", size=4)))
    s.wait_for_need()
    s.send(s.pack((1, b"evil"), tag=bytes(16) if s.aead else b"x" * 16))


def swapped_tags(s):
    s.send(tree(entry(FILE, "one", size=3), entry(FILE, "two", size=3)))
    s.wait_for_need()
    first, second = s.tag(b"one"), s.tag(b"two")
    said = [message(PACK, 0, {"files": [{"entry": n, "size": 3, "mtimeS": 1}]}) for n in (1, 2)]
    s.send(said[1], frame(DATA, b"two"), message(CHECK, 0, {"tag": second}), said[0], frame(DATA, b"one"),
           message(CHECK, 0, {"tag": first}))


def setuid(s):
    s.whole([entry(FILE, "suid", size=4, mode=0o6755), entry(FOLDER, "sticky", mode=0o7777), entry(LEAVE)], (1, b"evil"))


def unasked(s):
    s.send(tree(entry(FILE, "file", size=4)))
    s.wait_for_need()
    s.send(s.pack((1, b"fine")), s.pack((1, b"evil")))


def nobody_asked(s):
    s.send(tree(entry(FILE, "file", size=4)), s.pack((77, b"evil")))


def flood_of(said):
    def attack(s):
        s.send(tree(entry(FILE, "file", size=4), last=False))
        for _ in range(20000):
            s.send(said)
    return attack


def raw(*said):
    return lambda s: s.send(*said)


def twice(s):
    s.whole([entry(FILE, "same", size=4), entry(FILE, "same", size=4)], (1, b"one1"), (2, b"two2"))


def data_without_end(s):
    s.send(tree(entry(FILE, "big", size=1 << 40)))
    s.wait_for_need()
    s.send(message(CHUNK, 0, {"entry": 1, "offset": 0, "size": MIB}))
    for _ in range(200):
        s.send(frame(DATA, b"x" * MIB))


GOOD = "x,x/good"
# ATTACK: (what is said, exit status of hospes cp, what may be there)
ATTACKS = {
    "dot-dot": (named(".."), "1", GOOD), "parent": (named("../owned"), "1", GOOD), "absolute": (named("/tmp/owned"), "1", GOOD),
    "slash": (named("a/b"), "1", GOOD), "dot": (named("."), "1", GOOD), "empty": (named(""), "1", GOOD),
    "newline": (named("a\nb"), "1", GOOD), "escape": (named("\x1b[31mred"), "1", GOOD), "delete": (named("\x7f"), "1", GOOD),
    "own-folder": (named(".hospes-partial"), "1", GOOD), "nul": (named("a\0b"), "1", GOOD),
    "long-name": (named("n" * 256), "1", GOOD), "bad-folder": (folder_named(".."), "1", GOOD),
    "bad-folder-2": (folder_named("a/../../b"), "1", GOOD), "planted-link": (planted_link, "1", "x,x/good,x/a,x/a/owned"),
    "link-out": (lambda s: s.whole([entry(LINK, "l", target="/etc/passwd"), entry(FILE, "good", size=4)], (2, b"good")), "1", GOOD),
    "many": (many, "0", "x,x/f[0-9]+"), "huge-manifest": (huge_manifest, "1", "x"), "deep": (deep, "1", ".*"),
    "lying-chunk": (lying_chunk, "1", "x"), "short-data": (short_data, "1", "x"), "enormous": (enormous, "1", GOOD),
    "too-large-size": (too_large_size, "1", "x"), "far-chunk": (far_chunk, "1", "x"), "wrong-tag": (wrong_tag, "1", "x"),
    "swapped-tags": (swapped_tags, "1", "x"), "setuid": (setuid, "0", "x,x/suid,x/sticky"), "unasked": (unasked, "1", "x"),
    "nobody-asked": (nobody_asked, "1", "x"), "same-name": (twice, "1", "x,x/same"),
    "wrong-first": (raw(manifest(entry(FOLDER, "x"), first=5)), "1", "x"), "leave-first": (raw(manifest(entry(LEAVE))), "1", ""),
    "no-leave": (lambda s: s.send(manifest(entry(FOLDER, "x"))), "0|1", "x"),
    "two-roots": (raw(manifest(entry(FILE, "x"), entry(FILE, "y"))), "1", "x"),
    "unknown-type": (raw(tree(entry(9, "device"))), "1", "x"), "window": (raw(*[
        manifest(*[entry(FILE, f"f{n}") for n in range(start, start + 256)], first=start, last=False)
        for start in range(0, 256 * 40, 256)]), "1", ""),
    "data-first": (raw(frame(DATA, b"x" * 70000)), "1", ""), "endless-data": (data_without_end, "1", "x"),
    "keep-what-is-not": (raw(tree(entry(FILE, "file", size=4)), message(KEEP, 0, {"entry": 1, "offset": 0, "size": 1 << 62})),
                         "1", "x"),
    "ends-early": (raw(tree(entry(FILE, "file", size=4)), frame(FIN)), "1", "x"),
    "done-too-early": (raw(message(FILES_DONE, 0, {"digest": b""})), "1", ""),
    "need-to-receiver": (raw(message(NEED, 0, {"runs": [{"first": 0, "count": 1 << 60, "action": 1}]})), "1", ""),
    "attribute-flood": (flood_of(message(ATTRIBUTE, 0, {"entry": 1, "name": "user.x", "value": b"v" * 4096})), "1", "x"),
    "totals-lie": (lambda s: (s.send(message(TOTALS, 0, {"files": (1 << 64) - 1, "bytes": (1 << 64) - 1})),
                              s.whole([entry(FILE, "good", size=4)], (1, b"good"))), "0", GOOD),
    "failed-again": (raw(tree(entry(FILE, "file", size=4)), *[message(FILE_FAILED, 0, {"entry": 1, "status": -11001,
                                                                                      "text": "\x1b]0;owned\x07"})] * 2), "1", "x"),
    "again-for-ever": (flood_of(message(FILE_AGAIN, 0, {"entry": 1})), "1", "x"),
    "garbage": (raw(b"\xff" * 5000), "1", ""), "rst-escapes": (raw(frame(RST, struct.pack(">i", -11008) + b"\x1b[31mred")), "4", ""),
}


def run(attack, sender):
    """Says it, then listens until the receiver ends it, or gives up when that waits for more. Answers FILES_DONE by FIN."""
    try:
        ATTACKS[attack][0](sender)
        sender.peer.socket.settimeout(PATIENCE_S)
        while True:
            kind, payload = sender.peer.frame()
            if kind == RST:
                return
            if kind == MESSAGE and unpack_from(payload, 0)[0][0] == FILES_DONE:
                sender.send(frame(FIN))
    except TimeoutError:
        sender.peer.tell(frame(RST, struct.pack(">i", -11001)))
    except (Ended, OSError):
        pass


# ---- as an agent ----

def serve_files(attack, session, peer, body):
    check = AES if body.get("checks", 0) & AES else body.get("checks", 0) & CHACHA
    if body["operation"] != GET:
        peer.close()
        return
    peer.send(message(FILES_OPENED, 0, {"check": check, "path": "/x"}))
    run(attack, Sender(peer, session.keys.file_keys(peer.connection), check))


def serve(attack, agent, connection):
    peer = Peer(connection, timeout=None)
    with connection:
        try:
            what, session, body = agent.greet(peer)
            if what == "control":
                peer.send(welcome(session.id, capabilities=["files"]))
                while True:
                    number, request, _ = peer.message()
                    if number == PING:
                        peer.send(message(PONG, request))
            if what == "events":
                peer.send(welcome(session.id, epoch=7, sequence=1))
                peer.send(message(PORTS, 1, {"snapshot": True}))
                peer.frame()
            if what == "files":
                serve_files(attack, session, peer, body)
        except (OSError, Ended, Failed):
            pass


def accept(attack, agent, server):
    while True:
        threading.Thread(target=serve, args=(attack, agent, server.accept()[0]), daemon=True).start()


def serve_all(folder):
    for attack in ATTACKS:
        path = os.path.join(folder, attack)
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen(64)
        threading.Thread(target=accept, args=(attack, Agent(key_file(path + ".key")), server), daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


# ---- as a bridge ----

def put_all(target, own, folder):
    bridge = Bridge(target, own=key_file(own)).connect()
    for attack in ATTACKS:
        peer = bridge.join()
        peer.send(message(FILES_OPEN, 0, {"session": bridge.session, "operation": PUT, "id": os.urandom(16), "paths": [],
                                          "to": os.path.join(folder, attack), "checks": AES | CHACHA, "flags": 1}))
        number, _, body = peer.message()
        if number != FILES_OPENED:
            sys.exit(f"{attack}: message {number} instead of FILES_OPENED")
        run(attack, Sender(peer, bridge.keys.file_keys(peer.connection), body.get("check", 0)))
        peer.close()
        print(attack, flush=True)


def main():
    if sys.argv[1:] == ["list"]:
        for attack, (_, status, made) in ATTACKS.items():
            print(attack, status, made or "-")
    elif len(sys.argv) == 3 and sys.argv[1] == "serve":
        serve_all(sys.argv[2])
    elif len(sys.argv) == 5 and sys.argv[1] == "put":
        put_all(*sys.argv[2:])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
