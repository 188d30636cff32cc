"""What budgets are predicted to answer, from nothing or after a campaign, at costs by measured or guessed speeds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import msgspec

from lab.campaign.plan_estimate import CaseEstimate
from lab.campaign.prediction import CONTAINER_S
from lab.campaign.schedule import case_progress
from lab.campaign.sets.measurements import Measurements
from lab.campaign.sets.plan import once_of
from lab.campaign.sets.purchase import Purchase, purchase
from lab.core.case import Case
from lab.core.experiment import Tier
from lab.core.trial import Trial
from lab.core.want import Want

_FOR_EVER_S = 1e18


class BudgetForecast(msgspec.Struct, frozen=True):
    """What one budget buys.

    Attributes:
        budget_s: seconds of measuring.
        answered: names of the questions whose sets fit.
    """

    budget_s: float
    answered: tuple[str, ...]


class QuestionForecast(msgspec.Struct, frozen=True):
    """What one question costs if nothing else is measured.

    Attributes:
        name: of the question.
        cost_s: seconds that it still lacks; 0 if it is answered, None if it cannot be had in this tier.
    """

    name: str
    cost_s: float | None


class Forecast(msgspec.Struct, frozen=True):
    """Of an experiment's questions.

    Attributes:
        budgets: what each buys.
        questions: what each costs alone.
    """

    budgets: tuple[BudgetForecast, ...]
    questions: tuple[QuestionForecast, ...]


def forecast(
    wants: Sequence[Want],
    tier: Tier,
    cases: Iterable[CaseEstimate],
    budgets_s: Sequence[float],
    trials: Sequence[Trial] = (),
) -> Forecast:
    """Predict what budgets answer.

    Args:
        wants: the questions.
        tier: what it pays for one cell.
        cases: their predicted costs; those that will not run, or whose model is not frozen, cannot be had.
        budgets_s: seconds each.
        trials: what a campaign has measured already; none for one that begins.
    """
    by_id = {case.case: case for case in cases}
    measured = Measurements(trials)
    held = [want for want in wants if all(case.id in by_id for case in want.cases)]
    progress = case_progress({case for want in held for case in want.cases}, trials, CONTAINER_S)
    once = once_of(progress, trials)

    def cost_s(case: Case) -> float:
        known_s, found = progress[case].cost_s, by_id[case.id]
        trial_s = found.trial_s if known_s is None else known_s
        return trial_s if trial_s is not None and trial_s <= tier.cell_budget_s else math.inf

    def bought(among: Sequence[Want], budget_s: float) -> Purchase:
        return purchase(among, measured, progress, cost_s, budget_s, tier.max_blocks, once)

    done = tuple(want.name for want in held if not measured.lacks(want))
    return Forecast(
        tuple(
            BudgetForecast(budget_s, (*done, *(want.name for want in bought(held, budget_s).wants)))
            for budget_s in budgets_s
        ),
        tuple(QuestionForecast(want.name, _alone_s(want, bought([want], _FOR_EVER_S), done)) for want in held),
    )


def _alone_s(want: Want, alone: Purchase, done: tuple[str, ...]) -> float | None:
    if want.name in done:
        return 0.0
    return alone.cost_s if alone.wants else None
