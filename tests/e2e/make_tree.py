# SPDX-License-Identifier: MIT
"""Makes a folder of mixed files for the tests of transfers: make_tree.py FOLDER MIB [SEED]

Half of the bytes are in few large files, the rest in many small ones; beside them everything that others lose: empty
and hidden folders, files without a byte, holes, old times, odd modes and names, hard links."""
import os
import random
import sys

NAMES = ["plain", ".hidden", "with space", "Übergröße", "日本語", "emoji \U0001f600", "quote'\"", "dollar$HOME", "-dash",
         "star*", "back\\slash", "percent%41", "a" * 200, "tail.", "semi;colon", "e\u0301 decomposed"]


def write(path, data, mode=0o644, time=None):
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode)
    stamp = time if time is not None else 1_500_000_000_123_456_789 + len(data)
    os.utime(path, ns=(stamp, stamp))


def write_large(path, rng, size):
    """In pieces: randbytes() gives less than 256 MiB at once."""
    write(path, b"", 0o640)
    with open(path, "r+b") as file:
        for start in range(0, size, 16 << 20):
            file.write(rng.randbytes(min(16 << 20, size - start)))
    os.utime(path, ns=(1_500_000_000_123_456_789 + size,) * 2)


def special(root, rng):
    folder = os.path.join(root, "special")
    os.makedirs(os.path.join(folder, "empty", "deeper", ".and hidden"))
    for index, name in enumerate(NAMES):
        write(os.path.join(folder, name), rng.randbytes(index * 37), [0o644, 0o600, 0o755, 0o444, 0o000][index % 5])
    write(os.path.join(folder, "zero"), b"")
    write(os.path.join(folder, "before 1970"), b"old", time=-1_000_000_000_000_000_001)
    write(os.path.join(folder, "far future"), b"new", time=4_000_000_000_999_999_999)
    with open(os.path.join(folder, "sparse"), "wb") as file:
        file.truncate(64 << 20)
        file.seek(10 << 20)
        file.write(rng.randbytes(70_000))
        file.seek((40 << 20) + 123)
        file.write(b"x")
    with open(os.path.join(folder, "only a hole"), "wb") as file:
        file.truncate((1 << 20) + 1)
    os.link(os.path.join(folder, "plain"), os.path.join(folder, "second name of plain"))
    deep = folder
    for level in range(40):
        deep = os.path.join(deep, f"d{level}")
        os.mkdir(deep)
    write(os.path.join(deep, "bottom"), b"reached")


def bulk(root, rng, size):
    large = size // 2
    for index in range(4):
        write_large(os.path.join(root, f"large{index}"), rng, large // 4 + index)
    left, index = size - large, 0
    while left > 0:
        folder = os.path.join(root, f"many{index // 500}")
        os.makedirs(folder, exist_ok=True)
        length = min(left, int(rng.lognormvariate(9.5, 1.5)))
        write(os.path.join(folder, f"f{index}"), rng.randbytes(length))
        left -= max(length, 1)
        index += 1


def main():
    root, size = sys.argv[1], int(sys.argv[2]) << 20
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    os.makedirs(root)
    special(root, rng)
    bulk(root, rng, size)
    for base, folders, _ in os.walk(root, topdown=False):
        for name in folders:
            stamp = 1_400_000_000_000_000_000 + len(name)
            os.utime(os.path.join(base, name), ns=(stamp, stamp))
    os.chmod(os.path.join(root, "special", "empty"), 0o750)
    os.utime(root, ns=(1_300_000_000_000_000_000,) * 2)


main()
