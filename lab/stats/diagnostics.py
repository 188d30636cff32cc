"""Flags on a series of block values: drift, two modes, outliers, dependence, and a mean that parts from the typical.

They warn; nothing is ever deleted for them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import diptest
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from lab.stats.dependence import dependence_text, serial_correlation, serial_p
from lab.stats.estimate import Floats
from lab.stats.ratios import overhead
from lab.stats.typical import ENOUGH_BLOCKS, typical

_DRIFT_FROM = 5
_DIP_FROM = 8
# modified z-score: 3.5 is exceeded in one short series of eight under even noise, this in one of forty
_FAR_APART = 5.0


@dataclass(frozen=True, slots=True)
class SeriesFlag:
    """One diagnosis.

    Attributes:
        raised: whether the series shows it; None if it is too short to say.
        p: of the test behind it; None as above, or if it is no test.
        size: drift: relative change per block (0.01 is +1 %); bimodality: the dip statistic; dependence: the serial
            correlation; parting: mean over typical trial. None as above.
        text: one sentence for a person.
    """

    raised: bool | None
    p: float | None
    size: float | None
    text: str


def drift(log_values: Floats, blocks: Floats | None = None, alpha: float = 0.01) -> SeriesFlag:
    """Whether values move with block number: Mann-Kendall trend test (exact for few blocks), Theil-Sen slope.

    Args:
        log_values: logarithms of times, or log-ratios, in order of blocks, shape (n,).
        blocks: block numbers if some are missing, shape (n,).
        alpha: level of the flag; strict, since every case gets one.
    """
    n = len(log_values)
    if n < _DRIFT_FROM:
        return SeriesFlag(None, None, None, f"{n} blocks are too few to see a drift")
    place = np.arange(n, dtype=np.float64) if blocks is None else blocks
    if np.ptp(log_values) == 0:
        return SeriesFlag(False, 1.0, 0.0, "no drift: every block is the same")
    p = float(stats.kendalltau(place, log_values).pvalue)
    slope = math.expm1(float(stats.theilslopes(log_values, place).slope))
    raised = p <= alpha
    moving = f"drifts by {100 * slope:+.2g} % per block (p = {p:.2g})"
    return SeriesFlag(raised, p, slope, moving if raised else f"no drift seen (p = {p:.2g})")


def bimodality(values: Floats, alpha: float = 0.01) -> SeriesFlag:
    """Whether values have more than one mode: Hartigan & Hartigan's dip test (1985).

    Args:
        values: shape (n,).
        alpha: level of the flag.
    """
    if len(values) < _DIP_FROM:
        return SeriesFlag(None, None, None, f"{len(values)} values are too few to see two modes")
    if np.ptp(values) == 0:
        return SeriesFlag(False, 1.0, 0.0, "one mode: every value is the same")
    dip, p = diptest.diptest(np.asarray(values, dtype=np.float64))
    raised = float(p) <= alpha
    return SeriesFlag(
        raised, float(p), float(dip), f"{'two modes or more' if raised else 'one mode'} (dip p = {p:.2g})"
    )


def outliers(log_values: Floats, threshold: float = 3.5) -> NDArray[np.bool_]:
    """Which values lie far from the rest: modified z-score above 3.5 (Iglewicz & Hoaglin 1993).

    The scale is the median absolute deviation, or, where that is 0 (more than half of the values are the same), the
    mean absolute deviation.

    Args:
        log_values: shape (n,).
        threshold: of the modified z-score.

    Returns:
        Shape (n,); all False for fewer than three values.
    """
    if len(log_values) < 3:
        return np.zeros(len(log_values), dtype=np.bool_)
    distance = np.abs(log_values - np.median(log_values))
    # 1.4826 and 1.2533 make either deviation estimate sigma for normal values
    scale = 1.482602 * float(np.median(distance)) or 1.253314 * float(np.mean(distance))
    return np.asarray(distance > threshold * scale) if scale > 0 else np.zeros(len(log_values), dtype=np.bool_)


def dependence(log_ratios: Floats, alpha: float = 0.01) -> SeriesFlag:
    """Whether blocks resemble the one before: rank version of von Neumann's ratio.

    Args:
        log_ratios: in order of blocks, shape (n,).
        alpha: level of the flag.
    """
    n = len(log_ratios)
    if n < ENOUGH_BLOCKS:
        return SeriesFlag(None, None, None, f"{n} blocks are too few to see whether trials are independent")
    correlation = float(serial_correlation(log_ratios))
    p, counts_as = serial_p(correlation, n), float(typical(log_ratios).counts_as)
    raised = p <= alpha
    text = dependence_text(correlation, n, counts_as) if raised else f"no dependence seen (p = {p:.2g})"
    return SeriesFlag(raised, p, correlation, text)


def parting(log_ratios: Floats) -> SeriesFlag:
    """Whether rare trials make typical and mean trial two different answers.

    Raised where the estimates part (`Estimate.mean_parts`), and also where some ratios lie far apart from the rest: a
    slow mode of a third of all trials widens the interval so far that its own mean lies inside.

    Args:
        log_ratios: shape (n,).
    """
    estimate, apart = overhead(log_ratios), int(outliers(log_ratios, _FAR_APART).sum())
    value, mean = estimate.value, estimate.mean_value
    if len(log_ratios) < 2 or value is None or mean is None:
        return SeriesFlag(None, None, None, f"{len(log_ratios)} blocks are too few to compare typical and mean trial")
    raised = estimate.mean_parts or apart > 0
    beside = f"; {apart} of {len(log_ratios)} blocks lie apart" if apart else ""
    text = f"typical and mean trial part: {value:.4g}× and {mean:.4g}×{beside}"
    return SeriesFlag(raised, None, mean / value, text if raised else "typical and mean trial agree")
