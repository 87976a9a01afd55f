#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Further connections of a session: who may make one, and what a sealed one takes. Against a real agent that knows the
bridge of KEY_FILE, with an echo server at PORT of its guest.

usage: channel_proofs.py SOCKET KEY_FILE PORT WATCHED_PORT     a server that tells how its connections end is at WATCHED_PORT
"""

import sys

from session import ALWAYS, Bridge, key_file
from wire import (CHANNEL_OPENED, DATA, FIN, MESSAGE, PING, PONG, STATUS, Ended, Peer, channel_open, frame, hello, join,
                  message, unpack_from)

REFUSED = "REFUSE AUTHENTICATION_FAILED"
WINDOW = 16384
# A connection whose bytes are not what was sealed; what the agent says of it may not reach an opener that is out of step.
ENDS = REFUSED + "|RST AUTHENTICATION_FAILED|RST MALFORMED|RST UNEXPECTED|RST ECONNRESET|eof|reset|fin"


def check(what, got, wanted):
    if got not in wanted.split("|"):
        sys.exit(f"{what}: '{got}', wanted one of {wanted}")


def joined(bridge, number, proof=None, session=None, port=0):
    """A channel with such a JOIN, and what becomes of it: "opened" or what ended it."""
    session = session or bridge.session
    peer = Peer.dial(bridge.target)
    peer.tell(join(session, number, proof or bridge.keys.proof(session, number)) + channel_open(session, port))
    try:
        kind, payload = peer.frame()
        if kind == MESSAGE and unpack_from(payload, 0)[0][0] == CHANNEL_OPENED:
            return "opened"
        if kind == MESSAGE:
            return "REFUSE " + STATUS.get(unpack_from(payload, 0)[0][2].get("status"), "?")
        return f"frame {kind}"
    except Ended as ended:
        return str(ended)
    finally:
        peer.close()


def try_proofs(path, own, port):
    one, two = Bridge(path, own).connect(), Bridge(path, own).connect()

    def opens(what, wanted, number, *more):
        check(what, joined(one, number, *more, port=port), wanted)

    opens("a right proof", "opened", 1)
    opens("the same once more", REFUSED, 1)
    opens("the proof of another number", REFUSED, 3, one.keys.proof(one.session, 2))
    opens("which is not spent by that", "opened", 2)
    opens("and neither is the other", "opened", 3)
    opens("the proof of another session for this one", REFUSED, 4, two.keys.proof(two.session, 4))
    opens("a proof under the other session's key", REFUSED, 4, two.keys.proof(one.session, 4))
    opens("this session's proof in the other one's name", REFUSED, 4, one.keys.proof(one.session, 4), two.session)
    right = one.keys.proof(one.session, 4)
    for at in range(32):
        opens(f"byte {at} of the proof flipped", REFUSED, 4, right[:at] + bytes((right[at] ^ 1,)) + right[at + 1:])
    opens("the right one, after all these", "opened", 4)
    opens("a later number", "opened", 1000)
    opens("an earlier one", "opened", 500)
    opens("the earlier one again", REFUSED, 500)
    opens("the later one again", REFUSED, 1000)
    opens("a number far ahead", "opened", 100000)
    opens("one at the window's end", "opened", 100000 - WINDOW + 1)
    opens("the same again", REFUSED, 100000 - WINDOW + 1)
    opens("one behind the window", REFUSED, 100000 - WINDOW - 1)
    opens("an old number", REFUSED, 1)
    opens("an old one that was never used", REFUSED, 999)
    check("no JOIN", Peer.dial(path).tell(channel_open(one.session, port)).ending(),
          "REFUSE NEEDS_AUTHENTICATION|RST NEEDS_AUTHENTICATION")
    check("no JOIN before a feed", Peer.dial(path).tell(hello(role=2, session=one.session)).ending(),
          "REFUSE NEEDS_AUTHENTICATION")
    check("JOIN of one session, CHANNEL_OPEN of another",
          two.join().tell(channel_open(one.session, port)).ending(), "REFUSE UNKNOWN_SESSION|RST UNKNOWN_SESSION")
    for bridge in (one, two):
        bridge.control.send(message(PING, 7))
        if bridge.control.message()[:2] != [PONG, 7]:
            sys.exit("a session has suffered")
    two.control.end()
    check("an orderly end", two.control.ending(), "eof|reset|fin")
    check("a session that has ended", joined(two, 5000, port=port), "REFUSE UNKNOWN_SESSION")
    opens("the other one goes on", "opened", 100001)


def open_channel(bridge, port):
    channel = bridge.channel(port)
    if channel.message()[0] != CHANNEL_OPENED:
        sys.exit("the channel is not opened")
    return channel


def try_records(path, own, port, watched):
    bridge = Bridge(path, own, sealing=ALWAYS).connect()
    if not bridge.cipher:
        sys.exit("the session is not sealed")
    channel = open_channel(bridge, port).send(frame(DATA, b"there and back"))
    check("an echo", channel.frame()[1].decode(), "there and back")
    check("its end", str(channel.end().frame()[0]), str(FIN))

    def raw(what, change):
        """A channel that has sent "first"; `change` gives the bytes that go on, from the records of "second"."""
        broken = open_channel(bridge, watched).send(frame(DATA, b"first"))
        check(f"{what}: the first", broken.frame()[1].decode(), "first")
        sealer = broken.sealer
        try:
            change(broken, sealer)
            while True:
                kind, payload = broken.frame()
                if kind == DATA and payload:
                    sys.exit(f"{what}: {payload} comes back")
                if kind != DATA:
                    break
        except TimeoutError:
            sys.exit(f"{what}: the connection stays open")
        except (Ended, OSError):
            pass
        broken.close()

    second = frame(DATA, b"second")
    raw("a record flipped", lambda peer, key: peer.send_records(bytes_flipped(key.seal(second))))
    raw("a record's size changed", lambda peer, key: peer.send_records(b"\0\0\0\x13" + key.seal(second)[4:]))
    raw("a record that is too large", lambda peer, key: peer.send_records(b"\x7f\xff\xff\xff" + key.seal(second)[4:]))
    raw("a record left out", lambda peer, key: (key.seal(second), peer.send_records(key.seal(second))))
    raw("a plain frame", lambda peer, key: peer.send_plain(second))
    raw("a plain FIN", lambda peer, key: peer.send_plain(frame(FIN)))
    raw("half a record, and the end", lambda peer, key: peer.send_records(key.seal(second)[:10]).send_plain(frame(FIN)))
    raw("the connection cut", lambda peer, key: peer.socket.shutdown(1))

    # A message that is not sealed may be a REFUSE from before: it ends the connection, or means nothing.
    channel = open_channel(bridge, port).send_plain(message(PING, 1)).tell(second)
    try:
        check("behind a plain message", channel.frame()[1].decode(), "second")
    except Ended:
        pass
    number = bridge.next_number()
    peer = Peer.dial(path).tell(join(bridge.session, number, bridge.keys.proof(bridge.session, number)))
    check("a sealed session's channel, plain", peer.tell(channel_open(bridge.session, port)).ending(), ENDS)
    number = bridge.next_number()
    peer = Peer.dial(path).tell(join(bridge.session, number, bridge.keys.proof(bridge.session, number)))
    peer.seal(*bridge.keys.record_keys(number + 1))
    records = peer.sealer.seal(channel_open(bridge.session, port))
    peer.sealer = peer.opener = None
    check("records of another connection", peer.send_records(records).ending(), ENDS)
    bridge.control.send(message(PING, 9))
    if bridge.control.message()[:2] != [PONG, 9]:
        sys.exit("the sealed session has suffered from its channels")


def bytes_flipped(record):
    return record[:8] + bytes((record[8] ^ 1,)) + record[9:]


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    KEY = key_file(sys.argv[2])
    try_proofs(sys.argv[1], KEY, int(sys.argv[3]))
    try_records(sys.argv[1], KEY, int(sys.argv[3]), int(sys.argv[4]))
