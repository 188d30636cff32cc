"""What budgets are predicted to answer: sets bought from nothing, at costs by the latest campaign's speeds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import msgspec

from lab.campaign.plan_estimate import CaseEstimate
from lab.campaign.schedule import CaseProgress
from lab.campaign.sets.measurements import Measurements
from lab.campaign.sets.purchase import Costs, purchase
from lab.core.case import Case
from lab.core.experiment import Tier
from lab.core.want import Want


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
        cost_s: seconds for its least number of blocks; None if it cannot be had in this tier.
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


def forecast(wants: Sequence[Want], tier: Tier, cases: Iterable[CaseEstimate], budgets_s: Sequence[float]) -> Forecast:
    """Predict what budgets answer, on a machine on which nothing has been measured yet.

    Args:
        wants: the questions.
        tier: what it pays for one cell.
        cases: their predicted costs; those that will not run, or whose model is not frozen, cannot be had.
        budgets_s: seconds each.
    """
    by_id = {case.case: case for case in cases}
    nothing = Measurements(())
    held = [want for want in wants if all(case.id in by_id for case in want.cases)]
    progress = {case: CaseProgress(set()) for want in held for case in want.cases}

    def cost_s(case: Case) -> float:
        found = by_id[case.id]
        is_paid = found.trial_s is not None and found.trial_s <= tier.cell_budget_s
        return found.trial_s if is_paid and found.trial_s is not None else math.inf

    bought = [purchase(held, nothing, progress, cost_s, budget_s, tier.max_blocks) for budget_s in budgets_s]
    return Forecast(
        tuple(
            BudgetForecast(budget_s, tuple(want.name for want in found.wants))
            for budget_s, found in zip(budgets_s, bought, strict=True)
        ),
        tuple(QuestionForecast(want.name, _alone_s(want, nothing, cost_s)) for want in held),
    )


def _alone_s(want: Want, nothing: Measurements, cost_s: Costs) -> float | None:
    total_s = nothing.lacks(want) * math.fsum(cost_s(case) for case in want.cases)
    return total_s if math.isfinite(total_s) else None
