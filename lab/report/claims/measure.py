"""What a claim's quantity is in a campaign: one number per block, and an interval over blocks.

A comparison uses only blocks that hold every trial it compares, so that whatever slowed a block down slowed both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from lab.core.arm import GuestProfile
from lab.core.case import Case
from lab.report.claims.claim_file import Claim, ClaimQuantity, Pick
from lab.report.results import Cell, Results
from lab.stats.estimate import Estimate, Floats
from lab.stats.intervals import t_interval
from lab.stats.ratios import overhead

_LEVEL = 0.95
_TABLE_QUANTITY = {
    ClaimQuantity.TIME_RATIO: "single_total_ns",
    ClaimQuantity.BATCH_TIME_RATIO: "single_total_ns",
    ClaimQuantity.MEMORY_RATIO: "rss_peak_bytes",
    ClaimQuantity.BATCH_MEMORY_RATIO: "rss_peak_bytes",
    ClaimQuantity.RSS_PEAK_GB: "rss_peak_bytes",
    ClaimQuantity.INFERENCE_SHARE: "inference_share",
    ClaimQuantity.SHARE_DIFFERENCE: "inference_share",
}
Values = Mapping[Case, float]


@dataclass(frozen=True)
class Measured:
    """A claim's quantity.

    Attributes:
        estimate: the figure; its value is None if no case was measured.
        guest: the guest build it was measured on.
        missing: cases the claim speaks of that hold no measurement.
        wanted: how many cases it speaks of.
    """

    estimate: Estimate
    guest: GuestProfile
    missing: tuple[Cell | Case, ...]
    wanted: int


@dataclass(frozen=True)
class _Side:
    """One side of a comparison: (system, model, batch) grids as cases."""

    by_model: dict[str, tuple[Case, ...]]

    @property
    def cases(self) -> tuple[Case, ...]:
        return tuple(case for cases in self.by_model.values() for case in cases)

    def only(self, models: set[str]) -> _Side:
        return _Side({model: cases for model, cases in self.by_model.items() if model in models})


def measure(claim: Claim, results: Results) -> Measured:
    """The claim's quantity on the first of its guest builds that has every case; else on the one that has most."""
    tries = [_measure_on(claim, guest, results) for guest in claim.guests]
    return min(tries, key=lambda one: len(one.missing) / one.wanted)


def _measure_on(claim: Claim, guest: GuestProfile, results: Results) -> Measured:
    sides = _sides(claim, guest)
    quantity = _TABLE_QUANTITY[claim.quantity]
    cases = tuple(dict.fromkeys(case for side in sides for case in side.cases))
    missing = tuple(case for case in cases if not _blocks(results, case, quantity))
    complete = _complete_models(claim, sides, set(missing))
    kept = [side.only(complete) for side in sides]
    used = tuple(dict.fromkeys(case for side in kept for case in side.cases))
    absent = tuple(results.cells.get(case, case) for case in missing)
    if not used:
        nothing = Estimate(None, None, None, _LEVEL, "none", 0, "no case of it was measured")
        return Measured(nothing, guest, absent, len(cases))
    formula = _formula(claim, kept)
    by_case = {case: _blocks(results, case, quantity) for case in used}
    logarithmic = claim.quantity not in {ClaimQuantity.INFERENCE_SHARE, ClaimQuantity.SHARE_DIFFERENCE}
    return Measured(_estimate(by_case, formula, logarithmic=logarithmic), guest, absent, len(cases))


def _blocks(results: Results, case: Case, quantity: str) -> dict[int, float]:
    cell = results.cells.get(case)
    return results.by_block(cell, quantity) if cell is not None and cell.n else {}


