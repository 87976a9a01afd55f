# SPDX-License-Identifier: MIT
"""The wire of docs/protocol.md for test peers, written from that page alone: frames, msgpack, the messages they need, and
connections that are plain or sealed. Who may speak at all is session.py's.

Nothing is checked on the way out: a hostile peer may say what it likes.
"""

import socket
import struct

import sealed

MESSAGE, DATA, DATAGRAM, FIN, RST, CREDIT = range(1, 7)
HELLO, WELCOME, REFUSE, PING, PONG, ERROR, AUTH, JOIN, PAIR = range(1, 10)
HEALTH_REQUEST, HEALTH = 16, 17
CHANNEL_OPEN, CHANNEL_OPENED = 32, 33
PORTS, REFUSALS, OFFERS = 48, 49, 50
FILES_OPEN, FILES_OPENED = 64, 65
MANIFEST, PACK, CHUNK, CHECK, KEEP, FILE_END, ATTRIBUTE, TOTALS, FILE_FAILED, FILE_AGAIN = range(66, 76)
NEED, DIGESTS, SETTLED, PAUSED, FILES_DONE = range(80, 85)
XX, IK, IKPSK2, XXPSK3 = range(1, 5)
STATUS = {-10001: "MALFORMED", -10002: "TOO_LARGE", -10003: "VERSION", -10004: "UNKNOWN_SESSION", -10005: "NOT_ALLOWED",
          -10006: "NOT_SUPPORTED", -10007: "LIMIT", -10014: "NEEDS_AUTHENTICATION", -10015: "UNEXPECTED", -10016: "GONE",
          -10022: "NOT_PAIRED", -10023: "KEY_CHANGED", -10024: "AUTHENTICATION_FAILED", -10025: "OTHER_KEY",
          -10026: "CODE_NEEDED", -10027: "DECLINED", -11002: "ECONNREFUSED"}
FRAME_DATA_MAX = 1 << 20
LOOPBACK = bytes((127, 0, 0, 1))


class Raw(bytes):
    """Bytes that stand for themselves inside a message."""


def pack(value):
    """Msgpack; the longest form where it makes no difference, since the other side must take it."""
    if isinstance(value, Raw):
        return bytes(value)
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        if 0 <= value < 128:
            return bytes((value,))
        return b"\xcf" + struct.pack(">Q", value) if value >= 0 else b"\xd3" + struct.pack(">q", value)
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, str):
        value = value.encode()
        return (b"\xd9" + bytes((len(value),)) if len(value) < 256 else b"\xda" + struct.pack(">H", len(value))) + value
    if isinstance(value, bytes):
        return (b"\xc4" + bytes((len(value),)) if len(value) < 256 else b"\xc5" + struct.pack(">H", len(value))) + value
    if isinstance(value, (list, tuple)):
        return b"\xdc" + struct.pack(">H", len(value)) + b"".join(map(pack, value))
    pairs = list(value.items())
    return b"\xde" + struct.pack(">H", len(pairs)) + b"".join(pack(part) for pair in pairs for part in pair)


