#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The Noise protocol framework, revision 34, for 25519, ChaChaPoly and BLAKE2b: the handshakes of test peers. Written
from the framework's own page, so that the daemons meet an implementation that shares nothing with theirs.

usage: noise.py --vectors FILE     compares it with published vectors, in the form that cacophony and snow use
"""

import hashlib
import hmac
import json
import struct
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

KEY, TAG = 32, 16

# What is known before the first message (of the initiator, of the responder), then the tokens of each message.
PATTERNS = {
    "NN": ("", "", ["e", "e ee"]),
    "XX": ("", "", ["e", "e ee s es", "s se"]),
    "IK": ("", "s", ["e es s ss", "e ee se"]),
    "KK": ("s", "s", ["e es ss", "e ee se"]),
}


class Failed(Exception):
    """The handshake can't go on: the other side is not who it should be, or the bytes are not what it sent."""


class KeyPair:
    """A private key, and the public one with it."""

    def __init__(self, private=None):
        self.key = X25519PrivateKey.from_private_bytes(private) if private else X25519PrivateKey.generate()
        self.private = self.key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        self.public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def exchange(self, public):
        try:
            return self.key.exchange(X25519PublicKey.from_public_bytes(public))
        except ValueError as error:
            raise Failed("the shared secret is zero") from error


def blake2b(data):
    return hashlib.blake2b(data).digest()


def hkdf(key, material, count):
    secret = hmac.new(key, material, hashlib.blake2b).digest()
    outputs, last = [], b""
    for number in range(1, count + 1):
        last = hmac.new(secret, last + bytes((number,)), hashlib.blake2b).digest()
        outputs.append(last)
    return outputs


def cipher_nonce(number):
    return bytes(4) + struct.pack("<Q", number)


class Handshake:
    """One side of a handshake. `pattern` is a name such as "IKpsk2"; `own` and `ephemeral` are key pairs, `peer` a public
    key, `psk` 32 bytes, each where the pattern wants it."""

    def __init__(self, pattern, initiator, prologue=b"", own=None, peer=None, psk=None, ephemeral=None):
        self.initiator, self.own, self.peer, self.psk = initiator, own, peer, psk
        self.ephemeral, self.peer_ephemeral = ephemeral, None
        base, modifiers = pattern[:2], pattern[2:].replace("psk", "").split("+") if pattern[2:] else []
        first, second, messages = PATTERNS[base]
        self.messages = [message.split() for message in messages]
        for modifier in modifiers:
            if modifier == "0":
                self.messages[0].insert(0, "psk")
            else:
                self.messages[int(modifier) - 1].append("psk")
        self.has_psk = bool(modifiers)
        self.turn = 0
        self.key, self.number = None, 0
        name = f"Noise_{pattern}_25519_ChaChaPoly_BLAKE2b".encode()
        self.hash = name.ljust(64, b"\0") if len(name) <= 64 else blake2b(name)
        self.chaining = self.hash
        self.mix_hash(prologue)
        for known, of_initiator in ((first, True), (second, False)):
            if known:
                self.mix_hash(own.public if of_initiator == initiator else peer)

    def mix_hash(self, data):
        self.hash = blake2b(self.hash + data)

    def mix_key(self, material):
        self.chaining, key = hkdf(self.chaining, material, 2)
        self.key, self.number = key[:KEY], 0

    def mix_psk(self):
        self.chaining, digest, key = hkdf(self.chaining, self.psk, 3)
        self.mix_hash(digest)
        self.key, self.number = key[:KEY], 0

    def seal(self, plain):
        if self.key:
            sealed = ChaCha20Poly1305(self.key).encrypt(cipher_nonce(self.number), plain, self.hash)
            self.number += 1
        else:
            sealed = plain
        self.mix_hash(sealed)
        return sealed

    def open(self, sealed):
        plain = sealed
        if self.key:
            try:
                plain = ChaCha20Poly1305(self.key).decrypt(cipher_nonce(self.number), sealed, self.hash)
            except InvalidTag as error:
                raise Failed("not authentic") from error
            self.number += 1
        self.mix_hash(sealed)
        return plain

    def agree(self, token):
        """ee, es, se, ss: the initiator's key is named first."""
        mine, theirs = token if self.initiator else token[::-1]
        pair = self.ephemeral if mine == "e" else self.own
        self.mix_key(pair.exchange(self.peer_ephemeral if theirs == "e" else self.peer))

    def write(self, payload=b""):
        message = b""
        for token in self.messages[self.turn]:
            if token == "e":
                self.ephemeral = self.ephemeral or KeyPair()
                message += self.ephemeral.public
                self.mix_hash(self.ephemeral.public)
                if self.has_psk:
                    self.mix_key(self.ephemeral.public)
            elif token == "s":
                message += self.seal(self.own.public)
            elif token == "psk":
                self.mix_psk()
            else:
                self.agree(token)
        self.turn += 1
        return message + self.seal(payload)

    def read(self, message):
        def cut(size):
            nonlocal message
            if len(message) < size:
                raise Failed("too short")
            part, message = message[:size], message[size:]
            return part

        for token in self.messages[self.turn]:
            if token == "e":
                self.peer_ephemeral = cut(KEY)
                self.mix_hash(self.peer_ephemeral)
                if self.has_psk:
                    self.mix_key(self.peer_ephemeral)
            elif token == "s":
                self.peer = self.open(cut(KEY + (TAG if self.key else 0)))
            elif token == "psk":
                self.mix_psk()
            else:
                self.agree(token)
        self.turn += 1
        if self.key and len(message) < TAG:
            raise Failed("too short")
        return self.open(message)

    def is_finished(self):
        return self.turn == len(self.messages)

    def split(self):
        """The transport keys: of what the initiator sends, then of what the responder sends."""
        first, second = hkdf(self.chaining, b"", 2)
        return first[:KEY], second[:KEY]


