"""Weighted sums of independent estimates: geometric means over models, between campaigns, ratios of averages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from lab.stats.estimate import Estimate, Floats
from lab.stats.typical import as_ratio, plain_mean, typical, weighted


def geometric_mean_over_models(log_ratios: Mapping[str, Floats], level: float = 0.95) -> Estimate:
    """One runtime's overhead on these models, each model counting the same however many blocks it has.

    Each model's part is its typical trial; only the noise of blocks makes the interval.

    Args:
        log_ratios: by model, in order of blocks, shape (blocks of that model,); models without any block are left out.
        level: of the interval.

    Returns:
        An estimate whose `n` is the number of models.
    """
    per_model = {name: values for name, values in sorted(log_ratios.items()) if len(values)}
    k, method = len(per_model), "blocks of fixed models"
    if k == 0:
        return Estimate(None, None, None, level, method, 0, "no model has a block with both trials")
    single = [name for name, values in per_model.items() if len(values) < 2]
    reason = f"one block only on {', '.join(single)}" if single else "no block differs from any other of its model"
    combined = weighted([(1 / k, typical(values)) for values in per_model.values()])
    return as_ratio(combined, level, k, reason, method)


def mean_over_sample(log_ratios: Sequence[float], level: float = 0.95) -> Estimate:
    """What a ratio would be on networks like these: models are the sample, and they differ far more than blocks do.

    Args:
        log_ratios: one for each model, at least one.
        level: of the interval, Student's.
    """
    k = len(log_ratios)
    reason = "one model has no spread to make an interval from" if k == 1 else f"all {k} models gave the same ratio"
    return as_ratio(plain_mean(np.array(log_ratios, dtype=np.float64)), level, k, reason, "t over a sample of models")


def compare_geometric_means(a: Mapping[str, Floats], b: Mapping[str, Floats], level: float = 0.95) -> Estimate:
    """How b stands to a: the ratio of two geometric means of one runtime, over the models that both campaigns have.

    Args:
        a: log-ratios by model, in order of blocks, shape (blocks,).
        b: the same of the other campaign.
        level: of the interval.
    """
    common = [name for name in sorted(a.keys() & b.keys()) if len(a[name]) and len(b[name])]
    k, method = len(common), "welch over fixed models"
    if k == 0:
        return Estimate(None, None, None, level, method, 0, "the campaigns have no measured model in common")
    samples = [(sign / k, side[name]) for name in common for sign, side in ((-1.0, a), (1.0, b))]
    combined = weighted([(weight, typical(values)) for weight, values in samples])
    return as_ratio(combined, level, k, _no_interval([values for _, values in samples]), method)


def ratio_of_averages(
    numerator: Mapping[str, Floats], denominator: Mapping[str, Floats], level: float = 0.95
) -> Estimate:
    """Table III as the paper makes it (equation 2): average over models of t1, over average over models of t2.

    Expensive models dominate it: VGG alone can decide the figure. `geometric_mean_over_models` is the other reading.
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
    combined = weighted([(weight, plain_mean(values)) for weight, values in linear])
    center = np.array(math.log(top / bottom))
    return as_ratio(combined._replace(value=center, mean=center), level, k, _no_interval(tops + bottoms), method)


def _no_interval(samples: Sequence[Floats]) -> str:
    lone = any(len(values) < 2 for values in samples)
    return "a model has one block only" if lone else "no block differs from any other"
