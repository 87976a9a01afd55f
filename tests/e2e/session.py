#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Both sides of a control session as docs/protocol.md has them under "Authentication", for test peers: a bridge that dials
and an agent that listens, each step by itself, so that a hostile peer may go wrong at any of them.

usage: session.py key KEY_FILE       prints the public key of the pair in this file, which is made when it is missing
       session.py agent-key ADDRESS  prints the public key of the agent there
       session.py bridge-key SOCKET  listens there, prints the public key of the first bridge that dials, and ends
"""

import base64
import os
import socket
import struct
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

import sealed
from noise import Failed, Handshake, KeyPair, cipher_nonce
from sealed import commitment
from wire import (AUTH, CHANNEL_OPEN, FILES_OPEN, HELLO, IK, IKPSK2, JOIN, LOOPBACK, MESSAGE, REFUSE, STATUS, WELCOME, XX,
                  XXPSK3, Ended, Peer, auth, channel_open, hello, join, unpack_from)

PATTERN_NAMES = {XX: "XX", IK: "IK", IKPSK2: "IKpsk2", XXPSK3: "XXpsk3"}
FIRST_MEETINGS = (XX, XXPSK3)
AUTO, ALWAYS, NEVER = range(3)  # what a side says of sealing
ALWAYS_SEALED = ("tcp", "exec")
KINDS = {HELLO: "events", CHANNEL_OPEN: "channel", FILES_OPEN: "files"}
OFFERED = sealed.CHACHA20_POLY1305 | sealed.AES_256_GCM


class Refused(Exception):
    """By REFUSE, RST or the end of the connection; its text is what Peer.ending() says."""


def key_file(path):
    """A key pair in a file of its own, made when it is missing."""
    if not os.path.exists(path):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.write(KeyPair().private)
    with open(path, "rb") as file:
        return KeyPair(file.read())


def key_text(public):
    return base64.b64encode(public).decode()


class Bridge:
    """A bridge at an agent's address (for Peer.dial). Knows the agent's key: IK; else XX."""

    def __init__(self, target, own=None, agent_key=None, psk=None, sealing=AUTO, ciphers=OFFERED, link="unix",
                 compare=False, events=None, **hello_fields):
        self.target, self.events_target = target, events or target
        self.own, self.agent_key, self.psk, self.compare = own or KeyPair(), agent_key, psk, compare
        if agent_key:
            self.pattern = IKPSK2 if psk else IK
        else:
            self.pattern = XXPSK3 if psk else XX
        self.nonce, self.agent_nonce = os.urandom(32), None
        self.hello = hello(sealing=sealing, ciphers=ciphers, **{"link": link, "pattern": self.pattern, **hello_fields})
        self.handshake = self.keys = self.cipher = self.session = self.welcome = self.control = None
        self.number = 0

    # Step by step; each gives what has to be sent, or takes what came.

    def message_1(self):
        first = self.pattern in FIRST_MEETINGS
        self.handshake = Handshake(PATTERN_NAMES[self.pattern], True, self.hello[12:], self.own, self.agent_key, self.psk)
        return self.handshake.write(commitment(self.nonce, self.own.public) if first else b"")

    def take_2(self, data):
        payload = self.handshake.read(data)
        if len(payload) != (36 if self.pattern in FIRST_MEETINGS else 4):
            raise Failed(f"a payload of {len(payload)} bytes in message 2")
        version, self.cipher, zero = struct.unpack(">HBB", payload[:4])
        if version != 1 or self.cipher > 2 or zero:
            raise Failed("version, cipher or zero")
        self.agent_nonce = payload[4:]

    def message_3(self):
        if self.pattern in FIRST_MEETINGS:
            data = self.handshake.write(self.nonce + bytes((self.compare,)))
        else:
            data = ChaCha20Poly1305(self.handshake.split()[0]).encrypt(cipher_nonce(0), b"", b"")
        self.keys = sealed.SessionKeys(*self.handshake.split(), self.handshake.hash, self.cipher)
        return data

    def code(self):
        return self.keys.code(self.nonce, self.agent_nonce)

    def seal(self, peer, number):
        if self.cipher:
            peer.seal(*self.keys.record_keys(number))
        return peer

    # All of it, as an honest bridge does.

    def begin(self):
        self.control = Peer.dial(self.target)
        return self.control.tell(self.hello + auth(self.message_1()))

    def expect(self, wanted):
        kind, payload = self.control.frame()
        number, _, body = unpack_from(payload, 0)[0] if kind == MESSAGE else (None, None, {})
        if number != wanted:
            if number == REFUSE:
                raise Refused("REFUSE " + STATUS.get(body["status"], str(body["status"])))
            raise Refused(f"frame {kind}, message {number}")
        return body

    def authenticate(self):
        """Up to AUTH 3; the agent's verdict is still to come."""
        self.begin()
        self.take_2(self.expect(AUTH)["message"])
        self.control.send(auth(self.message_3()))
        self.seal(self.control, 0)
        return self

    def connect(self):
        self.authenticate()
        self.welcome = self.expect(WELCOME)
        self.session = self.welcome["session"]
        return self

    def next_number(self):
        self.number += 1
        return self.number

    def join(self, target=None, timeout=20):
        """A further connection, JOIN said."""
        number = self.next_number()
        peer = Peer.dial(target or self.target, timeout)
        peer.connection = number
        peer.tell(join(self.session, number, self.keys.proof(self.session, number)))
        return self.seal(peer, number)

    def feed(self, **cursor):
        return self.join(self.events_target).tell(hello(role=2, session=self.session, **cursor))

    def channel(self, port, addresses=(LOOPBACK,)):
        return self.join().tell(channel_open(self.session, port, addresses))

    def close(self):
        if self.control:
            self.control.close()


