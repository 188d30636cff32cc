"""Overheads: paired log-ratios by block, and their geometric mean with an interval.

The trial is the unit of replication, the block pairs two trials that ran under the same conditions. Whatever slows a
whole block down (heat, a neighbour) cancels in the block's ratio. The logarithm makes the ratio symmetric: a/b and
b/a are equally far from 0, and a mean of logarithms is the logarithm of a geometric mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from lab.core.errors import DataError
from lab.stats.estimate import Estimate, Floats, has_no_spread
from lab.stats.typical import METHOD, Typical, as_ratio, typical

__all__ = ["Estimate", "Floats", "by_block", "overhead", "overheads", "paired_log_ratios", "ratios_of"]


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


def overhead(log_ratios: Floats, level: float = 0.95) -> Estimate:
    """The typical trial's ratio, with an interval: exp of the 20 % trimmed mean of log-ratios.

    Args:
        log_ratios: in order of blocks, shape (blocks,).
        level: of the interval.
    """
    return overheads(np.atleast_2d(log_ratios), level)[0]


def overheads(log_ratios: Floats, level: float = 0.95) -> list[Estimate]:
    """`overhead` of many cases that have the same number of blocks.

    Args:
        log_ratios: shape (cases, blocks).
        level: of the intervals.
    """
    if log_ratios.shape[-1] == 0:
        nothing = "no block holds both trials"
        return [Estimate(None, None, None, level, METHOD, 0, nothing) for _ in log_ratios]
    return ratios_of(typical(log_ratios), log_ratios, level)


def ratios_of(centers: Typical, log_ratios: Floats, level: float, unit: str = "block") -> list[Estimate]:
    """The estimates of rows whose locations are known, with the reason where there is no interval.

    Args:
        centers: of the rows.
        log_ratios: shape (cases, blocks), at least one block.
        level: of the intervals.
        unit: what the columns are.
    """
    n, flat = log_ratios.shape[-1], has_no_spread(log_ratios)
    found = []
    for row in range(len(log_ratios)):
        which = f"all {n} {unit}s" if flat[row] else f"the middle of {n} {unit}s"
        reason = f"{which} gave exactly the same ratio: no spread to make an interval from"
        if n == 1:
            reason = f"one {unit} has no spread to make an interval from"
        found.append(as_ratio(Typical(*(part[row] for part in centers)), level, n, reason))
    return found


def _checked(block: int, value: float) -> float:
    if not (math.isfinite(value) and value > 0):
        raise DataError(
            f"block {block} holds a value of {value}, which has no ratio",
            "leave out trials without this quantity: missing is absent, not 0",
        )
    return value
