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
from functools import cache
from random import Random

import msgspec
import numpy as np

from lab.campaign.prediction import CONTAINER_S, CostModel, guess_compile_s
from lab.campaign.schedule import CaseProgress, case_progress
from lab.campaign.session import spent_s
from lab.core.arm import Mode
from lab.core.case import Case
from lab.core.experiment import Tier
from lab.core.model import Model
from lab.core.trial import Kind, Outcome, Trial
from lab.core.want import Want
from lab.stats.planning import blocks_needed
from lab.stats.ratios import Floats, by_block

MIN_BLOCKS = 3
"""A set counts as measured from so many common blocks on: with two, Student's interval is 3.6 times wider still."""
ASSURANCE = 0.9
"""A spread measured in few blocks may be small by luck: it is taken for as large as it is in 90 of 100 cases at most."""
_NEVER = 10**6
_CHEAPEST_S = 1e-3
_TIME = "single_total_ns"
Costs = Callable[[Case], float]


class Purchase(msgspec.Struct, frozen=True):
    """Sets to buy.

    Attributes:
        wants: in the order in which they are bought.
        blocks: by case, how many further blocks it has to run in.
        cost_s: predicted seconds of all of it.
    """

    wants: tuple[Want, ...] = ()
    blocks: Mapping[Case, int] = {}
    cost_s: float = 0.0

    def reserved_s(self, case: Case) -> float:
        """What must be left of a budget when a case is visited: its share in the sets is paid for already."""
        return 0.0 if case in self.blocks else self.cost_s


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
        figures = self.log_figures(want)
        if len(figures) < MIN_BLOCKS or want.half_width is None:
            return max(0, MIN_BLOCKS - len(figures))
        total = blocks_needed(figures, want.half_width, assurance=ASSURANCE)
        return max(0, (total or _NEVER) - len(figures))

    def running(self, want: Want) -> frozenset[Case]:
        """The want's cases that have to run: of a time, one that was only ever cut at its limit is a bound already."""
        if want.quantity != _TIME:
            return want.cases
        return frozenset(case for case in want.cases if not self._is_cut(case))

    def _is_cut(self, case: Case) -> bool:
        return self._outcomes.get(case, set()) - {Outcome.OVER_BUDGET} == {Outcome.TIMEOUT}

    def _tried(self, case: Case) -> bool:
        return bool(self._outcomes.get(case, set()) - {Outcome.OVER_BUDGET, Outcome.UNSUPPORTED})

    def log_figures(self, want: Want) -> Floats:
        """Log of the want's figure in each block that holds all its cases: what the geometric mean of ratios is."""
        running = self.running(want)
        rows = {case: self._of(case, str(want.quantity)) for case in running}
        common = sorted(set.intersection(*(set(row) for row in rows.values()))) if rows else []
        figures = np.zeros(len(common))
        for sign, side in ((1, want.above), (-1, want.below)):
            logs = [[math.log(rows[case][block]) for block in common] for case in side if case in running]
            figures += sign * np.mean(logs, axis=0) if logs else 0.0
        return figures

    def _of(self, case: Case, quantity: str) -> dict[int, float]:
        key = (case, quantity)
        if key not in self._values:
            pairs = [(trial.block, getattr(trial, quantity)) for trial in self._trials.get(case, ())]
            self._values[key] = by_block((block, float(value)) for block, value in pairs if value)
        return self._values[key]


