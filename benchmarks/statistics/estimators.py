"""The menu that the primary estimator was chosen from: each gives a value and a 95 % interval per row of log-ratios.

All move with their values (a shift of the data shifts value and interval), so that one fit shows both how often equal
arms are called different and how often a true difference is found.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy import special

from lab.stats.estimate import Floats
from lab.stats.exact import signed_rank_null
from lab.stats.typical import Typical, interval, plain_mean, typical

LEVEL = 0.95
_RESAMPLES = 2000
_SEED = 20240607
_ROWS_AT_ONCE = 250


class Fit(NamedTuple):
    """Of each row: the value and both ends of its interval."""

    value: Floats
    low: Floats
    high: Floats


class Estimator(NamedTuple):
    """One entry of the menu.

    Attributes:
        name: for tables.
        fit: rows of shape (campaigns, blocks) to values and intervals.
        population: what it estimates, from a very long series, shape (n,).
        least: it is given the least iteration of each trial.
    """

    name: str
    fit: Callable[[Floats], Fit]
    population: Callable[[Floats], float]
    least: bool = False


def _fit(center: Typical) -> Fit:
    return Fit(center.value, *interval(center, LEVEL))


def _without_dependence(rows: Floats) -> Typical:
    """The trimmed mean with Yuen's error as published: every block counts in full."""
    center = typical(rows)
    return center._replace(error=center.error * np.sqrt(center.counts_as / rows.shape[-1]))


def _trimmed(sample: Floats) -> float:
    ordered, cut = np.sort(sample), len(sample) // 5
    return float(ordered[cut : len(sample) - cut].mean())


def _hodges_lehmann(rows: Floats) -> Fit:
    """Median of all pairwise means; its interval inverts the exact signed-rank test (Hollander & Wolfe, 3.3)."""
    first, second = np.triu_indices(rows.shape[-1])
    walsh = np.sort((rows[:, first] + rows[:, second]) / 2, axis=-1)
    cut = _signed_rank_cut(rows.shape[-1])
    return Fit(np.median(walsh, axis=-1), walsh[:, cut], walsh[:, -1 - cut])


@lru_cache(maxsize=64)
def _signed_rank_cut(n: int) -> int:
    chance = signed_rank_null(np.arange(1.0, n + 1))[::2]
    return int(np.flatnonzero(np.cumsum(chance) <= (1 - LEVEL) / 2 * (1 + 1e-12))[-1])


def _pseudo_median(sample: Floats) -> float:
    half = len(sample) // 2
    return float(np.median((sample[:half] + sample[half : 2 * half]) / 2))


def _huber(rows: Floats) -> Fit:
    """Huber's M-estimator, k = 1.345, scale by the median absolute deviation; t interval with n - 1 degrees."""
    n, k = rows.shape[-1], 1.345
    value = np.median(rows, axis=-1, keepdims=True)
    scale = np.maximum(1.4826 * np.median(np.abs(rows - value), axis=-1, keepdims=True), 1e-12)
    for _ in range(30):
        weight = np.minimum(1, k / np.maximum(np.abs(rows - value) / scale, 1e-12))
        value = (weight * rows).sum(axis=-1, keepdims=True) / weight.sum(axis=-1, keepdims=True)
    distance = (rows - value) / scale
    inside = np.maximum((np.abs(distance) <= k).mean(axis=-1), 0.1)
    psi = (np.clip(distance, -k, k) ** 2).sum(axis=-1) / (n - 1)
    error = scale[:, 0] * np.sqrt(psi / n) / inside * (1 + (1 - inside) / inside / n)
    reach = special.stdtrit(n - 1, (1 + LEVEL) / 2) * error
    return Fit(value[:, 0], value[:, 0] - reach, value[:, 0] + reach)


def _former(rows: Floats) -> Fit:
    """The rule before: Student's interval of the mean, widened by bootstrap-t where a row looks skewed (Hall 1992)."""
    plain = _fit(plain_mean(rows))
    skewed = _looks_skewed(rows)
    low, high = plain.low.copy(), plain.high.copy()
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        chosen = np.flatnonzero(skewed[start : start + _ROWS_AT_ONCE]) + start
        if len(chosen):
            studentised = _bootstrap_t(np.sort(rows[chosen], axis=-1))
            low[chosen] = np.minimum(low[chosen], studentised.low)
            high[chosen] = np.maximum(high[chosen], studentised.high)
    return Fit(plain.value, low, high)


def _looks_skewed(rows: Floats) -> Floats:
    n = rows.shape[-1]
    centred = rows - rows.mean(axis=-1, keepdims=True)
    skewness = (centred**3).mean(axis=-1) / (centred**2).mean(axis=-1) ** 1.5 * math.sqrt(n * (n - 1)) / (n - 2)
    return np.asarray(np.abs(skewness) > math.sqrt(6 * n * (n - 1) / ((n - 2) * (n + 1) * (n + 3))))


@lru_cache(maxsize=8)
def _resamples(n: int) -> Floats:
    """How often each of n sorted values is drawn, over n: mirrored pairs, so that swapping the arms mirrors ends."""
    half = np.random.default_rng([_SEED, n]).multinomial(n, np.full(n, 1 / n), size=_RESAMPLES // 2) / n
    return np.concatenate([half, half[:, ::-1]]).T


def _bootstrap_t(rows: Floats) -> Fit:
    n, mean = rows.shape[-1], rows.mean(axis=-1)
    centred = rows - mean[:, None]
    error = np.sqrt((centred**2).mean(axis=-1) / n)
    shift = centred @ _resamples(n)
    variance = np.maximum((centred**2) @ _resamples(n) - shift**2, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(variance > 1e-12 * error[:, None] ** 2, shift / np.sqrt(variance / n), np.sign(shift) * 1e9)
    lower, upper = np.quantile(np.nan_to_num(t), [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=-1)
    return Fit(mean, mean - error * upper, mean - error * lower)


def _mean(sample: Floats) -> float:
    return float(sample.mean())


FORMER = Estimator("mean, widened by bootstrap-t (the rule before)", _former, _mean)
LAB = Estimator("20 % trimmed mean, dependence counted (the lab's)", lambda rows: _fit(typical(rows)), _trimmed)
MENU: tuple[Estimator, ...] = (
    FORMER,
    Estimator("mean, t", lambda rows: _fit(plain_mean(rows)), _mean),
    Estimator("least of five iterations, t", lambda rows: _fit(plain_mean(rows)), _mean, least=True),
    Estimator("Huber's M-estimator", _huber, lambda sample: float(_huber(sample[None, :]).value[0])),
    Estimator("Hodges-Lehmann, exact signed ranks", _hodges_lehmann, _pseudo_median),
    Estimator("20 % trimmed mean, Yuen", lambda rows: _fit(_without_dependence(rows)), _trimmed),
    LAB,
)
