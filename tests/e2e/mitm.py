#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Somebody between a bridge and its agent.

usage: mitm.py serve PORT TARGET MODE_FILE FOLDER   listens on 127.0.0.1:PORT; TARGET is where the agent is
       mitm.py replay FILE TARGET                   says to TARGET what a bridge once said; prints how that ends

MODE_FILE is read for each connection:
  pass                  all as it is
  flip-up|flip-down N   of each connection but control sessions, byte N of that direction is flipped
  cut N                 of each connection but control sessions, the agent's direction ends after N bytes, both are closed
  end N                 the same, with FIN where it ends, as if the agent had said so
  hello JSON            the fields of a control session's HELLO are changed so
  own                   with a key of its own towards both, as agent and as bridge; a code is passed on as asked for

FOLDER gets N-control.up (from the bridge), N-control.down or N-join.up, N-join.down of each connection, and of `own` the
files agent-said and bridge-said, with the last word of each, and codes.
"""

import itertools
import json
import os
import socket
import sys
import threading

from noise import Failed, KeyPair
from sealed import BadRecord
from session import Agent, Bridge, Refused
from wire import FIN, HELLO, JOIN, MESSAGE, PAIR, REFUSE, Ended, Peer, frame, message, pack, unpack_from

OTHER_KEY = -10025


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path + ".part", "w", encoding="ascii") as file:
        file.write(text + "\n")
    os.rename(path + ".part", path)


def close(*sockets):
    for one in sockets:
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        one.close()


class Direction(threading.Thread):
    """Copies one way; flips a byte, or ends all of it after some."""

    def __init__(self, source, target, record, flip=None, cut=None, last=b""):
        super().__init__(daemon=True)
        self.source, self.target, self.record = source, target, record
        self.flip, self.cut, self.last, self.count = flip, cut, last, 0

    def changed(self, data):
        if self.flip is not None and self.count <= self.flip < self.count + len(data):
            at = self.flip - self.count
            data = data[:at] + bytes((data[at] ^ 1,)) + data[at + 1:]
        if self.cut is not None and self.count + len(data) >= self.cut:
            data = data[:self.cut - self.count]
        self.count += len(data)
        return data

    def run(self):
        try:
            with open(self.record, "ab") as record:
                while data := self.source.recv(65536):
                    record.write(data)
                    record.flush()
                    self.target.sendall(self.changed(data))
                    if self.count == self.cut:
                        self.target.sendall(self.last)
                        close(self.source, self.target)
                        return
            self.target.shutdown(socket.SHUT_WR)
        except OSError:
            close(self.source, self.target)


def read_first(peer):
    """The first frame, and the message in it."""
    kind, payload = peer.frame_plain()
    said = unpack_from(payload, 0)[0] if kind == MESSAGE else [None, 0, {}]
    return payload, said


def relay(peer, target, mode, argument, folder, number):
    payload, said = read_first(peer)
    agent = Peer.dial(target)
    for end in (peer, agent):
        end.socket.settimeout(None)
    control = said[0] == HELLO
    if control and mode == "hello":
        payload = pack([HELLO, said[1], {**said[2], **json.loads(argument)}])
    stem = os.path.join(folder, f"{number}-{'control' if control else 'join'}")
    with open(stem + ".up", "wb") as record:
        record.write(frame(MESSAGE, payload))
    agent.send_plain(frame(MESSAGE, payload))
    at = int(argument) if argument.isdigit() and not control else None
    up = Direction(peer.socket, agent.socket, stem + ".up", at if mode == "flip-up" else None)
    down = Direction(agent.socket, peer.socket, stem + ".down", at if mode == "flip-down" else None,
                     at if mode in ("cut", "end") else None, frame(FIN) if mode == "end" else b"")
    up.start()
    down.run()
    up.join()
    close(peer.socket, agent.socket)


def towards_agent(target, own, folder):
    """As a bridge: says what the agent thinks of it. The bridge when a code is asked for, else None."""
    bridge = Bridge(target, own, link="tcp", compare=True, sealing=1)
    try:
        bridge.authenticate()
        bridge.expect(PAIR)
        write(folder, "agent-said", "PAIR")
        return bridge
    except (Refused, Ended, Failed, BadRecord, OSError) as problem:
        write(folder, "agent-said", str(problem) or type(problem).__name__)
        return None


def in_between(peer, target, own, folder):
    """As an agent towards the bridge, and as a bridge towards the agent. Both may take their time."""
    payload, said = read_first(peer)
    if said[0] == JOIN:
        return
    bridge = towards_agent(target, own, folder)
    try:
        session = Agent(own).authenticate(peer, payload)
    except Failed:
        peer.send_plain(message(REFUSE, 0, {"status": OTHER_KEY}))
        peer.ending()
        return
    if bridge:
        write(folder, "codes", f"{session.code} {bridge.code()}")
        peer.send(message(PAIR))
        peer.socket.settimeout(None)
        bridge.control.socket.settimeout(None)
    write(folder, "bridge-said", peer.ending() if bridge else "let in")
    if bridge:
        bridge.close()


def serve_one(connection, target, mode_file, folder, number, own):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with open(mode_file, encoding="ascii") as file:
        mode, _, argument = file.read().strip().partition(" ")
    peer = Peer(connection)
    try:
        if mode == "own":
            in_between(peer, target, own, folder)
        else:
            relay(peer, target, mode, argument, folder, number)
    except (OSError, Ended):
        pass
    close(connection)


def serve(port, target, mode_file, folder):
    own = KeyPair()
    server = socket.create_server(("127.0.0.1", int(port)), backlog=128)
    for number in itertools.count():
        arguments = (server.accept()[0], target, mode_file, folder, number, own)
        threading.Thread(target=serve_one, args=arguments, daemon=True).start()


def replay(file, target):
    peer = Peer.dial(target)
    with open(file, "rb") as record:
        data = record.read()
    try:
        peer.send_plain(data)
    except OSError:
        pass
    print(peer.ending())


COMMANDS = {"serve": serve, "replay": replay}

if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    COMMANDS[sys.argv[1]](*sys.argv[2:])
