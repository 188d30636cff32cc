"""Which arms rank alike: over models as a sample, per guest build; and on these models, per level, by their blocks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lab.core.arm import Arm, GuestProfile
from lab.core.case import Case
from lab.report.overheads import TIME, CostFigure
from lab.report.results import Results
from lab.stats.planning import MARGIN
from lab.stats.rankings import Ranking, complete_part, rank_arms
from lab.stats.tournament import Tournament, tournament

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


@dataclass(frozen=True)
class LevelTournament:
    """Arms of one level ranked on this campaign's models, blocks being the sample.

    Attributes:
        level: guest of the baseline that these arms share.
        quantity: what they are ranked by.
        title: of the quantity.
        arms: those ranked, by id.
        found: the ranking.
        arms_left_out: measured ones that lack some of the models.
        models_left_out: measured ones that lack some of the arms.
    """

    level: GuestProfile
    quantity: str
    title: str
    arms: dict[str, Arm]
    found: Tournament
    arms_left_out: tuple[Arm, ...]
    models_left_out: tuple[str, ...]

    @property
    def figure_name(self) -> str:
        """File name of its diagram, without the suffix."""
        return f"tournament-{'cold' if self.quantity == TIME.name else 'steady'}-{self.level}"


def tournaments(results: Results) -> list[LevelTournament]:
    """For every level of three arms or more: by cold run, and by steady inference; at the smallest batch."""
    titles = {TIME.name: "a cold run", "steady_infer_ns": "a steady inference"}
    return [
        found
        for level in results.levels
        for quantity, title in titles.items()
        if (found := _of_level(results, level, quantity, title)) is not None
    ]


def _of_level(results: Results, level: GuestProfile, quantity: str, title: str) -> LevelTournament | None:
    arms = {arm.id: arm for arm in results.arms if arm.baseline.guest is level}
    times: dict[str, dict[str, dict[int, float]]] = {}
    for name, arm in arms.items():
        for model in results.models:
            cell = results.cells.get(Case(arm, model, results.batches[0]))
            if cell is not None and (by_block := results.by_block(cell, quantity)):
                times.setdefault(name, {})[model] = by_block
    part = complete_part({name: dict.fromkeys(of_arm, 0.0) for name, of_arm in times.items()}, LEAST_ARMS, 1)
    if part is None:
        return None
    chosen = {name: {model: times[name][model] for model in models} for name, models in part.items()}
    found = tournament(chosen, MARGIN)
    measured = {model for of_arm in times.values() for model in of_arm}
    return LevelTournament(
        level,
        quantity,
        title,
        {name: arms[name] for name in chosen},
        found,
        tuple(arms[name] for name in times if name not in chosen),
        tuple(model for model in results.models if model in measured - set(found.models)),
    )
