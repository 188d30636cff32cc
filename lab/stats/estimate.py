"""What a statistic says: a value, an interval if one can be computed, and the reason if not."""

from __future__ import annotations

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
        method: how the interval was made: ``t``, ``bca``, ``bootstrap-t``, …
        n: how many independent units (blocks, or models) it rests on.
        reason: why value or interval is None; None if both are there.
    """

    value: float | None
    low: float | None
    high: float | None
    level: float
    method: str
    n: int
    reason: str | None = None

    @property
    def half_width(self) -> float | None:
        """Relative half-width of the interval of a ratio, ``sqrt(high / low) - 1``; 0.02 means ±2 %.

        None if there is no interval, or if it reaches 0 (then this is no ratio).
        """
        if self.low is None or self.high is None or self.low <= 0:
            return None
        return float(np.sqrt(self.high / self.low)) - 1


def ratio_estimate(center: float, low: float, high: float, level: float, method: str, n: int) -> Estimate:
    """An estimate of a ratio from the logarithms of its parts; all three must be finite."""
    return Estimate(float(np.exp(center)), float(np.exp(low)), float(np.exp(high)), level, method, n)


def has_no_spread(values: Floats) -> NDArray[np.bool_]:
    """Whether all values along the last axis are the same, up to the rounding of a logarithm.

    Args:
        values: shape (…, n), n ≥ 1.
    """
    scale = np.maximum(1.0, np.abs(values).max(axis=-1))
    spread: Floats = np.ptp(values, axis=-1)
    return np.asarray(spread <= 8 * np.finfo(np.float64).eps * scale)
