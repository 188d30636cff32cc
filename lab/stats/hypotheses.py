"""Rank tests, for many rows at once, and the correction of p-values within a family.

``values`` has shape (…, n): n independent block values of each row. A p-value is NaN where the test can't be made.

Sources: Wilcoxon 1945 (signed ranks); Mann & Whitney 1947; Brunner & Munzel 2000; Schuirmann 1987 (two one-sided
tests); Holm 1979. scipy does the mathematics.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from scipy import stats

from lab.stats.estimate import Floats
from lab.stats.exact import tied_mann_whitney, tied_signed_rank

Alternative = Literal["two-sided", "less", "greater"]

_EXACT_TO = 50
_BRUNNER_MUNZEL_FROM = 10
_SIGNIFICANT_DECIMALS = 12


def signed_rank(values: Floats, alternative: Alternative = "two-sided") -> Floats:
    """The p-value of Wilcoxon's signed-rank test of symmetry about 0.

    Exact up to 50 values, ties and zeros (ranked as Pratt does) included; then by the normal approximation. Assumes a
    symmetric distribution, nothing else about its shape.
    """
    if values.shape[-1] == 0:
        return np.full(values.shape[:-1], np.nan)
    # values that differ by the rounding of a logarithm only are ties
    rows = _rounded(values.reshape(-1, values.shape[-1]))
    sizes = np.sort(np.abs(rows), axis=-1)
    tied = (sizes[:, 0] == 0) | (np.diff(sizes, axis=-1) == 0).any(axis=-1)
    p = np.ones(len(rows))
    if not tied.all():
        method: Literal["exact", "approx"] = "exact" if rows.shape[-1] <= _EXACT_TO else "approx"
        p[~tied] = stats.wilcoxon(rows[~tied], axis=-1, alternative=alternative, method=method).pvalue
    for row in np.flatnonzero(tied & rows.any(axis=-1)):
        p[row] = (
            tied_signed_rank(rows[row], alternative)
            if rows.shape[-1] <= _EXACT_TO
            else stats.wilcoxon(rows[row], zero_method="pratt", alternative=alternative, method="approx").pvalue
        )
    return p.reshape(values.shape[:-1])


def signed_rank_tost(values: Floats, bound: float) -> Floats:
    """The p-value of the two one-sided signed-rank tests that values lie outside of ±bound; small means equivalent.

    Args:
        values: shape (…, n).
        bound: on the scale of the values; for a margin of 2 % on log-ratios ``log(1.02)``.
    """
    return np.maximum(signed_rank(values + bound, "greater"), signed_rank(values - bound, "less"))


def mann_whitney(a: Floats, b: Floats, alternative: Alternative = "two-sided") -> Floats:
    """The p-value of the Mann-Whitney test; exact up to 50 values in total, ties included.

    ``greater`` asks whether b tends to be greater than a.
    """
    a, b = _rounded(a), _rounded(b)
    together = np.sort(np.concatenate([a, b], axis=-1), axis=-1)
    tied = (np.diff(together, axis=-1) == 0).any(axis=-1)
    p = np.ones(len(a))
    if not tied.all():
        method: Literal["exact", "asymptotic"] = "exact" if together.shape[-1] <= _EXACT_TO else "asymptotic"
        p[~tied] = stats.mannwhitneyu(b[~tied], a[~tied], alternative=alternative, method=method, axis=-1).pvalue
    for row in np.flatnonzero(tied & (together[:, 0] < together[:, -1])):
        p[row] = (
            tied_mann_whitney(a[row], b[row], alternative)
            if together.shape[-1] <= _EXACT_TO
            else stats.mannwhitneyu(b[row], a[row], alternative=alternative, method="asymptotic").pvalue
        )
    return p


def _rounded(values: Floats) -> Floats:
    return np.asarray(np.round(np.atleast_2d(values), _SIGNIFICANT_DECIMALS), dtype=np.float64)


def brunner_munzel(a: Floats, b: Floats) -> Floats:
    """The p-value of the two-sided Brunner-Munzel test that neither of a and b tends to be greater; spreads may differ.

    With fewer than ten values on a side, or where a and b do not overlap, its variance can't be relied on: the exact
    Mann-Whitney test speaks instead.
    """
    a, b = np.atleast_2d(a), np.atleast_2d(b)
    p = mann_whitney(a, b)
    if min(a.shape[-1], b.shape[-1]) < _BRUNNER_MUNZEL_FROM:
        return p
    overlap = (a.max(axis=-1) > b.min(axis=-1)) & (b.max(axis=-1) > a.min(axis=-1))
    if overlap.any():
        p[overlap] = stats.brunnermunzel(a[overlap], b[overlap], axis=-1).pvalue
    return p


def holm(p_values: Floats) -> Floats:
    """Adjust p-values after Holm: the chance of any false claim in the family stays at alpha.

    NaN, a test that could not be made, stays NaN and is no member. Three lines of our own, because statsmodels'
    `multipletests` collects garbage on every call, a fifth of a second each in a process that holds a campaign.

    Args:
        p_values: of one family, shape (m,).
    """
    adjusted = np.array(p_values, dtype=np.float64)
    made = adjusted[np.isfinite(adjusted)]
    order = np.argsort(made)
    made[order] = np.minimum(1, np.maximum.accumulate(made[order] * np.arange(len(made), 0, -1)))
    adjusted[np.isfinite(adjusted)] = made
    return adjusted


def blocks_to_reach(alpha: float) -> int:
    """Blocks from which the exact two-sided signed-rank test can reach alpha at all: 2^(1-n) ≤ alpha; 6 for 0.05."""
    return math.ceil(1 - math.log2(alpha))


def can_reach(n: int, m: int, alpha: float) -> bool:
    """Whether the exact two-sided Mann-Whitney test of n against m values can reach alpha: 2 / C(n+m, n) ≤ alpha."""
    return 2 / math.comb(n + m, n) <= alpha
