"""What was counted, and what has changed since an earlier count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from statistics import median

import msgspec

from lab.core.errors import DataError, NothingToReport
from lab.disk.content import decode_json

SCHEMA = 1
"""Version of `CountFile`; 1 is the first."""
WRITE_AGAIN = "write it again with `lab count MODEL --json > FILE`"


class CountUnit(StrEnum):
    """What is counted: a native guest's machine instructions, or the fuel of a wasm guest."""

    INSTRUCTIONS = "instructions"
    FUEL = "fuel"


class GuestCount(msgspec.Struct, frozen=True, kw_only=True):
    """The counts of one guest on one model.

    Attributes:
        guest: which build, such as ``native/o3``.
        guest_sha256: hash of its file.
        model: name of the model.
        graph_sha256: hash of its graph.
        batch: images per inference.
        unit: what is counted.
        counter: the program that counted, with its version.
        further: inferences that the longer run of each repeat has beside the first.
        process: count of a whole process with one inference, by repeat.
        inference: count of each of the further inferences, by repeat: the longer run's, less `process`, divided by
            `further`.
    """

    guest: str
    guest_sha256: str
    model: str
    graph_sha256: str
    batch: int
    unit: CountUnit
    counter: str
    further: int
    process: tuple[int, ...]
    inference: tuple[float, ...]

    @property
    def key(self) -> tuple[str, str, int]:
        """What an earlier count is found by: guest, model and batch."""
        return self.guest, self.model, self.batch

    @property
    def name(self) -> str:
        """The key as a text: ``native/o3 yunet b1``."""
        return f"{self.guest} {self.model} b{self.batch}"


class CountFile(msgspec.Struct, frozen=True):
    """What ``lab count --json`` prints.

    Attributes:
        schema: `SCHEMA`.
        lab_version: version of the lab that counted.
        counts: one for each guest and model.
    """

    schema: int
    lab_version: str
    counts: tuple[GuestCount, ...]


class CountChange(msgspec.Struct, frozen=True):
    """One quantity of one guest and model, before and now.

    Attributes:
        name: guest, model, batch and quantity.
        before, now: medians over repeats.
        because: what differs between the two beside the count: guest, graph or counter; empty for nothing.
        grew: whether it is larger by more than the margin.
    """

    name: str
    before: float
    now: float
    because: tuple[str, ...]
    grew: bool

    @property
    def ratio(self) -> float:
        """Now over before."""
        return self.now / self.before


def spread(counts: Sequence[float]) -> float:
    """Largest less least, over the least; 0 where all are the same to the last digit."""
    return (max(counts) - min(counts)) / min(counts)


def read_counts(path: Path) -> CountFile:
    """An earlier count.

    Raises:
        DataError: the file cannot be read, is none of ``lab count --json``, is of another schema, or lacks a count.
    """
    found = decode_json(path, CountFile, WRITE_AGAIN)
    if found.schema != SCHEMA:
        raise DataError(f"{path} is of schema {found.schema}, and this lab reads {SCHEMA}", WRITE_AGAIN)
    for count in found.counts:
        if not (count.process and count.inference and min(*count.process, *count.inference) > 0):
            raise DataError(f"{path} is damaged: it holds no count of {count.name}", WRITE_AGAIN)
    return found


def changes(before: Iterable[GuestCount], now: Iterable[GuestCount], margin: float) -> list[CountChange]:
    """How counts have changed, two lines for each guest and model that both have.

    Args:
        before: of an earlier count.
        now: of this one.
        margin: by which fraction a count may grow.

    Raises:
        NothingToReport: the two have no guest and model in common.
    """
    earlier = {count.key: count for count in before}
    found = []
    for count in now:
        then = earlier.get(count.key)
        if then is None or then.unit is not count.unit:
            continue
        differs = {
            "guest": then.guest_sha256 != count.guest_sha256,
            "graph": then.graph_sha256 != count.graph_sha256,
            f"{then.counter} → {count.counter}": then.counter != count.counter,
        }
        because = tuple(what for what, is_so in differs.items() if is_so)
        for quantity in ("process", "inference"):
            was, is_now = median(getattr(then, quantity)), median(getattr(count, quantity))
            grew = is_now > was * (1 + margin)
            found.append(CountChange(f"{count.name} {quantity}", was, is_now, because, grew))
    if not found:
        raise NothingToReport(
            "the earlier file has no guest and model of this count", "count the same models with the same guests"
        )
    return found