def unpack_from(data, at):
    """The value at `at`, and where the next one starts."""
    first = data[at]
    at += 1
    if first < 0x80:
        return first, at
    if first >= 0xE0:
        return first - 256, at
    if first < 0x90:
        return unpack_map(data, at, first & 15)
    if first < 0xA0:
        return unpack_list(data, at, first & 15)
    if first < 0xC0:
        return data[at:at + (first & 31)].decode(), at + (first & 31)
    if first in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[first], at
    numbers = {0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q",
               0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"}
    if first in numbers:
        return struct.unpack_from(numbers[first], data, at)[0], at + struct.calcsize(numbers[first])
    form = {0xC4: ">B", 0xC5: ">H", 0xC6: ">I", 0xD9: ">B", 0xDA: ">H", 0xDB: ">I",
            0xDC: ">H", 0xDD: ">I", 0xDE: ">H", 0xDF: ">I"}[first]
    count = struct.unpack_from(form, data, at)[0]
    at += struct.calcsize(form)
    if first >= 0xDE:
        return unpack_map(data, at, count)
    if first >= 0xDC:
        return unpack_list(data, at, count)
    value = bytes(data[at:at + count])
    return (value if first <= 0xC6 else value.decode()), at + count


def unpack_list(data, at, count):
    values = []
    for _ in range(count):
        value, at = unpack_from(data, at)
        values.append(value)
    return values, at


def unpack_map(data, at, count):
    values, at = unpack_list(data, at, 2 * count)
    return dict(zip(values[::2], values[1::2])), at


def frame(kind, payload=b"", length=None, flags=0, channel=0, zero=0):
    return struct.pack(">IIBBH", len(payload) if length is None else length, channel, kind, flags, zero) + payload


def message(kind, number=0, body=None):
    return frame(MESSAGE, pack([kind, number, body or {}]))


def rst(status, text=b""):
    return frame(RST, struct.pack(">i", status) + text)


def hello(role=1, version=1, version_min=1, **more):
    return message(HELLO, 0, {"version": version, "versionMin": version_min, "role": role, "software": "test",
                              "link": "unix", **more})


def welcome(session=bytes(16), **more):
    return message(WELCOME, 0, {"version": 1, "session": session, "software": "evil 1", "hostname": "evil", **more})


def auth(data):
    return message(AUTH, 0, {"message": data})


def join(session, connection, proof):
    return message(JOIN, 0, {"session": session, "connection": connection, "proof": proof})


def channel_open(session, port=80, addresses=(LOOPBACK,), protocol=1):
    return message(CHANNEL_OPEN, 0, {"session": session, "protocol": protocol, "port": port, "addresses": addresses})


def port(number, **more):
    return {"protocol": 1, "address": LOOPBACK, "port": number, "uid": 0, **more}


class Ended(Exception):
    """How a connection ended: "eof" or "reset", and of a sealed one also "RST …" and "fin"."""


class Peer:
    """A connection, read frame by frame. `seal` puts all that follows into records."""

    def __init__(self, connection, timeout=20):
        self.socket = connection
        self.sealer = self.opener = None
        self.received = bytearray()  # bytes of records that are not complete
        self.opened = bytearray()  # what was in the others
        connection.settimeout(timeout)

    @classmethod
    def dial(cls, target, timeout=20):
        """A Unix socket's path, or ADDRESS:PORT."""
        if "/" in target:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(timeout)
            connection.connect(target)
        else:
            address, _, number = target.rpartition(":")
            connection = socket.create_connection((address, int(number)), timeout)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(connection, timeout)

    def seal(self, sealer, opener):
        self.sealer, self.opener = sealer, opener

    def send(self, data):
        return self.send_records(self.sealer.seal(data)) if self.sealer else self.send_plain(data)

    def tell(self, data):
        """Sends to one who may have hung up, and perhaps said why."""
        try:
            return self.send(data)
        except (BrokenPipeError, ConnectionResetError):
            return self

    def send_records(self, records):
        for start in range(0, len(records), FRAME_DATA_MAX):
            self.send_plain(frame(DATA, records[start:start + FRAME_DATA_MAX]))
        return self

    def send_plain(self, data):
        self.socket.sendall(data)
        return self

    def end(self):
        """Ends the direction as an honest peer does."""
        self.send(frame(FIN))
        if self.sealer:
            self.send_plain(frame(FIN))
        return self

    def read_plain(self, size):
        data = bytearray()
        while len(data) < size:
            try:
                piece = self.socket.recv(size - len(data))
            except (ConnectionResetError, BrokenPipeError) as error:
                raise Ended("reset") from error
            if not piece:
                raise Ended("eof")
            data += piece
        return bytes(data)

    def frame_plain(self):
        length, _, kind, _, _ = struct.unpack(">IIBBH", self.read_plain(12))
        return kind, self.read_plain(length)

    def open_records(self):
        """Takes one frame of the connection and opens the records that are complete with it."""
        kind, payload = self.frame_plain()
        if kind == RST:
            raise Ended("RST " + STATUS.get(struct.unpack(">i", payload[:4])[0], "?"))
        if kind == FIN:
            raise Ended("fin")
        if kind != DATA:
            raise AssertionError(f"a frame of type {kind} in a sealed connection")
        self.received += payload
        while len(self.received) >= 4:
            size = struct.unpack_from(">I", self.received)[0]
            if not sealed.TAG < size <= sealed.RECORD_PLAIN_MAX + sealed.TAG:
                raise AssertionError(f"a record of {size} bytes")
            if len(self.received) < 4 + size:
                break
            self.opened += self.opener.open(bytes(self.received[:4]), bytes(self.received[4:4 + size]))
            del self.received[:4 + size]

    def read(self, size):
        if not self.opener:
            return self.read_plain(size)
        while len(self.opened) < size:
            self.open_records()
        data = bytes(self.opened[:size])
        del self.opened[:size]
        return data

    def frame(self):
        length, _, kind, _, _ = struct.unpack(">IIBBH", self.read(12))
        return kind, self.read(length)

    def message(self):
        kind, payload = self.frame()
        if kind != MESSAGE:
            raise AssertionError(f"a frame of type {kind}: {payload[:64]}")
        return unpack_from(payload, 0)[0]

    def ending(self):
        """What the other side says at last, as a word: REFUSE and RST by status, else how it ended."""
        try:
            while True:
                kind, payload = self.frame()
                if kind == RST:
                    return "RST " + STATUS.get(struct.unpack(">i", payload[:4])[0], "?")
                if kind == MESSAGE:
                    number, _, body = unpack_from(payload, 0)[0]
                    if number == REFUSE:
                        return "REFUSE " + STATUS.get(body["status"], str(body["status"]))
        except Ended as ended:
            return str(ended)
        except TimeoutError:
            return "open"

    def close(self):
        self.socket.close()
