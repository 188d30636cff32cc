"""Rankings of arms over models: Friedman's test and Nemenyi's critical difference (Demšar, JMLR 7, 2006)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from lab.core.errors import NothingToReport


@dataclass(frozen=True, slots=True)
class Ranking:
    """Everything a critical-difference diagram draws.

    Attributes:
        mean_ranks: by arm, best (smallest values) first; ties share their mean rank.
        models: over which every arm has a value.
        left_out: models that some arm failed on.
        p: of Friedman's test that all arms rank alike; None if it can't be made.
        critical_difference: mean ranks further apart than this differ; None like `p`.
        groups: runs of arms that can't be separated, in order of rank; only those of two or more arms.
        reason: why p is None, or what limits the answer; None otherwise.
    """

    mean_ranks: dict[str, float]
    models: tuple[str, ...]
    left_out: tuple[str, ...]
    p: float | None
    critical_difference: float | None
    groups: tuple[tuple[str, ...], ...]
    reason: str | None = None


def rank_arms(values: Mapping[str, Mapping[str, float]], alpha: float = 0.05) -> Ranking:
    """Rank arms over models by their values (smaller is better), such as geometric-mean overheads.

    Friedman's test needs every arm on every model: models that an arm failed on are left out and named. Arms are
    separated only if Friedman's test itself says that not all are alike.

    Args:
        values: by arm, then model.
        alpha: level of both tests.

    Raises:
        NothingToReport: no model was measured under every arm.
    """
    every = {model for of_arm in values.values() for model in of_arm}
    shared = tuple(sorted(model for model in every if all(model in of_arm for of_arm in values.values())))
    if not shared:
        raise NothingToReport("no model was measured under every arm", "rank fewer arms, or run the missing cells")
    arms = list(values)
    table = np.array([[values[arm][model] for arm in arms] for model in shared])
    ranks = stats.rankdata(table, axis=1).mean(axis=0)
    order = sorted(range(len(arms)), key=lambda place: (ranks[place], arms[place]))
    mean_ranks = {arms[place]: float(ranks[place]) for place in order}
    left_out = tuple(sorted(every - set(shared)))
    if len(arms) < 3 or len(shared) < 2:
        reason = f"Friedman's test needs 3 arms on 2 models; here are {len(arms)} on {len(shared)}"
        return Ranking(mean_ranks, shared, left_out, None, None, (tuple(mean_ranks),) if len(arms) > 1 else (), reason)
    p = _friedman(table)
    difference = critical_difference(len(arms), len(shared), alpha)
    if p > alpha:
        reason = f"Friedman's test sees no difference between arms (p = {p:.2g})"
        return Ranking(mean_ranks, shared, left_out, p, difference, (tuple(mean_ranks),), reason)
    limit = f"{len(shared)} models can never separate two of {len(arms)} arms" if difference > len(arms) - 1 else None
    return Ranking(mean_ranks, shared, left_out, p, difference, _groups(mean_ranks, difference), limit)


def complete_part(
    values: Mapping[str, Mapping[str, float]], least_arms: int = 3, least_models: int = 3
) -> dict[str, dict[str, float]] | None:
    """The largest part of the table, arms times models, that has no gap; None if there is none of the least size.

    One arm that was measured on two models only would otherwise cost all arms the other models. Of parts of the same
    size the one with more arms is taken.

    Args:
        values: by arm, then model.
        least_arms: fewer are no ranking.
        least_models: fewer show nothing about models in general.
    """
    shared: set[frozenset[str]] = set()
    for of_arm in values.values():
        mine = frozenset(of_arm)
        shared |= {mine} | {mine & other for other in shared}
    parts = []
    for models in shared:
        arms = [arm for arm, of_arm in values.items() if models <= of_arm.keys()]
        if len(arms) >= least_arms and len(models) >= least_models:
            parts.append((-len(arms) * len(models), -len(arms), sorted(models), arms))
    if not parts:
        return None
    _, _, chosen, arms = min(parts)
    return {arm: {model: values[arm][model] for model in chosen} for arm in arms}


def critical_difference(arms: int, models: int, alpha: float = 0.05) -> float:
    """Nemenyi's critical difference of mean ranks: q sqrt(k (k+1) / 6N), q the studentised range over sqrt 2."""
    q = float(stats.studentized_range.ppf(1 - alpha, arms, np.inf)) / math.sqrt(2)
    return q * math.sqrt(arms * (arms + 1) / (6 * models))


def _friedman(table: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> float:
    if np.all(np.ptp(table, axis=1) == 0):
        return 1.0
    return float(stats.friedmanchisquare(*table.T).pvalue)


def _groups(mean_ranks: dict[str, float], difference: float) -> tuple[tuple[str, ...], ...]:
    """Longest runs of neighbours whose ends are no further apart than the critical difference."""
    arms = list(mean_ranks)
    groups: list[tuple[str, ...]] = []
    end_before = 0
    for start, arm in enumerate(arms):
        end = max(place for place in range(start, len(arms)) if mean_ranks[arms[place]] - mean_ranks[arm] <= difference)
        if end > start and (not groups or end > end_before):
            groups.append(tuple(arms[start : end + 1]))
        end_before = max(end_before, end)
    return tuple(groups)
