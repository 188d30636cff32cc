"""What a statistic says: a value, an interval if one can be computed, and the reason if not."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """One number with its uncertainty.

    Attributes:
        value: the point estimate; None if there was nothing to estimate from.
        low, high: the interval's ends; both None if it can't be computed.
        level: the interval's confidence level, such as 0.95.
        method: how it was made: ``20 % trimmed mean``, ``welch``, …
        n: how many units (blocks, or models) it rests on.
        reason: why value or interval is None; None if both are there.
        mean_value: the same over the mean trial: no value has a limited say in it; None like `value`.
        counts_as: how many independent units the n are worth; None where that is not known.
    """

    value: float | None
    low: float | None
    high: float | None
    level: float
    method: str
    n: int
    reason: str | None = None
    mean_value: float | None = None
    counts_as: float | None = None

    @property
    def mean_parts(self) -> bool:
        """Whether mean trial and typical trial part: their distance is more than half of the interval's half-width.

        Under even noise that happens in one series of a hundred; rare slow trials make it happen.
        """
        if self.mean_value is None or self.value is None or self.half_width is None or self.mean_value <= 0:
            return False
        return abs(math.log(self.mean_value / self.value)) > math.log1p(self.half_width) / 2

    @property
    def half_width(self) -> float | None:
        """Relative half-width of the interval of a ratio, ``sqrt(high / low) - 1``; 0.02 means ±2 %.

        None if there is no interval, or if it reaches 0 (then this is no ratio).
        """
        if self.low is None or self.high is None or self.low <= 0:
            return None
        return float(np.sqrt(self.high / self.low)) - 1


def has_no_spread(values: Floats) -> NDArray[np.bool_]:
    """Whether all values along the last axis are the same, up to the rounding of a logarithm.

    Args:
        values: shape (…, n), n ≥ 1.
    """
    scale = np.maximum(1.0, np.abs(values).max(axis=-1))
    spread: Floats = np.ptp(values, axis=-1)
    return np.asarray(spread <= 8 * np.finfo(np.float64).eps * scale)
