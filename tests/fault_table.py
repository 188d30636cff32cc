"""What became of faults, test by test, kept in a file as they end: a run that was interrupted goes on from it."""

from __future__ import annotations

from pathlib import Path

import msgspec
from tabulate import tabulate

from lab.core.plain_text import printable_line
from lab.disk.content import sha256
from lab.disk.paths import ROOT
from lab.disk.whole import write_json

WALLS = ("who", "attempt", "stopped by", "test")


class Ended(msgspec.Struct, frozen=True):
    """A test that has ended.

    Attributes:
        test: its id.
        fault: the kind.
        times: how many faults it injected; 0 if it came to none.
        survived: how many of them.
        seconds: that it took.
        failed: what failed it.
        left_out: why it was skipped.
        stopped: attempts of hostile programs and what stopped each, as `WALLS`.
    """

    test: str
    fault: str
    times: int
    survived: int
    seconds: float
    failed: str = ""
    left_out: str = ""
    stopped: tuple[tuple[str, str, str, str], ...] = ()


class Kind(msgspec.Struct):
    """All tests of one kind of fault."""

    fault: str
    times: int = 0
    survived: int = 0
    failed_tests: int = 0
    left_out: str = ""
    seconds: float = 0.0


class Table(msgspec.Struct):
    """The file.

    Attributes:
        code: hash of the sources of lab and tests; what was seen of others is not taken over.
        kinds: the table, for readers.
        tests: what it is made of.
    """

    code: str
    kinds: list[Kind] = []
    tests: list[Ended] = []

    def add(self, ended: Ended) -> None:
        """One more test."""
        self.tests.append(ended)
        self.kinds = _kinds(self.tests)

    @property
    def done(self) -> set[str]:
        """Ids of the tests that it holds."""
        return {ended.test for ended in self.tests}

    def write(self, path: Path) -> None:
        """Keep it, and the attempts of hostile programs in ``walls.json`` beside it."""
        write_json(path, self)
        write_json(path.with_name("walls.json"), Attempts([dict(zip(WALLS, row, strict=True)) for row in self.stopped]))

    @property
    def stopped(self) -> list[tuple[str, str, str, str]]:
        """What hostile programs attempted, once each."""
        return sorted({row for ended in self.tests for row in ended.stopped})

    def show(self) -> str:
        """Both tables, and what failed."""
        rows = [
            (kind.fault, kind.times, kind.survived, kind.failed_tests or "", round(kind.seconds), kind.left_out)
            for kind in self.kinds
        ]
        numbers = [sum(getattr(kind, name) for kind in self.kinds) for name in ("times", "survived", "failed_tests")]
        total = (f"all {sum(kind.times > 0 for kind in self.kinds)} kinds", *numbers, round(self.seconds), "")
        parts = [tabulate([*rows, total], ("fault", "times", "survived", "failed tests", "seconds", "left out"))]
        parts += [f"FAILED {ended.test}: {ended.failed}" for ended in self.tests if ended.failed]
        if self.stopped:
            parts += ["", tabulate(self.stopped, WALLS)]
        return "\n".join(parts)

    @property
    def seconds(self) -> float:
        """That all tests took."""
        return sum(ended.seconds for ended in self.tests)


class Attempts(msgspec.Struct):
    """The file ``walls.json``."""

    attempts: list[dict[str, str]]


def read_table(path: Path, tests: set[str]) -> Table:
    """What an earlier run of the same code left to be gone on with; an empty table if there is none.

    Args:
        path: of the file.
        tests: ids of those that are asked for; a run that has come to the end of them is not gone on with.
    """
    code = code_of(ROOT)
    try:
        table = msgspec.json.decode(path.read_bytes(), type=Table)
    except (OSError, msgspec.MsgspecError):
        return Table(code)
    return table if table.code == code and not tests <= table.done else Table(code)


def code_of(root: Path) -> str:
    """The hash of what a fault's outcome depends on in this checkout."""
    sources = sorted(path for place in ("lab", "tests") for path in (root / place).rglob("*.py"))
    return sha256(b"".join(path.read_bytes() for path in sources))


def first_line(text: str) -> str:
    """What failed a test, in one line for terminals."""
    lines = [line.removeprefix("E").strip() for line in text.splitlines() if line.startswith("E ")]
    return printable_line(lines[0] if lines else text.strip().splitlines()[-1])[:300]


def _kinds(tests: list[Ended]) -> list[Kind]:
    found: dict[str, Kind] = {}
    for ended in tests:
        kind = found.setdefault(ended.fault, Kind(ended.fault))
        kind.times += ended.times
        kind.survived += ended.survived
        kind.failed_tests += bool(ended.failed)
        kind.left_out = kind.left_out or ended.left_out
        kind.seconds += ended.seconds
    return [found[name] for name in sorted(found)]
