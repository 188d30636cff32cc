"""Several campaigns, or hosts, as strata of one: their typical figures together, and whether they agree at all.

Strata that are alike and agree have one figure, each counting by the blocks that stand behind it, which no figure
decides (fixed effect). Strata that are not alike, or do not agree, are a sample themselves (random effects): each
counts the same, and the interval is Student's over strata, which is Hartung & Knapp's (2001) with equal weights. It is
of the mean over strata like these, and wide: of two strata it says next to nothing. Weights by τ² and errors were not
adopted: both are estimated from few blocks, and intervals then cover too little (docs/statistics.md).

Whether strata differ by more than their noise is asked with Welch's test for means of unequal variance (1951), on
trimmed means and Yuen's errors. How far they do: Cochran's Q (1954), I², and τ² of Paule & Mandel (1982).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import optimize, special

from lab.stats.estimate import Floats
from lab.stats.typical import Typical, plain_mean, typical, weighted

ALPHA = 0.05


class Heterogeneity(NamedTuple):
    """How far strata differ.

    Attributes:
        p_same: of the test that all strata have one figure.
        q: Cochran's Q; about the number of strata less one where they have one figure.
        i_squared: share of the strata's variance that is more than noise (Higgins & Thompson 2002), 0 to 1.
        tau: standard deviation between strata, on the scale of their figures; 0 where noise explains all.
    """

    p_same: float
    q: float
    i_squared: float
    tau: float

    @property
    def is_shown(self) -> bool:
        """Whether the test finds that strata differ."""
        return self.p_same <= ALPHA


class Merged(NamedTuple):
    """Strata taken together.

    Attributes:
        center: the figure of all of them.
        heterogeneity: None where it cannot be asked: of one stratum, or where the blocks of one are all the same.
        is_random: whether `center` takes the strata for a sample.
    """

    center: Typical
    heterogeneity: Heterogeneity | None
    is_random: bool


def merge_strata(samples: Sequence[Floats], *, are_alike: bool = True) -> Merged:
    """Merge block values of strata.

    Args:
        samples: of each stratum, in order of blocks, shape (blocks,), at least two that are not all the same.
        are_alike: whether nothing is known that would make strata differ, such as another processor.
    """
    centers = [typical(values) for values in samples]
    counts = np.array([float(center.counts_as) for center in centers])
    together = weighted([(float(count / counts.sum()), center) for count, center in zip(counts, centers, strict=True)])
    if len(samples) < 2:
        return Merged(together, None, is_random=False)
    values, errors, freedoms = (np.array([float(center[place]) for center in centers]) for place in range(3))
    found = None
    if (errors > 0).all():
        found = Heterogeneity(*_welch(values, errors, freedoms), math.sqrt(between_strata(values, errors)))
    is_random = not are_alike or (found is not None and found.is_shown)
    return Merged(plain_mean(values) if is_random else together, found, is_random)


def between_strata(values: Floats, errors: Floats) -> float:
    """τ² of Paule & Mandel: with it, the strata scatter about their mean as far as they should.

    Args:
        values: figure of each stratum, shape (k,), k ≥ 2.
        errors: its standard error, all above 0.
    """

    def excess(tau_squared: float) -> float:
        weights = 1 / (errors**2 + tau_squared)
        center = (weights * values).sum() / weights.sum()
        return float((weights * (values - center) ** 2).sum()) - (len(values) - 1)

    if excess(0.0) <= 0:
        return 0.0
    # every weight is below 1 / τ², and the sum of squares about the weighted mean at most that about any other value
    most = float(((values - values.mean()) ** 2).sum()) / (len(values) - 1)
    return float(optimize.brentq(excess, 0.0, most, xtol=1e-15, rtol=1e-12))


def _welch(values: Floats, errors: Floats, freedoms: Floats) -> tuple[float, float, float]:
    """Welch's p-value that all values are one, Cochran's Q, and I² of Higgins & Thompson (2002)."""
    k, weights = len(values), errors**-2.0
    shares = weights / weights.sum()
    q = float((weights * (values - (shares * values).sum()) ** 2).sum())
    unsure = float(((1 - shares) ** 2 / freedoms).sum())
    f = q / (k - 1) / (1 + 2 * (k - 2) / (k**2 - 1) * unsure)
    p_same = float(special.fdtrc(k - 1, (k**2 - 1) / (3 * unsure), f))
    return p_same, q, max(0.0, 1 - (k - 1) / q) if q > 0 else 0.0