def purchase(
    wants: Sequence[Want],
    evidence: Evidence,
    progress: Mapping[Case, CaseProgress],
    cost: Costs,
    left_s: float,
    most: int,
) -> Purchase:
    """The sets that the time left buys: the greatest value per further second first.

    Args:
        wants: of all questions.
        evidence: what has been measured for them.
        progress: of every case; a case that is not alive, and not only cut, makes its set unobtainable.
        cost: predicted seconds of one trial of a case; infinite if it must not run.
        left_s: seconds to spend.
        most: blocks that no case exceeds.
    """
    lacking = {want: more for want in wants if (more := _further(want, evidence, progress, most)) > 0}
    running = {want: evidence.running(want) for want in lacking}
    bought: list[Want] = []
    paid: dict[Case, int] = {}
    spent_s = 0.0

    def price_s(want: Want) -> float:
        """Seconds that the want costs beyond what is bought already."""
        further = ((case, lacking[want] - paid.get(case, 0)) for case in running[want])
        return math.fsum(more * cost(case) for case, more in further if more > 0)

    prices = {want: price_s(want) for want in lacking}
    while prices:
        best = min(prices, key=lambda want: (max(prices[want], _CHEAPEST_S) / want.value, want.name))
        price = prices.pop(best)
        if spent_s + price > left_s:
            continue
        bought.append(best)
        spent_s += price
        grown = {case for case in running[best] if lacking[best] > paid.get(case, 0)}
        paid |= dict.fromkeys(grown, lacking[best])
        prices = {want: price_s(want) if running[want] & grown else old for want, old in prices.items()}
    return Purchase(tuple(bought), paid, spent_s)


def _further(want: Want, evidence: Evidence, progress: Mapping[Case, CaseProgress], most: int) -> int:
    """Blocks the want still lacks; 0 if it lacks none or cannot be had."""
    if want.quantity is not None:
        for case in evidence.running(want):
            standing = progress[case]
            waits = not standing.visited or standing.last is Outcome.OVER_BUDGET
            if not (standing.alive or waits) or len(standing.blocks) >= most:
                return 0
    return evidence.lacks(want)


class SetPlan:
    """The wants of a campaign as its plan uses them.

    Args:
        wants: none for a campaign that answers no questions: it then buys nothing.
        tier: budget, and how many blocks a case may run in.
        models: by name; costs of cases that never ran are predicted from them.
        iterations: inferences of a trial.
    """

    def __init__(self, wants: Iterable[Want], tier: Tier, models: dict[str, Model], iterations: int) -> None:
        self._wants, self._tier, self._models, self._iterations = tuple(wants), tier, models, iterations

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to buy sets for."""
        return not self._wants

    def purchase(self, trials: list[Trial], cases: Iterable[Case]) -> Purchase:
        """The sets that the budget left after some trials pays for, by what those trials say on widths and costs.

        A want of a case that the campaign does not hold is left out.
        """
        if self.is_empty:
            return Purchase()
        progress = case_progress(cases, trials, CONTAINER_S)
        wants = [want for want in self._wants if want.cases <= progress.keys()]
        left_s = self._tier.budget_s - spent_s(trials)
        return purchase(wants, Evidence(trials), progress, self._costs(trials, progress), left_s, self._tier.max_blocks)

    def block(self, bought: Purchase, block: int, progress: Mapping[Case, CaseProgress], seed: int) -> list[Case]:
        """The cases of one block that a purchase pays for, in a random order of their own.

        A set with a case that was never visited waits for that visit, which block 0 makes.
        """
        ready = [want for want in bought.wants if all(progress[case].visited for case in want.cases)]
        chosen = {case for want in ready for case in want.cases if progress[case].alive}
        order = sorted(chosen, key=lambda case: case.id)
        Random(f"{seed} {block}").shuffle(order)  # noqa: S311 - an order, not a secret
        return order

    def _costs(self, trials: list[Trial], progress: Mapping[Case, CaseProgress]) -> Costs:
        """Seconds of one trial: measured; else predicted, infinite where the tier does not pay for such a cell."""
        costs = CostModel(self._models)
        costs.learn(trials)
        compiled = {trial.arm for trial in trials if trial.kind is Kind.COMPILE}

        @cache
        def cost_s(case: Case) -> float:
            if (measured_s := progress[case].cost_s) is not None:
                return measured_s
            predicted_s = costs.predict(case, self._iterations).total_s
            compile_s = guess_compile_s(case.arm) if case.arm.mode is Mode.AOT and case.arm not in compiled else 0.0
            return predicted_s + compile_s if predicted_s <= self._tier.cell_budget_s else math.inf

        return cost_s
