"""Campaigns in a few words: which case took how long in which block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from lab.core.case import Case
from lab.core.trial import Kind, Outcome, Trial
from lab.report.results import Results
from lab.store.columns import table_of
from tests.synthetic import START, make_manifest

SECOND = 1_000_000_000
GB = 1_000_000_000


def case(text: str) -> Case:
    """``"native@o0 yunet b1"``, as `Case.id` writes it."""
    return Case.parse(text)


def _trial(text: str, block: int, outcome: Outcome, **figures: Any) -> Trial:
    return Trial.of(
        case(text),
        number=0,
        block=block,
        kind=Kind.RUN,
        started_at=START.isoformat(),
        outcome=outcome,
        **figures,
    )


def ran(text: str, block: int = 0, seconds: float = 1.0, *, gb: float = 1.0, share: float = 0.5) -> Trial:
    """A trial that ended ok: its time up to the first inference, its memory, and inference's share."""
    total = round(seconds * SECOND)
    infer = round(total * share)
    return _trial(
        text,
        block,
        Outcome.OK,
        total_ns=total,
        read_ns=total - infer,
        decode_ns=0,
        build_ns=0,
        optimise_ns=0,
        infer_ns=(infer,),
        rss_peak_bytes=round(gb * GB),
    )


def failed(text: str, outcome: Outcome, why: str = "so it goes") -> Trial:
    """A trial that did not end ok, or a case predicted to take too long."""
    return _trial(text, 0, outcome, why=why)


def times(per_case: Mapping[str, Sequence[float]]) -> list[Trial]:
    """One trial per entry: seconds of the case in block 0, 1, …"""
    return [ran(text, block, seconds) for text, row in per_case.items() for block, seconds in enumerate(row)]


def results(trials: Sequence[Trial]) -> Results:
    """A campaign that holds these trials."""
    numbered = [msgspec.structs.replace(trial, number=number) for number, trial in enumerate(trials)]
    return Results(make_manifest(), table_of([numbered]))
