"""A ratio taken apart into factors that multiply to it, each with an interval.

The values of one block make a chain, v0, v1, …, vn; the factor of a link is v(i+1) / v(i), and a block's factors
telescope to vn / v0. A mean of logarithms is linear, so the geometric means over blocks multiply to that of the whole,
whatever the blocks hold. That is why nothing is trimmed here: a trimmed mean leaves out other blocks in every link, and
the product would no longer be the total. Intervals are Student's, of each link by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lab.stats.estimate import Estimate, Floats
from lab.stats.ratios import paired_log_ratios
from lab.stats.typical import Typical, as_ratio, plain_mean

METHOD = "geometric mean"


@dataclass(frozen=True)
class Decomposition:
    """A ratio and what it is made of.

    Attributes:
        total: last value of the chain over the first.
        factors: by the name of the link, in the chain's order; they multiply to the total.
    """

    total: Estimate
    factors: Mapping[str, Estimate]


def decompose(
    first: Mapping[int, float], links: Sequence[tuple[str, Mapping[int, float]]], level: float = 0.95
) -> Decomposition | None:
    """Take the ratio of the last value to the first apart; None if no block holds the whole chain.

    Args:
        first: value that the chain starts from, by block number.
        links: name of each link, and the value that it ends in by block number, in the unit of `first`; at least one.
        level: of the intervals.

    Raises:
        DataError: a value is not above 0.
    """
    chain = [first, *(values for _, values in links)]
    common = set.intersection(*(set(values) for values in chain))
    if not common:
        return None
    paired = [{block: values[block] for block in common} for values in chain]
    steps = [paired_log_ratios(above, below) for below, above in pairwise(paired)]
    logs = np.stack([*steps, np.sum(steps, axis=0)])
    *factors, total = _estimates(logs, level)
    return Decomposition(total, dict(zip((name for name, _ in links), factors, strict=True)))


def _estimates(logs: Floats, level: float) -> list[Estimate]:
    """One estimate per row; logs has shape (rows, blocks)."""
    n, centers = logs.shape[-1], plain_mean(logs)
    reason = "one block has no spread to make an interval from" if n == 1 else f"all {n} blocks gave the same ratio"
    rows = (Typical(*(part[row] for part in centers)) for row in range(len(logs)))
    return [as_ratio(row, level, n, reason, METHOD) for row in rows]
