#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The test peers against each other: every pattern and cipher, the code, a feed and a channel, records beyond a change of
keys, and that nothing of it is believed without proof. What they say to the daemons is for the other tests."""

import os
import socket
import sys
import threading

import sealed
from noise import Failed, KeyPair
from session import ALWAYS, AUTO, Agent, Bridge
from wire import DATA, FIN, LOOPBACK, Ended, Peer, auth, frame, welcome


def check(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: {got!r}, wanted {wanted!r}")


def is_closed(peer):
    return peer.ending() in ("eof", "reset")


class Served:
    """An agent behind a socket that echoes its channels; what went wrong is kept."""

    def __init__(self, folder, **agent):
        self.agent = Agent(**agent)
        self.path = os.path.join(folder, os.urandom(8).hex())
        self.problems = []
        self.codes = []
        server = socket.socket(socket.AF_UNIX)
        server.bind(self.path)
        server.listen()
        threading.Thread(target=self.accept, args=(server,), daemon=True).start()

    def accept(self, server):
        while True:
            threading.Thread(target=self.serve, args=(Peer(server.accept()[0]),), daemon=True).start()

    def serve(self, peer):
        try:
            what, session, _ = self.agent.greet(peer)
            if what == "control":
                self.codes.append(session.code)
            peer.send(welcome(session.id, **({"epoch": 5} if what == "events" else {})))
            while True:
                kind, payload = peer.frame()
                peer.send(frame(kind, payload))
        except Ended:
            pass
        except (Failed, sealed.BadRecord) as problem:
            self.problems.append(str(problem))
        peer.close()


def try_all(folder):
    for psk in (None, os.urandom(32)):
        for sealing in (AUTO, ALWAYS):
            for ciphers in (1, 3):
                served = Served(folder, psk=psk)
                own = KeyPair()
                for key in (None, served.agent.own.public):
                    bridge = Bridge(served.path, own, key, psk, sealing, ciphers).connect()
                    check("cipher", bridge.cipher, 0 if sealing == AUTO else 1 if ciphers == 1 else 2)
                    check("code", served.codes.pop(), None if key else bridge.code())
                    check("feed", bridge.feed().message()[2]["epoch"], 5)
                    channel = bridge.channel(80, [LOOPBACK])
                    check("opened", channel.message()[2]["session"], bridge.session)
                    channel.send(frame(DATA, b"there"))
                    check("echo", channel.frame(), (DATA, b"there"))
                    check("end", channel.end().frame(), (FIN, b""))
                check("problems", served.problems, [])
    keys = sealed.SessionKeys(os.urandom(32), os.urandom(32), os.urandom(64), 1)
    sealer, opener = keys.record_keys(7)[0], keys.record_keys(7)[0]
    first = sealer.key
    for number in range(sealed.RECORDS_A_KEY + 2):
        record = sealer.seal(b"x")
        check("record", opener.open(record[:4], record[4:]), b"x")
    if sealer.key == first:
        sys.exit("the key did not change")


def try_lies(folder):
    served = Served(folder)
    bridge = Bridge(served.path, agent_key=KeyPair().public).begin()
    check("another agent's key", is_closed(bridge), True)
    bridge = Bridge(served.path)
    bridge.begin()
    bridge.take_2(bridge.control.message()[2]["message"])
    bridge.nonce = os.urandom(32)
    bridge.control.tell(auth(bridge.message_3()))
    check("another nonce", is_closed(bridge.control), True)
    bridge = Bridge(served.path).connect()
    bridge.session = os.urandom(16)
    check("another session", is_closed(bridge.feed()), True)
    check("problems", len(served.problems), 3)


def main():
    folder = sys.argv[1] if len(sys.argv) == 2 else sys.exit("usage: peers_agree.py EMPTY_FOLDER")
    try_all(folder)
    try_lies(folder)
    print("the peers agree")


if __name__ == "__main__":
    main()
