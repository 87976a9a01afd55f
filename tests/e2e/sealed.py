# SPDX-License-Identifier: MIT
"""What docs/protocol.md says under "Keys" and "Records", for test peers: the keys of a session, proofs, the code that
people compare, and the records that carry a sealed connection."""

import hashlib
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

PLAIN, CHACHA20_POLY1305, AES_256_GCM = 0, 1, 2
RECORD_PLAIN_MAX = 65536
RECORDS_A_KEY = 65536
TAG = 16


def keyed(size, key, data):
    return hashlib.blake2b(data, digest_size=size, key=key).digest()


def commitment(nonce, public):
    return keyed(32, nonce, b"Hospes commit" + public)


class BadRecord(Exception):
    """A record that does not open."""


class RecordKey:
    """One direction of one connection: seals or opens, counts, and changes its key in time."""

    def __init__(self, cipher, key):
        self.make = {CHACHA20_POLY1305: ChaCha20Poly1305, AES_256_GCM: AESGCM}[cipher]
        self.key, self.number = key, 0
        self.aead = self.make(key)

    def next_nonce(self):
        if self.number == RECORDS_A_KEY:
            self.key, self.number = keyed(32, self.key, b"Hospes ratchet"), 0
            self.aead = self.make(self.key)
        self.number += 1
        return bytes(4) + struct.pack(">Q", self.number - 1)

    def seal(self, data):
        """Records that hold the bytes, one after another."""
        records = b""
        for start in range(0, len(data), RECORD_PLAIN_MAX):
            part = data[start:start + RECORD_PLAIN_MAX]
            size = struct.pack(">I", len(part) + TAG)
            records += size + self.aead.encrypt(self.next_nonce(), part, size)
        return records

    def open(self, size, body):
        try:
            return self.aead.decrypt(self.next_nonce(), body, size)
        except InvalidTag as error:
            raise BadRecord("a record is not authentic") from error


class SessionKeys:
    """`first` and `second` are Noise's transport keys, `transcript` its handshake hash."""

    def __init__(self, first, second, transcript, cipher):
        self.master = keyed(32, first + second, b"Hospes session" + transcript)
        self.cipher = cipher

    def proof(self, session, number):
        return keyed(32, self.master, b"Hospes proof" + session + struct.pack(">Q", number))

    def record_keys(self, number):
        """Bridge → agent, agent → bridge."""
        keys = keyed(64, self.master, b"Hospes connection" + struct.pack(">Q", number))
        return RecordKey(self.cipher, keys[:32]), RecordKey(self.cipher, keys[32:])

    def file_keys(self, number):
        """Of CHECK and of DIGESTS."""
        keys = keyed(64, self.master, b"Hospes files" + struct.pack(">Q", number))
        return keys[:32], keys[32:]

    def code(self, bridge_nonce, agent_nonce):
        digest = keyed(32, self.master, b"Hospes code" + bridge_nonce + agent_nonce)
        return f"{struct.unpack('>Q', digest[:8])[0] % 1000000:06d}"
