"""Numbers and verdicts as a person reads them."""

from __future__ import annotations

import math

from scipy import special

from lab.core.units import show_percent
from lab.stats.estimate import Estimate
from lab.stats.evidence import Evidence
from lab.stats.planning import smallest_n, trimmed_freedom


def show_ratio(estimate: Estimate, reference: str | None = None) -> str:
    """``2.10× native [2.05, 2.16]``, with as many decimals as the interval earns; without one ``2.1×``.

    Where they part, the mean trial stands behind it: ``1.01× [1.00, 1.02] (mean trial 1.06×)``.

    Raises:
        ValueError: the estimate has no value.
    """
    if estimate.value is None:
        raise ValueError("there is no ratio to show: the caller should have said why")
    of_what = f"× {reference}" if reference else "×"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.3g}{of_what}"
    places = _decimals((estimate.high - estimate.low) / 2)
    mean = f" (mean trial {estimate.mean_value:.{places}f}×)" if estimate.mean_parts else ""
    return f"{estimate.value:.{places}f}{of_what} [{estimate.low:.{places}f}, {estimate.high:.{places}f}]{mean}"


def show_units(estimate: Estimate, unit: str) -> str:
    """``20 blocks``, or ``20 blocks, which count as 6,`` where they depend on each other."""
    if estimate.counts_as is None or round(estimate.counts_as) >= estimate.n:
        return f"{estimate.n} {unit}s"
    return f"{estimate.n} {unit}s, which count as {estimate.counts_as:.0f},"


def _decimals(half_width: float) -> int:
    """Decimals that show the half-width's first digit, from 0 to 5."""
    if half_width <= 0:
        return 5
    return min(5, max(0, -math.floor(math.log10(half_width))))


def what_is_missing(one: Evidence, p_differs: float | None, margin: float, alpha: float, size: int) -> str:
    """Why a comparison is undetermined, and how many blocks would help.

    Args:
        one: the evidence.
        p_differs: corrected for the family.
        margin: of equivalence.
        alpha: of the tests.
        size: of the family.
    """
    if one.estimate.value is None:
        return one.estimate.reason or "nothing was measured"
    so_far = show_ratio(one.estimate)
    if one.shortage is not None:
        return f"{one.shortage} ({so_far} so far)"
    advice = _advice(one, margin)
    if one.excludes_one and one.rank_must_agree and one.p.rank is not None and one.p.rank > alpha:
        return f"{so_far} rests on few {one.unit}s that do not agree (exact rank test p = {one.p.rank:.2g}){advice}"
    if one.dependence is not None:
        return f"{so_far}: {one.dependence}{advice}"
    if one.excludes_one and p_differs is not None:
        return f"{so_far} excludes 1 alone, but not among {size} comparisons (p = {p_differs:.2g}){advice}"
    return f"{so_far} neither excludes 1 nor lies within {show_percent(margin)}{advice}"


def _advice(one: Evidence, margin: float) -> str:
    """How many more blocks would settle it, whichever way is nearer, if the spread stays and the value too."""
    value, half_width, n = one.estimate.value, one.estimate.half_width, one.estimate.n
    if value is None or half_width is None or not one.paired:
        return ""
    freedom = trimmed_freedom(n)
    spread = math.log1p(half_width) * math.sqrt(n) / float(special.stdtrit(freedom, (1 + one.estimate.level) / 2))
    distance, bound = abs(math.log(value)), math.log1p(margin)
    needed = smallest_n(spread, max(distance, bound - distance), one.estimate.level)
    if needed is None:
        return ""
    more = max(1, needed - n)
    return f"; about {more} more {one.unit}{'s' if more > 1 else ''} would settle it"
