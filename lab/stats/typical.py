"""The typical trial: the 20 % trimmed mean of block values, its standard error, and how many blocks stand behind it.

A fifth of the blocks at each end, bursts of interference among them, has a limited say in the estimate: their place is
counted, their distance is not (Tukey & McLaughlin 1963; Yuen 1974). The mean of all blocks is kept beside it. Blocks
whose neighbours resemble each other count for fewer than they are. docs/statistics.md shows by simulation why.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import special

from lab.stats.dependence import serial_correlation
from lab.stats.estimate import Estimate, Floats, has_no_spread

METHOD = "20 % trimmed mean"
ENOUGH_BLOCKS = 10
"""With fewer neither the t distribution nor a serial correlation can be relied on: exact rank tests must agree."""
TRIMMED_FROM = 6
"""Fewer blocks are not trimmed: they decide nothing, and the three that would be left of five say little of spread."""
_TRIMMED_ONE_IN = 5
_STRONGEST = 0.9


class Typical(NamedTuple):
    """A location with what its interval needs; every part has the same shape, one entry per comparison.

    Attributes:
        value: the estimate.
        error: its standard error; 0 where the blocks that it rests on are all the same, NaN for fewer than two.
        freedom: degrees of freedom of the error.
        mean: of all values.
        counts_as: how many independent blocks the series is worth; at most as many as there are.
    """

    value: Floats
    error: Floats
    freedom: Floats
    mean: Floats
    counts_as: Floats


def typical(values: Floats) -> Typical:
    """The typical trial of each row.

    From ten blocks on a positive serial correlation r leaves n (1 - r) / (1 + r) of n blocks, whether a test finds it
    or not, as under first-order autoregression. r is raised by 2 / n, by which short series understate one of 0.5.

    Args:
        values: independent block values (log-ratios, or logarithms) in order of blocks, shape (…, n), n ≥ 1.
    """
    n = values.shape[-1]
    cut = n // _TRIMMED_ONE_IN if n >= TRIMMED_FROM else 0
    ordered = np.sort(values, axis=-1)
    middle = ordered[..., cut : n - cut]
    held = np.clip(ordered, middle[..., :1], middle[..., -1:])
    counts_as = np.full(values.shape[:-1], float(n))
    if n >= ENOUGH_BLOCKS:
        correlation = np.clip(serial_correlation(values) + 2 / n, 0, _STRONGEST)
        counts_as = n * (1 - correlation) / (1 + correlation)
    return _located(middle.mean(axis=-1), held, n - 2 * cut, values.mean(axis=-1), counts_as)


def plain_mean(values: Floats) -> Typical:
    """The mean of each row with Student's error: for models, which are no trials, and for the paper's averages.

    Args:
        values: shape (…, n), n ≥ 1.
    """
    n, mean = values.shape[-1], values.mean(axis=-1)
    return _located(mean, values, n, mean, np.full(values.shape[:-1], float(n)))


def _located(value: Floats, held: Floats, kept: int, mean: Floats, counts_as: Floats) -> Typical:
    """Yuen's standard error from winsorised values, of which `kept` are not replaced; Student's where all are kept."""
    n = held.shape[-1]
    if n < 2:
        return Typical(value, np.full(value.shape, np.nan), np.ones(value.shape), mean, counts_as)
    squares = ((held - held.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    error = np.sqrt(squares / (kept * (kept - 1)) * n / counts_as)
    return Typical(value, np.where(has_no_spread(held), 0.0, error), np.full(value.shape, kept - 1.0), mean, counts_as)


def weighted(parts: Sequence[tuple[float, Typical]]) -> Typical:
    """Sum of weight × location over independent samples, with Welch and Satterthwaite's degrees of freedom."""
    errors = [(abs(weight) * part.error) ** 2 for weight, part in parts]
    total = np.sum(errors, axis=0)
    below = np.sum([error**2 / part.freedom for error, (_, part) in zip(errors, parts, strict=True)], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = np.where(below > 0, total**2 / below, 1.0)
    value, mean = (np.sum([weight * part[place] for weight, part in parts], axis=0) for place in (0, 3))
    return Typical(value, np.sqrt(total), freedom, mean, np.min([part.counts_as for _, part in parts], axis=0))


def interval(center: Typical, level: float) -> tuple[Floats, Floats]:
    """Both ends of the interval; NaN where there is no error to make one from."""
    reach = special.stdtrit(center.freedom, (1 + level) / 2) * np.where(center.error > 0, center.error, np.nan)
    return center.value - reach, center.value + reach


def p_differs(center: Typical) -> Floats:
    """The two-sided p-value of location 0; NaN where there is no error."""
    return 2 * _below(-np.abs(center.value), center)


def p_equivalent(center: Typical, bound: float) -> Floats:
    """The p-value of the two one-sided tests that the location lies outside of ±bound; NaN as above."""
    return np.maximum(_below(-bound - center.value, center), _below(center.value - bound, center))


def _below(distance: Floats, center: Typical) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        p = special.stdtr(center.freedom, distance / center.error)
    return np.where(center.error > 0, p, np.nan)


def as_ratio(center: Typical, level: float, n: int, reason: str, method: str = METHOD) -> Estimate:
    """A single location of log-ratios as the estimate of a ratio.

    Args:
        center: of logarithms, every part a scalar.
        level: of the interval.
        n: independent units behind it.
        reason: why there is no interval, if there is none.
        method: how it was made.
    """
    low, high = (float(end) for end in interval(center, level))
    value, mean = float(np.exp(center.value)), float(np.exp(center.mean))
    if not (np.isfinite(low) and np.isfinite(high)):
        return Estimate(value, None, None, level, method, n, reason, mean, float(center.counts_as))
    ends = float(np.exp(low)), float(np.exp(high))
    return Estimate(value, *ends, level, method, n, None, mean, float(center.counts_as))
