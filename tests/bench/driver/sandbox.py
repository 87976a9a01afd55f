# SPDX-License-Identifier: MIT
"""Namespaces of our own for the whole run, so that nothing can be left behind.

enter() returns in a child that is process 1 of a new PID namespace, with its own mounts (/run is an empty tmpfs),
its own /proc and its own network, which plays the host. However either of the two processes ends, SIGKILL
included, the kernel ends every process inside, and with them go the guest's network namespace, the sockets and
the temporary files.
"""
import ctypes
import os
import resource
import signal
import subprocess
import sys

CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET = 0x00020000, 0x20000000, 0x40000000
PR_SET_PDEATHSIG = 1
DESCRIPTORS = 200_000  # ten thousand connections, each with two sockets and two pipes in one relay


def enter():
    """Returns in the child only; the parent waits for it and exits with its status."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET) != 0:
        sys.exit("bench: namespaces: " + os.strerror(ctypes.get_errno()) + " (root is needed)")
    child = os.fork()
    if child == 0:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        _furnish()
        return
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: _stop(child, number))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    sys.exit(status if status >= 0 else 128 - status)


def _stop(child, number):
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    sys.exit(128 + number)


def _furnish():
    for command in (
        ["mount", "--make-rprivate", "/"],
        ["mount", "-t", "proc", "proc", "/proc"],
        ["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/run"],
        ["ip", "link", "set", "lo", "up"],
    ):
        subprocess.run(command, check=True)
    _raise_descriptor_limit()


def _raise_descriptor_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < DESCRIPTORS:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
            return
        except ValueError:
            pass  # root without CAP_SYS_RESOURCE: the figures ask descriptor_limit() and make do
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def descriptor_limit():
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
