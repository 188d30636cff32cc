"""Quantiles with distribution-free intervals: two order statistics, chosen by the binomial distribution.

Conover, "Practical Nonparametric Statistics" (1999), section 3.2. Nothing is assumed of the values but that they are
independent.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from lab.stats.estimate import Floats


def quantile(values: Floats, share: float) -> Floats:
    """The smallest value that at least a share of the values does not exceed, along the last axis.

    Args:
        values: shape (…, n), none missing.
        share: such as 0.99.
    """
    found: Floats = np.quantile(values, share, axis=-1, method="inverted_cdf")
    return found


def quantile_interval(values: Floats, share: float, level: float) -> tuple[float, float] | None:
    """Two of the values between which the quantile lies with at least that probability; None if there are too few.

    Args:
        values: shape (n,), independent of each other.
        share: such as 0.5.
        level: such as 0.95; each end is missed with at most half of the rest.
    """
    n, tail = len(values), (1 - level) / 2
    # the number of values at or below the quantile is binomial: P(at most k) for k = 0 … n
    at_most = special.bdtr(np.arange(n + 1), n, share)
    low = int(np.searchsorted(at_most, tail, side="right"))
    high = int(np.searchsorted(at_most, 1 - tail)) + 1
    if low < 1 or high > n:
        return None
    ordered = np.sort(values)
    return float(ordered[low - 1]), float(ordered[high - 1])
