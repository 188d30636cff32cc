"""One quantity over many campaigns, oldest first: typical trials with intervals, and where a case changed.

Each case is followed by itself. A campaign is compared, unpaired by block, with all campaigns since the last change
pooled; where it is worse or better by more than the margin, a change point is set there. All these comparisons are one
family (Holm). Blocks know nothing of what differs from campaign to campaign beside what is being followed: a change
that the native case shows, too, is the machine's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lab.core.case import Case
from lab.core.errors import NothingToReport, UsageError
from lab.core.trial import QUANTITIES
from lab.report.compare.case_changes import ALPHA, COMPARED
from lab.report.display import bounds, megabytes, ratio, seconds
from lab.report.document import Column, SortedText, Table
from lab.report.results import Results, load_results
from lab.stats.estimate import Estimate, Floats
from lab.stats.ratios import overhead
from lab.stats.verdicts import Judgement, State, compare_family


@dataclass(frozen=True)
class Point:
    """One case in one campaign.

    Attributes:
        campaign: its name.
        estimate: of the typical trial, in the quantity's unit or over native.
        change: of this campaign over those since the last change; None where it continues them.
    """

    campaign: str
    estimate: Estimate
    change: Judgement | None


@dataclass(frozen=True)
class Trend:
    """A quantity over campaigns.

    Attributes:
        quantity: its name in `COMPARED`.
        over_native: whether values are ratios to native of the same block.
        campaigns: names, oldest first.
        lines: by case, its points in that order; campaigns that lack the case are left out.
    """

    quantity: str
    over_native: bool
    campaigns: tuple[str, ...]
    lines: Mapping[Case, tuple[Point, ...]]

    @property
    def changes(self) -> list[tuple[Case, Point]]:
        """Every change point."""
        return [(case, point) for case, points in self.lines.items() for point in points if point.change is not None]


def trend(directories: Sequence[Path], quantity: str, margin: float, *, over_native: bool) -> Trend:
    """Follow a quantity through campaigns; writes nothing.

    Args:
        directories: of two campaigns or more, in any order: they are sorted by when they were begun.
        quantity: a name in `COMPARED`.
        margin: smallest change that matters, as a fraction above 0.
        over_native: follow ratios to native, which machines share, rather than values.

    Raises:
        UsageError: fewer than two campaigns, or an unknown quantity.
        DataError: a campaign is damaged.
        NothingToReport: no case is in two campaigns.
    """
    if quantity not in COMPARED:
        raise UsageError(f"there is no quantity '{quantity}' to follow", f"choose among {', '.join(COMPARED)}")
    if len(directories) < 2:
        raise UsageError("a trend takes two campaigns or more", "name them one after the other")
    campaigns = sorted(map(load_results, directories), key=lambda results: results.manifest.created_at)
    samples = _samples(campaigns, quantity, over_native=over_native)
    if not samples:
        raise NothingToReport(
            "no case was measured in two of these campaigns", "name campaigns of experiments that share cases"
        )
    judged = _changes(samples, margin)
    names = tuple(results.manifest.campaign for results in campaigns)
    lines = {
        case: tuple(Point(names[place], overhead(logs), judged.get((case, place))) for place, logs in found.items())
        for case, found in samples.items()
    }
    return Trend(quantity, over_native, names, lines)


Samples = Mapping[Case, Mapping[int, Floats]]


def _samples(campaigns: Sequence[Results], quantity: str, *, over_native: bool) -> Samples:
    """Logarithms by case and place of the campaign, shape (blocks,); cases of one campaign left out."""
    found: dict[Case, dict[int, Floats]] = {}
    for place, results in enumerate(campaigns):
        for case, cell in results.cells.items():
            baseline = results.cells.get(case.baseline)
            if over_native and (case.arm.is_native or baseline is None):
                continue
            logs = results.log_ratios(cell, baseline, quantity) if over_native and baseline else None
            logs = results.logs(cell, quantity) if logs is None else logs
            if len(logs):
                found.setdefault(case, {})[place] = logs
    return {case: by_place for case, by_place in found.items() if len(by_place) > 1}


def _changes(samples: Samples, margin: float) -> dict[tuple[Case, int], Judgement]:
    """Change points, found step by step: every campaign's comparison rests on where the last change was."""
    since = {case: [next(iter(found))] for case, found in samples.items()}
    places = sorted({place for found in samples.values() for place in found})
    size = sum(len(found) - 1 for found in samples.values())
    changes: dict[tuple[Case, int], Judgement] = {}
    for place in places:
        pairs = {
            case: (np.concatenate([found[before] for before in since[case]]), found[place])
            for case, found in samples.items()
            if place in found and place not in since[case]
        }
        # steps are tested one after the other: Bonferroni shares the level out among them, Holm within each
        level = ALPHA * len(pairs) / size if pairs else ALPHA
        for case, judgement in (compare_family(pairs, margin, level, "trend") if pairs else {}).items():
            if _matters(judgement):
                changes[case, place] = judgement
                since[case] = [place]
            else:
                since[case].append(place)
    return changes


def _matters(judgement: Judgement) -> bool:
    value = judgement.estimate.value
    return (
        judgement.state is State.DIFFERS
        and value is not None
        and not (1 / (1 + judgement.margin) <= value <= 1 + judgement.margin)
    )


def trend_tables(found: Trend) -> Iterator[Table]:
    """Values of every case by campaign, a ▲ or ▼ where a change point is; then the change points."""
    show = ratio if found.over_native else megabytes if found.quantity.endswith("_bytes") else seconds
    what = QUANTITIES[found.quantity].title + (" over native" if found.over_native else "")
    columns = [Column(name, name.replace("-", "-\n")) for name in found.campaigns]
    rows = []
    for case, points in found.lines.items():
        row: dict[str, object] = {"arm": case.arm.id, "model": case.model, "batch": case.batch}
        for point in points:
            row[point.campaign] = SortedText(_text(point, show, found), point.estimate.value)
        rows.append(row)
    heads = (Column("arm", "arm"), Column("model", "model"), Column("batch", "batch"))
    yield Table(f"{what}, oldest campaign first", (*heads, *columns), rows)
    if found.changes:
        ends = (Column("case", "case"), Column("campaign", "from"), Column("reading", "over the campaigns before"))
        changed = [
            {"case": case.id, "campaign": point.campaign, "reading": point.change.sentence if point.change else None}
            for case, point in found.changes
        ]
        yield Table(f"{len(changed)} change points", ends, changed)


def _text(point: Point, show: Callable[[float], str], found: Trend) -> str:
    estimate = point.estimate
    value = "–" if estimate.value is None else show(estimate.value)
    interval = bounds(estimate.low, estimate.high) if found.over_native else ""
    if not found.over_native and estimate.low is not None and estimate.high is not None:
        interval = f"\n{show(estimate.low)} to {show(estimate.high)}"
    if point.change is None:
        return f"{value}{interval}"
    return f"{'▲' if (point.change.estimate.value or 1.0) > 1 else '▼'} {value}{interval}"
