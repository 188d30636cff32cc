"""A claim's quantity as a formula over cases: which cases stand on which side, and how they make one number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from lab.core.arm import GuestProfile
from lab.core.case import Case
from lab.report.claims.claim_file import Claim, ClaimQuantity, Pick, Relation

BATCH_RATIOS = {ClaimQuantity.BATCH_TIME_RATIO, ClaimQuantity.BATCH_MEMORY_RATIO}
Values = Mapping[Case, float]


@dataclass(frozen=True)
class Side:
    """One side of a comparison: (system, model, batch) grids as cases."""

    by_model: dict[str, tuple[Case, ...]]

    @property
    def cases(self) -> tuple[Case, ...]:
        """All of them."""
        return tuple(case for cases in self.by_model.values() for case in cases)

    def only(self, models: set[str]) -> Side:
        """The side on some of its models."""
        return Side({model: cases for model, cases in self.by_model.items() if model in models})


def sides_of(claim: Claim, guest: GuestProfile) -> list[Side]:
    """Numerator and denominator; four sides for a quotient of ratios, one for a plain quantity."""
    systems, models = claim.over.systems or claim.systems, claim.over.models or claim.models

    def grid(systems: tuple[str, ...], models: tuple[str, ...], batch: int) -> Side:
        return Side({model: tuple(Case(claim.arm(name, guest), model, batch) for name in systems) for model in models})

    first = grid(claim.systems, claim.models, claim.batch)
    if claim.quantity in BATCH_RATIOS:
        sides = [first, grid(claim.systems, claim.models, 1)]
        return [*sides, grid(systems, models, claim.batch), grid(systems, models, 1)] if claim.over.systems else sides
    if claim.quantity.is_share or claim.quantity in {ClaimQuantity.RSS_PEAK_GB, ClaimQuantity.OUTCOME}:
        return [first]
    if claim.quantity is ClaimQuantity.GAP_RATIO:
        gaps = ((claim.systems, claim.models), (systems, claim.models), (claim.systems, models), (systems, models))
        return [grid(some, on, claim.batch) for some, on in gaps]
    return [first, grid(systems, models, claim.batch)]


def lowering(sides: list[Side]) -> set[Case]:
    """The cases whose growth makes the quantity smaller: denominators, and the numerator of a divisor."""
    return {case for place, side in enumerate(sides) if place in {1, 2} for case in side.cases}


def complete_sides(claim: Claim, sides: list[Side], missing: set[Case]) -> list[Side]:
    """The sides on models that lack nothing; all or none where different models are compared with each other."""
    models = {model for side in sides for model in side.by_model}
    lacking = {case.model for side in sides for case in side.cases if case in missing}
    kept = (models if not lacking else set()) if claim.over.models else models - lacking
    return [side.only(kept) for side in sides]


def formula_of(claim: Claim, sides: list[Side]) -> Callable[[Values], float]:
    """The quantity as a function of one value per case: ns, bytes or a share."""
    quantity = claim.quantity
    if quantity.is_share:
        return lambda values: 100 * _mean(sides[0], values)
    if quantity is ClaimQuantity.SHARE_DIFFERENCE:
        return lambda values: 100 * (_mean(sides[0], values) - _mean(sides[1], values))
    if quantity is ClaimQuantity.RSS_PEAK_GB:
        return lambda values: _geomean(sides[0], values) / 1e9
    if quantity in BATCH_RATIOS:
        return lambda values: _quotients([_mean(side, values) for side in sides])
    if quantity is ClaimQuantity.GAP_RATIO:
        return lambda values: _quotients([_geomean(side, values) for side in sides])
    if claim.pick is Pick.EXTREMES:
        return lambda values: _worst(sides[0], values) / _best(sides[1], values)
    if claim.pick is Pick.LEAST:
        return lambda values: _best(sides[0], values) / _best(sides[1], values)
    if claim.pick is Pick.MOST:
        return lambda values: _most(claim.relation, sides[0], sides[1], values)
    return lambda values: _geomean(sides[0], values) / _geomean(sides[1], values)


def _quotients(parts: list[float]) -> float:
    """One ratio of two parts, or the quotient of two ratios of four."""
    ratios = [above / below for above, below in zip(parts[::2], parts[1::2], strict=True)]
    return ratios[0] if len(ratios) == 1 else ratios[0] / ratios[1]


def _mean(side: Side, values: Values) -> float:
    return float(np.mean([values[case] for case in side.cases]))


def _geomean(side: Side, values: Values) -> float:
    return float(np.exp(np.mean([np.log(values[case]) for case in side.cases])))


def _worst(side: Side, values: Values) -> float:
    """Geometric mean over models of the largest figure of each."""
    return float(np.exp(np.mean([np.log(max(values[case] for case in cases)) for cases in side.by_model.values()])))


def _best(side: Side, values: Values) -> float:
    """Geometric mean over models of the smallest figure of each."""
    return float(np.exp(np.mean([np.log(min(values[case] for case in cases)) for cases in side.by_model.values()])))


def _most(relation: Relation, mine: Side, other: Side, values: Values) -> float:
    """The models' ratio that more than half of them reach, counted from the side that the claim is on."""
    ratios = sorted(
        _geomean(mine.only({model}), values) / _geomean(other.only({model}), values) for model in mine.by_model
    )
    return ratios[::-1][len(ratios) // 2] if relation is Relation.ABOVE else ratios[len(ratios) // 2]