def _sides(claim: Claim, guest: GuestProfile) -> list[_Side]:
    """Numerator and denominator; four sides for a quotient of batch ratios, one for a plain quantity."""
    systems, models = claim.over.systems or claim.systems, claim.over.models or claim.models

    def grid(systems: tuple[str, ...], models: tuple[str, ...], batch: int) -> _Side:
        return _Side({model: tuple(Case(claim.arm(one, guest), model, batch) for one in systems) for model in models})

    first = grid(claim.systems, claim.models, claim.batch)
    if claim.quantity in {ClaimQuantity.BATCH_TIME_RATIO, ClaimQuantity.BATCH_MEMORY_RATIO}:
        sides = [first, grid(claim.systems, claim.models, 1)]
        return [*sides, grid(systems, models, claim.batch), grid(systems, models, 1)] if claim.over.systems else sides
    if claim.quantity in {ClaimQuantity.INFERENCE_SHARE, ClaimQuantity.RSS_PEAK_GB}:
        return [first]
    return [first, grid(systems, models, claim.batch)]


def _complete_models(claim: Claim, sides: list[_Side], missing: set[Case]) -> set[str]:
    """Models that hold every measurement; all or none where different models are compared with each other."""
    models = {model for side in sides for model in side.by_model}
    lacking = {case.model for side in sides for case in side.cases if case in missing}
    return (models if not lacking else set()) if claim.over.models else models - lacking


def _formula(claim: Claim, sides: list[_Side]) -> Callable[[Values], float]:
    quantity = claim.quantity
    if quantity is ClaimQuantity.INFERENCE_SHARE:
        return lambda values: 100 * _mean(sides[0], values)
    if quantity is ClaimQuantity.SHARE_DIFFERENCE:
        return lambda values: 100 * (_mean(sides[0], values) - _mean(sides[1], values))
    if quantity is ClaimQuantity.RSS_PEAK_GB:
        return lambda values: _geomean(sides[0], values) / 1e9
    if quantity in {ClaimQuantity.BATCH_TIME_RATIO, ClaimQuantity.BATCH_MEMORY_RATIO}:
        return lambda values: _quotients([_mean(side, values) for side in sides])
    if claim.pick is Pick.EXTREMES:
        return lambda values: _worst(sides[0], values) / _best(sides[1], values)
    if claim.pick is Pick.LEAST:
        return lambda values: _best(sides[0], values) / _best(sides[1], values)
    return lambda values: _geomean(sides[0], values) / _geomean(sides[1], values)


def _quotients(parts: list[float]) -> float:
    """One ratio of two parts, or the quotient of two ratios of four."""
    ratios = [above / below for above, below in zip(parts[::2], parts[1::2], strict=True)]
    return ratios[0] if len(ratios) == 1 else ratios[0] / ratios[1]


def _mean(side: _Side, values: Values) -> float:
    return float(np.mean([values[case] for case in side.cases]))


def _geomean(side: _Side, values: Values) -> float:
    return float(np.exp(np.mean([np.log(values[case]) for case in side.cases])))


def _worst(side: _Side, values: Values) -> float:
    """Geometric mean over models of the largest figure of each."""
    return float(np.exp(np.mean([np.log(max(values[case] for case in cases)) for cases in side.by_model.values()])))


def _best(side: _Side, values: Values) -> float:
    """Geometric mean over models of the smallest figure of each."""
    return float(np.exp(np.mean([np.log(min(values[case] for case in cases)) for cases in side.by_model.values()])))


def _estimate(
    by_case: Mapping[Case, Mapping[int, float]], formula: Callable[[Values], float], *, logarithmic: bool
) -> Estimate:
    common = sorted(set.intersection(*(set(blocks) for blocks in by_case.values())))
    if not common:
        means = {case: float(np.mean(list(blocks.values()))) for case, blocks in by_case.items()}
        return Estimate(formula(means), None, None, _LEVEL, "none", 0, "no block holds all the trials it compares")
    figures = np.array([formula({case: blocks[block] for case, blocks in by_case.items()}) for block in common])
    return overhead(np.log(figures), _LEVEL) if logarithmic else _linear(figures)


def _linear(figures: Floats) -> Estimate:
    """Mean and Student's interval of figures that may be 0 or below."""
    mean, n = float(figures.mean()), len(figures)
    low, high = (float(end) for end in t_interval(figures, _LEVEL))
    if np.isfinite(low) and np.isfinite(high):
        return Estimate(mean, low, high, _LEVEL, "t", n)
    reason = "one block has no spread to make an interval from" if n == 1 else f"all {n} blocks gave the same figure"
    return Estimate(mean, None, None, _LEVEL, "t", n, reason)
