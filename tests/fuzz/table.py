"""What fuzzing came to, subject by subject, kept in a file: a run that was interrupted goes on from it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
from tabulate import tabulate

from lab.core.plain_text import printable_line
from lab.disk.whole import write_whole
from tests.fuzz.batch import End

KINDS = ("result", "refused", "time", "memory", "crashed")
_KEPT_FINDINGS = 50


class Finding(msgspec.Struct, frozen=True):
    """A case that crashed, or did harm.

    Attributes:
        case: its number; with the seed, that is the case itself.
    """

    case: int
    kind: str
    why: str
    harm: str = ""


class Row(msgspec.Struct):
    """A subject's cases so far.

    Attributes:
        identity: of the subject; with another one it begins again.
        seed: of the cases; likewise.
        cases: how many there were.
        kinds: how many ended how.
        longest_s: that one took.
        harmful: how many did harm outside or left something behind.
    """

    subject: str
    identity: str
    seed: int
    cases: int = 0
    kinds: dict[str, int] = {}
    longest_s: float = 0.0
    spent_s: float = 0.0
    harmful: int = 0
    findings: list[Finding] = []

    def add(self, ends: list[End], spent_s: float) -> None:
        """The ends of the next cases."""
        for number, end in enumerate(ends, self.cases):
            if (end.kind == "crashed" or end.harm) and len(self.findings) < _KEPT_FINDINGS:
                self.findings.append(Finding(number, end.kind, printable_line(end.why), end.harm))
        self.cases += len(ends)
        self.kinds = dict(Counter(self.kinds) + Counter(end.kind for end in ends))
        self.longest_s = max([self.longest_s, *(end.seconds for end in ends)])
        self.spent_s += spent_s
        self.harmful += sum(bool(end.harm) for end in ends)


def read_rows(path: Path) -> dict[str, Row]:
    """The rows of an earlier run, by subject; none where the file is missing or of another version."""
    try:
        return {row.subject: row for row in msgspec.json.decode(path.read_bytes(), type=list[Row])}
    except (OSError, msgspec.MsgspecError):
        return {}


def write_rows(path: Path, rows: list[Row]) -> None:
    """Keep them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, msgspec.json.format(msgspec.json.encode(rows)))


def show(rows: list[Row]) -> str:
    """The table."""
    header = ("subject", "cases", *KINDS, "harm", "longest s", "spent s")
    lines = [
        (row.subject, row.cases, *(row.kinds.get(kind, 0) for kind in KINDS), row.harmful, row.longest_s, row.spent_s)
        for row in rows
    ]
    return tabulate(lines, header, floatfmt=".1f")
