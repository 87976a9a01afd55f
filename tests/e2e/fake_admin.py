#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An admin socket that says what it is told to: the other side of `hospes-agent pair`.

usage: fake_admin.py SOCKET STEP...
A step is a line to send; "<" waits for a line and prints it, "!" closes. Serves one client.
"""

import os
import socket
import sys


def main():
    path, steps = sys.argv[1], sys.argv[2:]
    server = socket.socket(socket.AF_UNIX)
    server.bind(path + ".new")
    os.chmod(path + ".new", 0o600)
    server.listen(1)
    server.settimeout(60)
    os.rename(path + ".new", path)
    client, _ = server.accept()
    client.settimeout(60)
    lines = client.makefile("rb")
    for step in steps:
        if step == "!":
            break
        if step == "<":
            print(lines.readline().decode().rstrip("\n"), flush=True)
        else:
            client.sendall(step.encode("utf-8", "surrogateescape") + b"\n")
    os.unlink(path)


if __name__ == "__main__":
    main()
