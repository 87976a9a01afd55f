#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The ends of a connection that no ordinary program plays: resets, silence, and saying what was seen.

usage: peer.py talk ADDRESS PORT [TEXT]      connect, send TEXT, read to the end; print how it ended and the bytes
       peer.py reset ADDRESS PORT            connect, send a line, read one byte, then reset the connection
       peer.py hold ADDRESS PORT COUNT       open COUNT connections and keep them until killed
       peer.py reset-server PORT             answer each connection's first bytes with a reset
       peer.py watch-server PORT FILE        echo one connection; write how it ended to FILE
       peer.py watch-all PORT FILE           the same, for as many at once as there are, a line each
       peer.py send-first PORT FILE OUT      send FILE and end; then write the digest of what comes to OUT
       peer.py send-last ADDRESS PORT FILE   read to the end, print its digest; only then send FILE and end
       peer.py answer-last PORT FILE         read to the end, send FILE and close
       peer.py read-late ADDRESS PORT S      end at once, wait S seconds, then read and print the digest
       peer.py round-trip ADDRESS PORT COUNT the median of COUNT round trips of a byte, in microseconds
       peer.py udp-echo PORT                 send each datagram back
"""

import hashlib
import os
import signal
import socket
import statistics
import struct
import sys
import threading
import time

TIMEOUT_S = 20


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def read_to_end(connection, on_bytes=lambda data: None):
    """How the connection ends, and how many bytes came before."""
    count = 0
    try:
        while data := connection.recv(65536):
            count += len(data)
            on_bytes(data)
    except ConnectionResetError:
        return "reset", count
    except TimeoutError:
        return "timeout", count
    return "eof", count


def talk(address, port, text=""):
    try:
        connection = socket.create_connection((address, int(port)), TIMEOUT_S)
        connection.sendall(text.encode())
    except ConnectionRefusedError:
        print("refused 0")
        return
    except ConnectionResetError:
        print("reset 0")
        return
    print(*read_to_end(connection))


def reset_client(address, port):
    connection = socket.create_connection((address, int(port)), TIMEOUT_S)
    connection.sendall(b"hello\n")
    connection.recv(1)
    reset(connection)


def hold(address, port, count):
    connections = []
    for _ in range(int(count)):
        try:
            connections.append(socket.create_connection((address, int(port)), TIMEOUT_S))
        except ConnectionError as error:
            print("refused:", error)
    print("open", len(connections), flush=True)
    signal.pause()


def listen(port):
    server = socket.create_server(("127.0.0.1", int(port)))
    while True:
        yield server.accept()[0]


def reset_server(port):
    for connection in listen(port):
        connection.recv(1)
        reset(connection)


def watch_server(port, file):
    for connection in listen(port):
        ended = read_to_end(connection, connection.sendall)
        connection.close()
        with open(file, "w", encoding="ascii") as out:
            print(*ended, file=out)


def watch_all(port, file):
    def watch(connection):
        ended = read_to_end(connection, connection.sendall)
        connection.close()
        with open(file, "a", encoding="ascii") as out:
            print(*ended, file=out)

    for connection in listen(port):
        threading.Thread(target=watch, args=(connection,), daemon=True).start()


def send_and_end(connection, file):
    with open(file, "rb") as data:
        connection.sendfile(data)
    connection.shutdown(socket.SHUT_WR)


def digest_to_end(connection):
    digest = hashlib.sha256()
    how, count = read_to_end(connection, digest.update)
    return f"{how} {count} {digest.hexdigest()}"


def send_first(port, file, out):
    for connection in listen(port):
        connection.settimeout(TIMEOUT_S)
        send_and_end(connection, file)
        with open(out + ".part", "w", encoding="ascii") as digest:
            digest.write(digest_to_end(connection))
        os.rename(out + ".part", out)
        connection.close()


def send_last(address, port, file):
    connection = socket.create_connection((address, int(port)), TIMEOUT_S)
    print(digest_to_end(connection))
    send_and_end(connection, file)
    connection.recv(1)  # until the server has closed, so that nothing is cut short


def answer_last(port, file):
    """Reads to the end, then sends all and is gone at once."""
    for connection in listen(port):
        read_to_end(connection)
        send_and_end(connection, file)
        connection.close()


def read_late(address, port, seconds):
    """Ends first and lets the answer pile up on its way before it reads."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    connection.settimeout(TIMEOUT_S)
    connection.connect((address, int(port)))
    connection.shutdown(socket.SHUT_WR)
    time.sleep(float(seconds))
    print(digest_to_end(connection))


def round_trip(address, port, count):
    connection = socket.create_connection((address, int(port)), TIMEOUT_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    taken = []
    for _ in range(int(count)):
        began = time.perf_counter_ns()
        connection.sendall(b"x")
        connection.recv(1)
        taken.append(time.perf_counter_ns() - began)
    print(round(statistics.median(taken) / 1000))


def udp_echo(port):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", int(port)))
    while True:
        data, sender = server.recvfrom(65536)
        server.sendto(data, sender)


COMMANDS = {"talk": talk, "reset": reset_client, "hold": hold, "reset-server": reset_server,
            "watch-server": watch_server, "watch-all": watch_all, "send-first": send_first, "send-last": send_last,
            "answer-last": answer_last, "read-late": read_late, "round-trip": round_trip, "udp-echo": udp_echo}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    COMMANDS[sys.argv[1]](*sys.argv[2:])
