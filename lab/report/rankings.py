"""Which arms rank alike over models, by overall time: one ranking per guest build."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lab.core.arm import Arm, GuestProfile
from lab.report.overheads import TIME, CostFigure
from lab.report.results import Results
from lab.stats.rankings import Ranking, complete_part, rank_arms

LEAST_ARMS, LEAST_MODELS = 3, 3


@dataclass(frozen=True)
class GuestRanking:
    """The ranking of one guest build's arms.

    Attributes:
        guest: which build.
        arms: those ranked, by id.
        ranking: over the models that all of them were measured on; None if too few arms share too few models.
        arms_left_out: measured ones that are not ranked: they lack some of those models.
        models_left_out: measured ones that are not ranked over: they lack some of those arms.
    """

    guest: GuestProfile
    arms: dict[str, Arm]
    ranking: Ranking | None
    arms_left_out: tuple[Arm, ...]
    models_left_out: tuple[str, ...]

    @property
    def figure_name(self) -> str:
        """File name of its diagram, without the suffix."""
        return f"ranking-{self.guest}"


def rankings(results: Results, figures: Iterable[CostFigure]) -> list[GuestRanking]:
    """One for every guest build, at the smallest batch, precompiled arms among the others."""
    levels: dict[Arm, dict[str, float]] = {}
    for figure in figures:
        if figure.quantity is not TIME:
            continue
        for case, cost in figure.by_case.items():
            if case.batch == results.batches[0] and cost.level is not None and cost.level.value is not None:
                levels.setdefault(case.arm, {})[case.model] = cost.level.value
    return [_of_guest(results, guest, levels) for guest in results.guests]


def _of_guest(results: Results, guest: GuestProfile, levels: dict[Arm, dict[str, float]]) -> GuestRanking:
    arms = {arm.id: arm for arm in results.arms if arm.guest is guest and arm in levels}
    values = {name: levels[arm] for name, arm in arms.items()}
    part = complete_part(values, LEAST_ARMS, LEAST_MODELS)
    if part is None:
        return GuestRanking(guest, arms, None, (), ())
    ranking = rank_arms(part)
    measured = {model for of_arm in values.values() for model in of_arm}
    return GuestRanking(
        guest,
        {name: arm for name, arm in arms.items() if name in part},
        ranking,
        tuple(arm for name, arm in arms.items() if name not in part),
        tuple(model for model in results.models if model in measured - set(ranking.models)),
    )
