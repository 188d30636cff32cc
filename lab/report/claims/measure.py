"""What a claim's quantity is in a campaign: one number per block, and an interval over blocks.

A comparison uses only blocks that hold every trial it compares, so that whatever slowed a block down slowed both sides.

A case that was cut at its time limit before its first inference ended took *at least* so long. Where such cases stand
on one side only, the quantity is bounded from that side, which may be enough to decide. One cut trial has no spread, so
its time counts for less than it was (`CUT_COUNTS_FOR`). A predicted time bounds nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lab.core.arm import GuestProfile
from lab.core.case import Case
from lab.report.claims.claim_file import Claim, ClaimQuantity
from lab.report.claims.formula import Side, complete_sides, formula_of, lowering, sides_of
from lab.report.results import Cell, Results
from lab.stats.estimate import Estimate, Floats
from lab.stats.ratios import overhead
from lab.stats.typical import METHOD, interval, typical

CUT_COUNTS_FOR = 0.8
"""A trial cut after t seconds counts as at least 0.8 t: another trial of the case might have been that much faster."""
LEVEL = 0.95
"""Of every claim's interval."""
TABLE_QUANTITY = {
    ClaimQuantity.TIME_RATIO: "single_total_ns",
    ClaimQuantity.GAP_RATIO: "single_total_ns",
    ClaimQuantity.STARTUP_RATIO: "startup_ns",
    ClaimQuantity.BATCH_TIME_RATIO: "single_total_ns",
    ClaimQuantity.MEMORY_RATIO: "rss_peak_bytes",
    ClaimQuantity.BATCH_MEMORY_RATIO: "rss_peak_bytes",
    ClaimQuantity.RSS_PEAK_GB: "rss_peak_bytes",
    ClaimQuantity.INFERENCE_SHARE: "inference_share",
    ClaimQuantity.SHARE_DIFFERENCE: "inference_share",
    ClaimQuantity.STARTUP_SHARE: "startup_share",
    ClaimQuantity.READ_SHARE: "read_share",
}
"""What of a trial a claim's quantity is computed from."""
_OF_TIME = {ClaimQuantity.TIME_RATIO, ClaimQuantity.GAP_RATIO, ClaimQuantity.BATCH_TIME_RATIO}


@dataclass(frozen=True)
class Measured:
    """A claim's quantity on one guest build.

    Attributes:
        estimate: the figure; its value is None if no case was measured. An end of its interval is infinite where cut
            cases leave it open.
        missing: cases the claim speaks of that hold no measurement, nor a time they were cut at.
        cut: cases that count as at least the time they were cut at.
        wanted: how many cases it speaks of.
        figures: by block in order, or by world, on the scale that is averaged: logarithms of ratios and sizes, shares
            as they are.
    """

    estimate: Estimate
    missing: tuple[Cell | Case, ...]
    cut: tuple[Cell, ...]
    wanted: int
    figures: Floats


def measure(claim: Claim, guest: GuestProfile, results: Results) -> Measured:
    """The claim's quantity on one of its guest builds."""
    sides = sides_of(claim, guest)
    quantity = TABLE_QUANTITY[claim.quantity]
    cases = tuple(dict.fromkeys(case for side in sides for case in side.cases))
    by_case = {case: blocks for case in cases if (blocks := _blocks(results, case, quantity))}
    cut = _cut(claim, sides, [case for case in cases if case not in by_case], results)
    missing = tuple(case for case in cases if case not in by_case and case not in cut)
    kept = complete_sides(claim, sides, set(missing))
    used = tuple(dict.fromkeys(case for side in kept for case in side.cases))
    absent = tuple(results.cells.get(case, case) for case in missing)
    bounded = tuple(results.cells[case] for case in cut)
    if not any(case in by_case for case in used):
        nothing = Estimate(None, None, None, LEVEL, "none", 0, "no case of it was measured")
        return Measured(nothing, absent, bounded, len(cases), np.empty(0))
    measured = {case: by_case[case] for case in used if case in by_case}
    bounds = {case: bound for case, bound in cut.items() if case in used}
    formula, common = formula_of(claim, kept), _common(measured)
    if not common:
        means = {case: float(np.mean(list(blocks.values()))) for case, blocks in measured.items()}
        reason = "no block holds all the trials it compares"
        unpaired = Estimate(formula({**means, **bounds}), None, None, LEVEL, "none", 0, reason)
        return Measured(unpaired, absent, bounded, len(cases), np.empty(0))
    plain = np.array(
        [formula({**bounds, **{case: blocks[block] for case, blocks in measured.items()}}) for block in common]
    )
    figures = results.per_unit(common, plain if is_linear(claim) else np.log(plain))
    level = 1 - results.level_at(len(common))
    estimate = _linear(figures, level) if is_linear(claim) else overhead(figures, level)
    return Measured(_opened(estimate, sides, bounds), absent, bounded, len(cases), figures)


def is_linear(claim: Claim) -> bool:
    """Whether blocks are averaged as they are: a share or a difference of shares, which may be 0 or below."""
    return claim.quantity.is_share or claim.quantity is ClaimQuantity.SHARE_DIFFERENCE


def _common(by_case: Mapping[Case, Mapping[int, float]]) -> list[int]:
    return sorted(set.intersection(*(set(blocks) for blocks in by_case.values())))


def _blocks(results: Results, case: Case, quantity: str) -> dict[int, float]:
    cell = results.cells.get(case)
    return results.by_block(cell, quantity) if cell is not None and cell.n else {}


def _cut(claim: Claim, sides: Sequence[Side], unmeasured: Sequence[Case], results: Results) -> dict[Case, float]:
    """Least times of cut cases; none if they stand on both sides, where they would bound nothing."""
    if claim.quantity not in _OF_TIME:
        return {}
    found = {
        case: CUT_COUNTS_FOR * cell.cut_at_ns
        for case in unmeasured
        if (cell := results.cells.get(case)) is not None and cell.cut_at_ns is not None
    }
    below = lowering(list(sides))
    return found if len({case in below for case in found}) == 1 else {}


def _opened(estimate: Estimate, sides: Sequence[Side], bounds: Mapping[Case, float]) -> Estimate:
    """The interval with the end that cut cases leave open."""
    if not bounds or estimate.low is None or estimate.high is None:
        return estimate
    is_most = next(iter(bounds)) in lowering(list(sides))
    low, high = (-np.inf, estimate.high) if is_most else (estimate.low, np.inf)
    return Estimate(estimate.value, low, high, estimate.level, estimate.method, estimate.n)


def _linear(figures: Floats, level: float) -> Estimate:
    """The typical block's figure and its interval, for figures that may be 0 or below."""
    center, n = typical(figures), len(figures)
    low, high = (float(end) for end in interval(center, level))
    value, mean, counts_as = float(center.value), float(center.mean), float(center.counts_as)
    if np.isfinite(low) and np.isfinite(high):
        return Estimate(value, low, high, level, METHOD, n, None, mean, counts_as)
    reason = "one block has no spread to make an interval from" if n == 1 else f"{n} blocks gave the same figure"
    return Estimate(value, None, None, level, METHOD, n, reason, mean, counts_as)
