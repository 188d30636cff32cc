"""Several campaigns as strata of one: their typical figures together, and whether they agree at all.

Each stratum counts by the blocks that stand behind it, which no figure decides. Whether strata differ by more than
their noise is asked with Welch's test for means of unequal variance (1951), on trimmed means and Yuen's errors. Where
they do, the strata themselves are the sample: the interval then says what a further campaign would find, and is wide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import special

from lab.stats.estimate import Floats
from lab.stats.typical import Typical, plain_mean, typical, weighted

ALPHA = 0.05


class Merged(NamedTuple):
    """Strata taken together.

    Attributes:
        center: the figure of all of them.
        p_same: of the test that all strata have one figure; None where it cannot be asked.
        between: share of the strata's variance that is more than noise (I²), 0 to 1; None likewise.
        is_mixed: whether they differ, so that `center` takes the strata for a sample.
    """

    center: Typical
    p_same: float | None
    between: float | None
    is_mixed: bool


def merge_strata(samples: Sequence[Floats]) -> Merged:
    """Merge block values of strata.

    Args:
        samples: of each stratum, in order of blocks, shape (blocks,), at least two that are not all the same.
    """
    centers = [typical(values) for values in samples]
    counts = np.array([float(center.counts_as) for center in centers])
    together = weighted([(float(count / counts.sum()), center) for count, center in zip(counts, centers, strict=True)])
    if len(samples) < 2 or any(not center.error > 0 for center in centers):
        return Merged(together, None, None, is_mixed=False)
    values, errors, freedoms = (np.array([float(center[place]) for center in centers]) for place in range(3))
    p_same, between = _welch(values, errors, freedoms)
    is_mixed = p_same <= ALPHA
    return Merged(plain_mean(values) if is_mixed else together, p_same, between, is_mixed)


def _welch(values: Floats, errors: Floats, freedoms: Floats) -> tuple[float, float]:
    """Welch's p-value that all values are one, and I² of Higgins & Thompson (2002)."""
    k, weights = len(values), errors**-2.0
    shares = weights / weights.sum()
    squares = float((weights * (values - (shares * values).sum()) ** 2).sum())
    unsure = float(((1 - shares) ** 2 / freedoms).sum())
    f = squares / (k - 1) / (1 + 2 * (k - 2) / (k**2 - 1) * unsure)
    p_same = float(special.fdtrc(k - 1, (k**2 - 1) / (3 * unsure), f))
    return p_same, max(0.0, 1 - (k - 1) / squares) if squares > 0 else 0.0
