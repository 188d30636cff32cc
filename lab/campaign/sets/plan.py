"""The wants of a campaign as its schedule uses them: what to buy, and which cases of it run in a block."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import cache
from random import Random

from lab.campaign.prediction import CostModel, guess_compile_s
from lab.campaign.schedule import CaseProgress
from lab.campaign.session import spent_s
from lab.campaign.sets.measurements import MIN_BLOCKS, Measurements
from lab.campaign.sets.purchase import Costs, Purchase, purchase
from lab.core.arm import Arm, Mode
from lab.core.case import Case
from lab.core.experiment import Tier
from lab.core.model import Model
from lab.core.trial import Kind, Trial
from lab.core.want import Want

PILOT_SHARE_OF_SETS = 1 / MIN_BLOCKS
"""Of the budget, what block 0 may use before any set is bought: it is one of the blocks that a set needs."""


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

    def purchase(self, trials: list[Trial], progress: Mapping[Case, CaseProgress]) -> Purchase:
        """The sets that the budget left after some trials pays for, by what those trials say on widths and costs.

        Args:
            trials: of the campaign so far.
            progress: what they say of each case of the campaign; a want of any other case is left out.
        """
        if self.is_empty:
            return Purchase()
        wants = [want for want in self._wants if want.cases <= progress.keys()]
        left_s = self._tier.budget_s - spent_s(trials)
        costs = self._costs(trials, progress)
        return purchase(
            wants, Measurements(trials), progress, costs, left_s, self._tier.max_blocks, once_of(progress, trials)
        )

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

        @cache
        def cost_s(case: Case) -> float:
            if (measured_s := progress[case].cost_s) is not None:
                return measured_s
            predicted_s = costs.predict(case, self._iterations).total_s
            return predicted_s if predicted_s <= self._tier.cell_budget_s else math.inf

        return cost_s


def once_of(cases: Iterable[Case], trials: Iterable[Trial]) -> dict[Arm, float]:
    """Predicted seconds of the precompilations that cases still need."""
    compiled = {trial.arm for trial in trials if trial.kind is Kind.COMPILE}
    arms = {case.arm for case in cases if case.arm.mode is Mode.AOT}
    return {arm: guess_compile_s(arm) for arm in arms - compiled}
