"""Which sets of cases to buy with the time that is left, so that most questions are answered.

A question (`lab.core.want.Want`) is answered by several cases together, in blocks that hold all of them. Bought one by
one, cheapest first, cases would answer few: the last one of a set is what counts. So sets are bought, that of the
greatest value per further second first; what one set pays for, the next one has for free.

The rule looks at how many blocks a set has in common, how wide its interval is and what its cases cost. It never looks
at where an interval lies: which way an answer goes decides nothing about what is measured next.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random

import msgspec
import numpy as np

from lab.campaign.schedule import CaseProgress
from lab.core.case import Case
from lab.core.trial import Kind, Outcome, Trial
from lab.core.want import Want
from lab.stats.planning import blocks_needed, precise_enough
from lab.stats.ratios import Floats, by_block

MIN_BLOCKS = 3
"""A set counts as measured from so many common blocks on: with two, Student's interval is 3.6 times wider still."""
_CHEAPEST_S = 1e-3
Costs = Callable[[Case], float]


class Purchase(msgspec.Struct, frozen=True):
    """Sets to buy.

    Attributes:
        wants: in the order in which they are bought.
        blocks: by case, how many further blocks it has to run in.
        cost_s: predicted seconds of all of it.
    """

    wants: tuple[Want, ...]
    blocks: Mapping[Case, int]
    cost_s: float


class Evidence:
    """What a campaign's trials hold for wants; it is asked for widths and counts only.

    Args:
        trials: of the campaign.
    """

    def __init__(self, trials: Iterable[Trial]) -> None:
        self._trials: dict[Case, list[Trial]] = {}
        self._outcomes: dict[Case, set[Outcome]] = {}
        self._values: dict[tuple[Case, str], dict[int, float]] = {}
        for trial in trials:
            if trial.kind is Kind.RUN:
                self._outcomes.setdefault(trial.case, set()).add(trial.outcome)
                if trial.outcome is Outcome.OK:
                    self._trials.setdefault(trial.case, []).append(trial)

    def lacks(self, want: Want) -> int:
        """How many further blocks with all its cases a want needs; 0 if it is answered as well as it asks for."""
        if want.quantity is None:
            return 0 if all(self._tried(case) for case in want.cases) else 1
        figures = self._figures(want)
        if len(figures) < MIN_BLOCKS or want.half_width is None:
            return max(0, MIN_BLOCKS - len(figures))
        if precise_enough(figures, want.half_width, min_blocks=MIN_BLOCKS):
            return 0
        total = blocks_needed(figures, want.half_width)
        return max(1, (total or 10**6) - len(figures))

    def is_cut(self, case: Case) -> bool:
        """Whether the case was only ever cut at its time limit: its time is a bound, and it need not run again."""
        return self._outcomes.get(case) == {Outcome.TIMEOUT}

    def _tried(self, case: Case) -> bool:
        return bool(self._outcomes.get(case, set()) - {Outcome.OVER_BUDGET, Outcome.UNSUPPORTED})

    def _figures(self, want: Want) -> Floats:
        """log of the want's figure in each block that holds all its cases: what the geometric mean of ratios is."""
        sides = [[case for case in side if not self.is_cut(case)] for side in (want.above, want.below)]
        found = [[self._of(case, str(want.quantity)) for case in side] for side in sides]
        rows = [*found[0], *found[1]]
        common = sorted(set.intersection(*(set(row) for row in rows))) if rows else []
        logs = [[[math.log(row[block]) for row in side] for side in found] for block in common]
        figures = [sum(sign * float(np.mean(side)) for sign, side in zip((1, -1), block, strict=True) if side) for block in logs]
        return np.array(figures, dtype=np.float64)

    def _of(self, case: Case, quantity: str) -> dict[int, float]:
        key = (case, quantity)
        if key not in self._values:
            pairs = [(trial.block, getattr(trial, quantity)) for trial in self._trials.get(case, ())]
            self._values[key] = by_block((block, float(value)) for block, value in pairs if value)
        return self._values[key]


def purchase(
    wants: Sequence[Want], evidence: Evidence, known: Mapping[Case, CaseProgress], cost: Costs, left_s: float, most: int
) -> Purchase:
    """The sets that the time left buys: the greatest value per further second first.

    Args:
        wants: of all questions.
        evidence: what has been measured for them.
        known: standings of every case; a case that is not alive, and not only cut, makes its set unobtainable.
        cost: predicted seconds of one trial of a case; infinite if it must not run.
        left_s: seconds to spend.
        most: blocks that no case exceeds.
    """
    lacking = {want: blocks for want in wants if (blocks := _further(want, evidence, known, most)) > 0}
    bought: list[Want] = []
    blocks: dict[Case, int] = {}
    spent_s = 0.0
    prices = {want: _price(want, more, evidence, cost, blocks) for want, more in lacking.items()}
    while prices:
        best = min(prices, key=lambda want: (max(prices[want], _CHEAPEST_S) / want.value, want.name))
        price_s = prices.pop(best)
        if spent_s + price_s > left_s:
            continue
        bought.append(best)
        spent_s += price_s
        grown = {case for case in best.cases if lacking[best] > blocks.get(case, 0) and not evidence.is_cut(case)}
        blocks |= dict.fromkeys(grown, lacking[best])
        for want in prices:
            if not grown.isdisjoint(want.cases):
                prices[want] = _price(want, lacking[want], evidence, cost, blocks)
    return Purchase(tuple(bought), blocks, spent_s)


def _further(want: Want, evidence: Evidence, known: Mapping[Case, CaseProgress], most: int) -> int:
    """Blocks the want still lacks; 0 if it lacks none or cannot be had."""
    for case in want.cases:
        standing = known.get(case)
        dead = standing is None or (standing.visited and not standing.alive and standing.last is not Outcome.OVER_BUDGET)
        if want.quantity is not None and dead and not evidence.is_cut(case):
            return 0
        if standing is not None and len(standing.blocks) >= most:
            return 0
    return evidence.lacks(want)


def _price(want: Want, more: int, evidence: Evidence, cost: Costs, blocks: Mapping[Case, int]) -> float:
    """Seconds that the want costs beyond what is bought already."""
    cases = sorted((case for case in want.cases if not evidence.is_cut(case)), key=lambda case: case.id)
    return math.fsum(max(0, more - blocks.get(case, 0)) * cost(case) for case in cases if more > blocks.get(case, 0))


def bought_block(block: int, bought: Purchase, known: Mapping[Case, CaseProgress], seed: int) -> list[Case]:
    """The cases of one block that a purchase pays for, in a random order of their own; those never visited are not in it."""
    order = sorted((case for case in bought.blocks if known[case].alive), key=lambda case: case.id)
    Random(f"{seed} {block}").shuffle(order)  # noqa: S311 - an order, not a secret
    return order