class ServedSession:
    """A control session as its agent has it."""

    def __init__(self, keys, peer_key, hello_body):
        self.id = os.urandom(16)
        self.keys, self.peer_key, self.hello = keys, peer_key, hello_body

    def seal(self, peer, number):
        if self.keys.cipher:
            to_agent, to_bridge = self.keys.record_keys(number)
            peer.seal(to_bridge, to_agent)


class Agent:
    """An agent that lets everyone in whose handshake is right."""

    def __init__(self, own=None, psk=None, sealing=AUTO, ciphers=OFFERED):
        self.own, self.psk, self.sealing, self.ciphers = own or KeyPair(), psk, sealing, ciphers
        self.sessions = {}

    def choose_cipher(self, body):
        wants = body.get("sealing", AUTO)
        if ALWAYS not in (wants, self.sealing) and body.get("link") not in ALWAYS_SEALED:
            return sealed.PLAIN
        both = self.ciphers & body.get("ciphers", 0)
        return sealed.AES_256_GCM if both & sealed.AES_256_GCM else sealed.CHACHA20_POLY1305

    def authenticate(self, peer, hello_payload, change_2=lambda data: data):
        """HELLO has been read; up to AUTH 3. change_2 makes the message that is sent of the one that should be."""
        body = unpack_from(hello_payload, 0)[0][2]
        pattern = body["pattern"]
        handshake = Handshake(PATTERN_NAMES[pattern], False, hello_payload, self.own, None, self.psk)
        payload_1 = handshake.read(peer.message()[2]["message"])
        cipher, nonce = self.choose_cipher(body), os.urandom(32)
        first = pattern in FIRST_MEETINGS
        if len(payload_1) != (32 if first else 0):
            raise Failed(f"a payload of {len(payload_1)} bytes in message 1")
        payload_2 = struct.pack(">HBB", 1, cipher, 0) + (nonce if first else b"")
        peer.send(auth(change_2(handshake.write(payload_2))))
        message_3 = peer.message()[2]["message"]
        if first:
            payload_3 = handshake.read(message_3)
            if len(payload_3) != 33 or commitment(payload_3[:32], handshake.peer) != payload_1:
                raise Failed("the bridge's nonce is not the one that it committed itself to")
        else:
            try:
                ChaCha20Poly1305(handshake.split()[0]).decrypt(cipher_nonce(0), message_3, b"")
            except InvalidTag as error:
                raise Failed("the bridge does not hold the keys") from error
        keys = sealed.SessionKeys(*handshake.split(), handshake.hash, cipher)
        session = ServedSession(keys, handshake.peer, body)
        session.code = keys.code(payload_3[:32], nonce) if first else None
        self.sessions[session.id] = session
        session.seal(peer, 0)
        return session

    def admit(self, peer, join_body):
        """JOIN has been read: its session, with the rest of the connection in records where they are due."""
        session = self.sessions.get(join_body["session"])
        if not session or session.keys.proof(session.id, join_body["connection"]) != join_body["proof"]:
            raise Failed("a JOIN that proves nothing")
        peer.connection = join_body["connection"]
        session.seal(peer, peer.connection)
        return session

    def greet(self, peer):
        """Reads what a connection says first: (what it is, its session, the body that says so)."""
        kind, payload = peer.frame()
        number, _, body = unpack_from(payload, 0)[0]
        if kind == MESSAGE and number == HELLO and body["role"] == 1:
            return "control", self.authenticate(peer, payload), body
        if kind == MESSAGE and number == JOIN:
            session = self.admit(peer, body)
            number, _, body = peer.message()
            if number in KINDS:
                return KINDS[number], session, body
        raise Failed(f"frame {kind}, message {number} at first")


def ask_agent(target):
    """Begins a handshake as a stranger; the agent's key is known before the agent knows whose it is."""
    bridge = Bridge(target)
    bridge.begin()
    bridge.take_2(bridge.expect(AUTH)["message"])
    return bridge.handshake.peer


def ask_bridge(path):
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    agent = Agent()
    while True:
        peer = Peer(server.accept()[0])
        try:
            return agent.greet(peer)[1].peer_key
        except (Failed, Ended, TimeoutError):
            peer.close()


if __name__ == "__main__":
    COMMANDS = {"key": lambda path: key_file(path).public, "agent-key": ask_agent, "bridge-key": ask_bridge}
    if len(sys.argv) != 3 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    print(key_text(COMMANDS[sys.argv[1]](sys.argv[2])))
