# SPDX-License-Identifier: MIT
"""Numbers in, Markdown out."""
import dataclasses
import os
import pathlib
import platform
import statistics

OURS = "Hospes"
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"


class Speed:
    """A row of a speed table: values of each candidate, a round each."""

    def __init__(self, title, bigger_is_better, places, table):
        self.title, self.bigger_is_better, self.places, self.table = title, bigger_is_better, places, table
        self.values = {}
        self.target_text = ""
        self.rules = []  # (factor, peers): ours must be so good against each of them
        self.ours_failed = False

    def add(self, name, value):
        self.values.setdefault(name, []).append(value)

    def target(self, text):
        self.target_text = text
        return self

    def at_least(self, factor, peers):
        self.rules.append((factor, peers))
        return self

    at_most = at_least

    def median(self, name):
        return statistics.median(self.values[name])

    def reached(self):
        """None when it can't be told: ours or a peer of a rule is missing."""
        if self.rules and self.ours_failed:
            return False
        if not self.rules or OURS not in self.values:
            return None
        ours, verdict = self.median(OURS), True
        for factor, peers in self.rules:
            known = [self.median(peer) for peer in peers if peer in self.values]
            if len(known) < len(peers):
                return None
            good = ours >= factor * max(known) if self.bigger_is_better else ours <= factor * min(known)
            verdict = verdict and good
        return verdict

    def cell(self, name):
        if name not in self.values:
            return "–"
        values, places = self.values[name], self.places
        text = f"{self.median(name):.{places}f} ({min(values):.{places}f}–{max(values):.{places}f})"
        if name != OURS and OURS in self.values and self.median(name) > 0:
            text += f" ×{self.median(OURS) / self.median(name):.2f}"
        return text


class Paired(Speed):
    """Ours beside one other, where a difference of a few percent matters: what counts is the median, over the rounds,
    of the difference (`tolerance` given: ours may be so much bigger) or else of the ratio (`factor`: ours must be so
    many times as big) within a round, in which whatever slows the machine down slows both."""

    PAIR = "within a round"

    def compare(self, other, tolerance=None, factor=None):
        self.other, self.tolerance, self.factor = other, tolerance, factor
        return self

    def pairs(self):
        both = zip(self.values.get(OURS, []), self.values.get(self.other, []))
        if self.tolerance is not None:
            return [ours - other for ours, other in both]
        return [ours / other for ours, other in both if other > 0]

    def reached(self):
        if self.tolerance is None and self.factor is None:
            return None
        if self.ours_failed:
            return False
        if not self.pairs():
            return None
        middle = statistics.median(self.pairs())
        return middle >= self.factor if self.tolerance is None else middle <= self.tolerance

    def cell(self, name):
        if name != self.PAIR:
            return super().cell(name)
        pairs = self.pairs()
        if not pairs:
            return "–"
        low, high = quartiles(pairs)
        show = (lambda value: f"×{value:.3f}") if self.tolerance is None else (lambda value: f"{value:+.1f}")
        return f"{show(statistics.median(pairs))} (middle half {show(low)} to {show(high)})"


def quartiles(values):
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, method="inclusive")
    return low, high


@dataclasses.dataclass(frozen=True)
class Table:
    """A speed table with columns of its own."""

    heading: str
    names: tuple


def _verdict(reached):
    return {True: "yes", False: "**no**", None: "–"}[reached]


def _table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


class Report:
    def __init__(self):
        self.speeds, self.singles, self.notes = [], [], []
        self.cpu_parts = {}  # (direction, candidate) → part → values

    def speed(self, title, bigger_is_better, places, table=None, kind=Speed):
        """`table` None: the one of all relays."""
        row = kind(title, bigger_is_better, places, table)
        self.speeds.append(row)
        return row

    def failed(self, title, target, error):
        """Ours could not be measured: that is not reached either."""
        self.single(title, " ".join(f"failed: {error}".split()), target, False)

    def single(self, title, text, target, reached):
        self.singles.append((title, text, target, reached))

    def cpu_part(self, direction, candidate, part, value):
        self.cpu_parts.setdefault((direction, candidate), {}).setdefault(part, []).append(value)

    def note(self, text):
        self.notes.append(" ".join(text.split()))

    def missed(self):
        titles = [row.title for row in self.speeds if row.reached() is False]
        return titles + [title for title, _, _, reached in self.singles if reached is False]

    def _speed_tables(self, names):
        lines = []
        for table in dict.fromkeys(row.table for row in self.speeds):
            columns = table.names if table else names
            rows = [
                [row.title, *(row.cell(name) for name in columns), row.target_text or "–", _verdict(row.reached())]
                for row in self.speeds
                if row.table == table
            ]
            lines += [table.heading, ""] if table else []
            lines += _table(["figure", *columns, "to reach", "reached"], rows) + [""]
        return lines

    def _cpu_table(self):
        parts = ["host user", "host system", "guest user", "guest system"]
        rows = [
            [direction, candidate, *(f"{statistics.median(values[part]) * 1000:.1f}" for part in parts)]
            for (direction, candidate), values in self.cpu_parts.items()
        ]
        return _table(["CPU milliseconds a Gbit", "candidate", *parts], rows)

    def markdown(self, names, settings, command):
        lines = [f"Made by `{command}`.", "", machine(), ""]
        if self.speeds:
            lines += [
                f"Medians of {settings.rounds} rounds of {settings.seconds:g} s, smallest–largest in parentheses; the"
                " candidates take turns within a round. `×` is Hospes divided by that candidate: above 1 is better for"
                " Gbit/s, below 1 for times and costs.",
                "",
            ]
            lines += self._speed_tables(names)
        if self.cpu_parts:
            lines += ["Where the relays' time goes (medians):", ""] + self._cpu_table() + [""]
        if self.singles:
            rows = [[title, text, target, _verdict(reached)] for title, text, target, reached in self.singles]
            lines += _table(["figure", "measured", "to reach", "reached"], rows) + [""]
        for note in self.notes:
            lines += [f"- {note}"]
        missed = self.missed()
        if missed:
            lines += ["", "Not reached: " + "; ".join(missed) + "."]
        return "\n".join(lines).rstrip() + "\n"


def machine():
    model = next(
        (line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    memory = int(open("/proc/meminfo").readline().split()[1]) / 1024 / 1024
    load = os.getloadavg()[0]
    return (
        f"Machine: {os.cpu_count()} cores ({model}), {memory:.0f} GiB, Linux {platform.release()};"
        f" load average {load:.1f} at the end."
    )


def embed(path, markdown):
    """Replaces what stands between the two markers."""
    page = pathlib.Path(path)
    text = page.read_text()
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"bench: {path} has no markers {BEGIN} and {END}")
    page.write_text(f"{head}{begin}\n\n{markdown}\n{end}{tail}")
