"""Weighted sums of independent means: geometric means over models, ratios between campaigns, ratios of averages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from lab.stats.estimate import Estimate, Floats, ratio_estimate
from lab.stats.ratios import overhead


@dataclass(frozen=True, slots=True)
class WeightedMean:
    """Sum of weight × mean over independent samples.

    Attributes:
        value: the sum.
        error: its standard error; None if a sample has fewer than two values.
        freedom: degrees of freedom after Welch (1947) and Satterthwaite (1946); None like `error`, or without spread.
    """

    value: float
    error: float | None
    freedom: float | None

    def interval(self, level: float) -> tuple[float, float] | None:
        """Student's interval; None where error or freedom is."""
        if self.error is None or self.freedom is None:
            return None
        reach = float(special.stdtrit(self.freedom, (1 + level) / 2)) * self.error
        return self.value - reach, self.value + reach


def weighted_mean(parts: Sequence[tuple[float, Floats]]) -> WeightedMean:
    """Combine (weight, values) pairs; every values has shape (n,), n ≥ 1, and n may differ."""
    value = math.fsum(weight * float(values.mean()) for weight, values in parts)
    if any(len(values) < 2 for _, values in parts):
        return WeightedMean(value, None, None)
    variances = [(weight**2 * float(values.var(ddof=1)) / len(values), len(values) - 1) for weight, values in parts]
    total = math.fsum(variance for variance, _ in variances)
    below = math.fsum(variance**2 / freedom for variance, freedom in variances)
    return WeightedMean(value, math.sqrt(total), total**2 / below if below > 0 else None)


def geometric_mean_over_models(
    log_ratios: Mapping[str, Floats], level: float = 0.95, models: Literal["fixed", "sample"] = "fixed"
) -> Estimate:
    """One runtime's overhead over all its models, each model counting the same however many blocks it has.

    Args:
        log_ratios: by model, shape (blocks of that model,); models without any block are left out.
        level: of the interval.
        models: ``fixed`` answers "on these models": only measurement noise makes the interval. ``sample`` answers "on
            networks like these": the models are the sample, and they differ far more than blocks do.

    Returns:
        An estimate whose `n` is the number of models.
    """
    per_model = {name: values for name, values in sorted(log_ratios.items()) if len(values)}
    k, method = len(per_model), f"t over {'blocks of fixed' if models == 'fixed' else 'a sample of'} models"
    if k == 0:
        return Estimate(None, None, None, level, method, 0, "no model has a block with both trials")
    if models == "sample":
        return _renamed(overhead(np.array([values.mean() for values in per_model.values()]), level, "t"), method)
    combined = weighted_mean([(1 / k, values) for values in per_model.values()])
    interval = combined.interval(level)
    if interval is None:
        single = sorted(name for name, values in per_model.items() if len(values) < 2)
        reason = f"one block only on {', '.join(single)}" if single else "every block gave exactly the same ratio"
        return Estimate(math.exp(combined.value), None, None, level, method, k, reason)
    return ratio_estimate(combined.value, *interval, level, method, k)


def compare_geometric_means(a: Mapping[str, Floats], b: Mapping[str, Floats], level: float = 0.95) -> Estimate:
    """How b stands to a: the ratio of two geometric means of one runtime, over the models that both campaigns have.

    Args:
        a: log-ratios by model, shape (blocks,).
        b: the same of the other campaign.
        level: of the interval.
    """
    common = [name for name in sorted(a.keys() & b.keys()) if len(a[name]) and len(b[name])]
    k, method = len(common), "welch over fixed models"
    if k == 0:
        return Estimate(None, None, None, level, method, 0, "the campaigns have no measured model in common")
    parts = [(sign / k, side[name]) for name in common for sign, side in ((-1.0, a), (1.0, b))]
    combined = weighted_mean(parts)
    interval = combined.interval(level)
    if interval is None:
        lone = any(len(values) < 2 for _, values in parts)
        reason = "a model has one block only" if lone else "no block differs from any other"
        return Estimate(math.exp(combined.value), None, None, level, method, k, reason)
    return ratio_estimate(combined.value, *interval, level, method, k)


def ratio_of_averages(
    numerator: Mapping[str, Floats], denominator: Mapping[str, Floats], level: float = 0.95
) -> Estimate:
    """Table III as the paper makes it (equation 2): average over models of t1, over average over models of t2.

    Dear models dominate it: VGG alone can decide the figure. `geometric_mean_over_models` is the other reading.
    The interval is by the delta method on the logarithm, with Welch-Satterthwaite degrees of freedom.

    Args:
        numerator: t1 by model, shape (blocks,), plain values (ns or bytes), all above 0.
        denominator: t2, in the same unit.
        level: of the interval.

    Returns:
        An estimate over the models that both have, whose `n` is their number.
    """
    shared = sorted(numerator.keys() & denominator.keys())
    common = [name for name in shared if len(numerator[name]) and len(denominator[name])]
    k, method = len(common), "ratio of averages"
    if k == 0:
        return Estimate(None, None, None, level, method, 0, "no model was measured at both batch sizes")
    tops, bottoms = ([side[name] for name in common] for side in (numerator, denominator))
    top, bottom = (math.fsum(float(values.mean()) for values in side) for side in (tops, bottoms))
    linear = [(1 / top, values) for values in tops] + [(-1 / bottom, values) for values in bottoms]
    combined, center = weighted_mean(linear), math.log(top / bottom)
    if combined.error is None or combined.freedom is None:
        lone = any(len(values) < 2 for values in tops + bottoms)
        reason = "a model has one block only" if lone else "no block differs from any other"
        return Estimate(top / bottom, None, None, level, method, k, reason)
    reach = float(special.stdtrit(combined.freedom, (1 + level) / 2)) * combined.error
    return ratio_estimate(center, center - reach, center + reach, level, method, k)


def _renamed(estimate: Estimate, method: str) -> Estimate:
    reason = estimate.reason
    if estimate.value is not None and reason is not None:
        reason = reason.replace("blocks", "models").replace("block", "model")
    return Estimate(estimate.value, estimate.low, estimate.high, estimate.level, method, estimate.n, reason)
