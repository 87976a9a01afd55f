#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A hypervisor's side of hybrid vsock: one Unix socket, CONNECT PORT, OK, then bytes to the guest's socket.

usage: hypervisor.py SOCKET MODE_FILE PORT=PATH...

MODE_FILE is read for each connection and says how the greeting goes:
  ok       as it should
  slow     the OK line byte by byte, with pauses
  refuse   closed without an answer, as when nobody listens in the guest
  silent   no answer at all, as when the guest's driver is not up
"""

import os
import socket
import sys
import threading
import time

GREETING_MAX = 32


def read_greeting(client):
    line = b""
    while not line.endswith(b"\n"):
        byte = client.recv(1)
        if not byte or len(line) >= GREETING_MAX:
            return None
        line += byte
    word, _, port = line.decode("ascii", "replace").strip().partition(" ")
    return int(port) if word == "CONNECT" and port.isdigit() else None


def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    try:
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def relay(client, guest):
    back = threading.Thread(target=copy, args=(guest, client))
    back.start()
    copy(client, guest)
    back.join()


def serve(client, mode, guests):
    with client:
        port = read_greeting(client)
        if mode == "silent":
            client.recv(1)  # until the bridge has had enough
            return
        if port not in guests or mode == "refuse":
            return
        with socket.socket(socket.AF_UNIX) as guest:
            try:
                guest.connect(guests[port])
            except OSError:
                return
            answer = b"OK 1073741824\n"
            if mode == "slow":
                for byte in answer:
                    client.sendall(bytes([byte]))
                    time.sleep(0.01)
            else:
                client.sendall(answer)
            relay(client, guest)


def main():
    path, mode_file = sys.argv[1:3]
    guests = {int(port): target for port, target in (pair.split("=", 1) for pair in sys.argv[3:])}
    with socket.socket(socket.AF_UNIX) as server:
        if os.path.exists(path):
            os.unlink(path)
        server.bind(path)
        server.listen(128)
        while True:
            client = server.accept()[0]
            with open(mode_file, encoding="ascii") as file:
                mode = file.read().strip()
            threading.Thread(target=serve, args=(client, mode, guests), daemon=True).start()


if __name__ == "__main__":
    main()