def check_vector(vector):
    def side(prefix, initiator):
        def given(name):
            value = vector.get(f"{prefix}_{name}")
            return bytes.fromhex(value) if value else None

        psks = vector.get(f"{prefix}_psks") or []
        return Handshake(vector["protocol_name"].split("_")[1], initiator, given("prologue") or b"",
                         KeyPair(given("static")) if given("static") else None, given("remote_static"),
                         bytes.fromhex(psks[0]) if psks else None, KeyPair(given("ephemeral")))

    sides = [side("init", True), side("resp", False)]
    counts = [0, 0]
    for turn, step in enumerate(vector["messages"]):
        writer, reader = sides[turn % 2], sides[1 - turn % 2]
        payload, wanted = bytes.fromhex(step["payload"]), bytes.fromhex(step["ciphertext"])
        if not writer.is_finished():
            got = writer.write(payload)
            back = reader.read(wanted)
        else:
            key = ChaCha20Poly1305(writer.split()[turn % 2])
            got = key.encrypt(cipher_nonce(counts[turn % 2]), payload, b"")
            back = key.decrypt(cipher_nonce(counts[turn % 2]), wanted, b"")
            counts[turn % 2] += 1
        if got != wanted or back != payload:
            sys.exit(f"{vector['protocol_name']} ({vector.get('source')}): message {turn} differs")
    if any(one.split() != sides[0].split() or one.hash != sides[0].hash for one in sides):
        sys.exit(f"{vector['protocol_name']}: the sides differ")
    if "handshake_hash" in vector and sides[0].hash.hex() != vector["handshake_hash"]:
        sys.exit(f"{vector['protocol_name']}: the handshake hash differs")


def main():
    if len(sys.argv) != 3 or sys.argv[1] != "--vectors":
        sys.exit(__doc__)
    with open(sys.argv[2], encoding="ascii") as file:
        vectors = json.load(file)["vectors"]
    if not vectors:
        sys.exit(f"{sys.argv[2]} holds no vectors")
    for vector in vectors:
        check_vector(vector)
    print(len(vectors), "vectors agree")


if __name__ == "__main__":
    main()
