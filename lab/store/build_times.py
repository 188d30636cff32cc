"""Where the minutes of builds went: one file for each command that built something, kept below ``LAB_HOME``.

``builds/20250301T101500Z-4711.jsonl`` has a line for each step that was really built, written when the step ends.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import msgspec

from lab.core.errors import DataError
from lab.disk.paths import home

MOST_RUNS = 50
"""So many commands' files are kept; the oldest go first."""
JUST_AFTER_S = 2.0
"""A step that starts so soon after another one's end is taken to have waited for it."""


class BuildTime(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step of a build as it went.

    Attributes:
        step: its name, as progress shows it.
        after: names of the steps whose results it rests on, whether they were built in that run or not.
        started_at: seconds since 1970.
        ended_at: the same; after `started_at`.
        ok: whether it was built.
        minutes: CPU-minutes that it was expected to take; None where nobody measured it.
    """

    step: str
    after: tuple[str, ...]
    started_at: float
    ended_at: float
    ok: bool
    minutes: float | None = None

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended_at - self.started_at


@contextmanager
def build_time(step: str, after: Sequence[str] = (), minutes: float | None = None) -> Iterator[None]:
    """Write down how long the block takes, also if it fails.

    Args:
        step: its name, as progress shows it.
        after: names of the steps it rests on.
        minutes: CPU-minutes that it is expected to take.
    """
    started, ok = time.time(), False
    try:
        yield
        ok = True
    finally:
        write_build_time(BuildTime(step, tuple(after), started, max(started, time.time()), ok, minutes))


@cache
def _this_run() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}.jsonl"


def write_build_time(record: BuildTime) -> None:
    """Append a step that has ended to the records of this command."""
    directory = home() / "builds"
    directory.mkdir(parents=True, exist_ok=True)
    # one write each: lines of several threads do not mix
    descriptor = os.open(directory / _this_run(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, msgspec.json.encode(record) + b"\n")
    finally:
        os.close(descriptor)
    for old in sorted(directory.glob("*.jsonl"))[:-MOST_RUNS]:
        old.unlink(missing_ok=True)


def build_runs(directory: Path) -> list[Path]:
    """The files of commands that built something, the latest last.

    Args:
        directory: the lab's home.
    """
    return sorted((directory / "builds").glob("*.jsonl"))


def read_build_times(path: Path) -> list[BuildTime]:
    """The steps of one command in the order they started; a torn last line is left out.

    Raises:
        DataError: another line is no record.
    """
    lines = path.read_bytes().split(b"\n")
    found: list[BuildTime] = []
    for number, line in enumerate(lines[:-1], start=1):
        try:
            found.append(msgspec.json.decode(line, type=BuildTime))
        except (msgspec.DecodeError, ValueError) as error:
            raise DataError(f"{path}, line {number}: {error}", "delete that file; it holds times only") from error
    return sorted(found, key=lambda record: (record.started_at, record.step))


def waited_for(records: Sequence[BuildTime]) -> list[BuildTime]:
    """The chain of steps that the end of a build waited for, first one first.

    From the step that ended last, each step's predecessor is, of the steps it rests on, the one that ended last; if it
    started later than that one's end, it waited for a worker, and its predecessor is the step that freed one.
    """
    if not records:
        return []
    chain = [max(records, key=lambda record: record.ended_at)]
    while (before := _predecessor(chain[-1], records)) is not None:
        chain.append(before)
    return chain[::-1]


def _predecessor(step: BuildTime, records: Sequence[BuildTime]) -> BuildTime | None:
    earlier = [other for other in records if other.ended_at <= step.started_at and other is not step]
    parents = [other for other in earlier if other.step in step.after]
    parent = max(parents, key=lambda other: other.ended_at, default=None)
    if parent is not None and step.started_at - parent.ended_at <= JUST_AFTER_S:
        return parent
    freed = max(earlier, key=lambda other: other.ended_at, default=None)
    # a step may rest on what an earlier command built, and have waited for nothing
    return freed if freed is not None and step.started_at - freed.ended_at <= JUST_AFTER_S else parent


def lanes(records: Sequence[BuildTime]) -> list[int]:
    """The row that each record is drawn in, from 0: the first one that is free when it starts.

    Args:
        records: in the order they started.
    """
    free_from: list[float] = []
    rows = []
    for record in records:
        row = next((row for row, free in enumerate(free_from) if free <= record.started_at), len(free_from))
        free_from[row : row + 1] = [record.ended_at]
        rows.append(row)
    return rows
