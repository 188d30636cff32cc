"""Overheads: paired log-ratios by block, and their geometric mean with an interval.

The trial is the unit of replication, the block pairs two trials that ran under the same conditions. Whatever slows a
whole block down (heat, a neighbour) cancels in the block's ratio. The logarithm makes the ratio symmetric: a/b and
b/a are equally far from 0, and the mean of logarithms is the logarithm of the geometric mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np

from lab.core.errors import DataError
from lab.stats.estimate import Estimate, Floats, has_no_spread, ratio_estimate
from lab.stats.intervals import Bounds, bca_interval, bootstrap_t_interval, guarded_interval, t_interval

__all__ = ["Estimate", "Floats", "Method", "by_block", "overhead", "overheads", "paired_log_ratios"]

Method = Literal["auto", "t", "bca", "bootstrap-t"]


def by_block(trials: Iterable[tuple[int, float]]) -> dict[int, float]:
    """One value per block from (block, value) pairs: the geometric mean where a block holds several trials.

    Returns:
        By block, in order of blocks. The value of a block with one trial is left as it is, to the last bit.

    Raises:
        DataError: a value is not above 0.
    """
    groups: dict[int, list[float]] = {}
    for block, value in trials:
        groups.setdefault(block, []).append(_checked(block, value))
    return {block: _geometric_mean(groups[block]) for block in sorted(groups)}


def _geometric_mean(values: list[float]) -> float:
    # sorted, because a sum of floats depends on its order and the order of trials in a block must not matter
    return values[0] if len(values) == 1 else math.exp(math.fsum(map(math.log, sorted(values))) / len(values))


def paired_log_ratios(numerator: Mapping[int, float], denominator: Mapping[int, float]) -> Floats:
    """log(numerator / denominator) of every block that has both, in order of blocks.

    Args:
        numerator: by block number.
        denominator: by block number, in the same unit.

    Returns:
        Shape (blocks in common,); empty if there is none.

    Raises:
        DataError: a value is not above 0.
    """
    common = sorted(numerator.keys() & denominator.keys())
    above = np.array([_checked(block, numerator[block]) for block in common], dtype=np.float64)
    below = np.array([_checked(block, denominator[block]) for block in common], dtype=np.float64)
    return np.log(above) - np.log(below)


def overhead(log_ratios: Floats, level: float = 0.95, method: Method = "auto") -> Estimate:
    """Geometric mean of the ratios, with an interval.

    Args:
        log_ratios: shape (blocks,).
        level: of the interval.
        method: ``auto`` is Student's interval, widened by bootstrap-t where the ratios look skewed; docs/statistics.md
            shows by simulation why.
    """
    return overheads(np.atleast_2d(log_ratios), level, method)[0]


def overheads(log_ratios: Floats, level: float = 0.95, method: Method = "auto") -> list[Estimate]:
    """`overhead` of many cases that have the same number of blocks.

    Args:
        log_ratios: shape (cases, blocks).
        level: of the intervals.
        method: as there.
    """
    n = log_ratios.shape[-1]
    if n == 0:
        nothing = "no block holds both trials"
        return [Estimate(None, None, None, level, method, 0, nothing) for _ in log_ratios]
    bounds, names = _bounds(log_ratios, level, method)
    means, flat = log_ratios.mean(axis=-1), has_no_spread(log_ratios)
    return [
        _estimate(float(means[row]), float(bounds.low[row]), float(bounds.high[row]), level, names[row], n, flat[row])
        for row in range(len(log_ratios))
    ]


def _bounds(log_ratios: Floats, level: float, method: Method) -> tuple[Bounds, list[str]]:
    if method == "auto":
        bounds, widened = guarded_interval(log_ratios, level)
        return bounds, ["t widened by bootstrap-t" if wide else "t" for wide in widened]
    intervals = {"t": t_interval, "bca": bca_interval, "bootstrap-t": bootstrap_t_interval}
    return intervals[method](log_ratios, level), [method] * len(log_ratios)


def _estimate(mean: float, low: float, high: float, level: float, method: str, n: int, flat: bool) -> Estimate:
    if np.isfinite(low) and np.isfinite(high):
        return ratio_estimate(mean, low, high, level, method, n)
    if n == 1:
        reason = "one block has no spread to make an interval from"
    elif flat:
        reason = f"all {n} blocks gave exactly the same ratio: no spread to make an interval from"
    else:
        reason = f"{n} blocks are too few for a {method} interval"
    return Estimate(float(np.exp(mean)), None, None, level, method, n, reason)


def _checked(block: int, value: float) -> float:
    if not (math.isfinite(value) and value > 0):
        raise DataError(
            f"block {block} holds a value of {value}, which has no ratio",
            "leave out trials without this quantity: missing is absent, not 0",
        )
    return value
