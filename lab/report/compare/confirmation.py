"""What seemed worse, judged again by fresh blocks of both sides: only what they show, too, is called worse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from lab.core.case import Case
from lab.core.errors import NothingToReport
from lab.report.compare.case_changes import Change
from lab.report.compare.comparison import Comparison, Confirmation, compare
from lab.report.compare.fingerprints import Basis


def suspects(found: Comparison) -> tuple[Case, ...]:
    """The cases that seem worse, each once; where overheads are compared, with those that these are taken over."""
    broken = [line.case for line in found.outcomes if line.worse]
    seeming = [line.case for line in found.cases if line.change is Change.WORSE]
    chosen = dict.fromkeys([*broken, *seeming])
    baselines = [case.baseline for case in chosen] if found.basis is Basis.OVERHEADS else []
    return tuple(dict.fromkeys([*chosen, *baselines]))


def unsuspicious(found: Comparison) -> Comparison:
    """The comparison where nothing seems worse: there is nothing to confirm."""
    return msgspec.structs.replace(found, confirmation=Confirmation(None, None, 0, ()))


def confirmed(found: Comparison, fresh_a: Path, fresh_b: Path, blocks: int) -> Comparison:
    """The comparison with only that called worse which the fresh campaigns show, too.

    The fresh blocks alone are judged, by the same tests and the same margin: what led to the suspicion does not count
    twice.

    Args:
        found: the comparison that something seemed worse in.
        fresh_a: directory of the fresh campaign of side A.
        fresh_b: of side B.
        blocks: measured of each case.

    Raises:
        DataError: a fresh campaign is damaged.
    """
    quantities = dict.fromkeys(line.quantity for line in found.cases if line.change is Change.WORSE)
    try:
        fresh = compare(fresh_a, fresh_b, found.margin, found.basis, tuple(quantities))
    except NothingToReport:
        fresh = None
    judged = list(_judged(found, fresh))
    return msgspec.structs.replace(
        found,
        worse=tuple(sentence for sentence, is_worse in judged if is_worse),
        confirmation=Confirmation(
            str(fresh_a), str(fresh_b), blocks, tuple(sentence for sentence, is_worse in judged if not is_worse)
        ),
    )


def _judged(found: Comparison, fresh: Comparison | None) -> Iterator[tuple[str, bool]]:
    """Of everything that seemed worse, the sentence, and whether the fresh blocks show it."""
    outcomes = {line.case: line for line in fresh.outcomes} if fresh else {}
    cases = {(line.case, line.quantity): line for line in fresh.cases} if fresh else {}
    for broken in found.outcomes:
        if broken.worse:
            again = outcomes.get(broken.case)
            is_worse = again is not None and again.worse
            yield (again.sentence if again and is_worse else f"{broken.sentence}; not so in fresh blocks"), is_worse
    for line in found.cases:
        if line.change is Change.WORSE:
            repeated = cases.get((line.case, line.quantity))
            if repeated is None:
                yield f"{line.sentence}; fresh blocks measured nothing on both sides", False
            elif repeated.change is Change.WORSE:
                yield repeated.sentence, True
            else:
                yield f"{line.sentence}; fresh blocks: {repeated.judgement.sentence}", False
