"""Break-even: from how many inferences per start on one arm takes less time in all than another, with an interval.

n inferences of one process take cold + (n - 1) * steady, where cold is a whole run with one inference. With
start = cold - steady, two arms take the same at N = difference of starts / difference of steady inferences. The
interval holds every n at which the paired ratio of the two totals may be 1: Fieller's way of making an interval for a
quotient (J. R. Stat. Soc. B 16, 1954), with the lab's typical trial in place of the mean. It may be empty (one arm is
always ahead), or open at either end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import elementwise

from lab.stats.estimate import Floats
from lab.stats.typical import interval, typical

_VALUE, _LOW, _HIGH = range(3)
_PRECISION: Any = {"xatol": 1e-10, "xrtol": 1e-10}


class Ahead(StrEnum):
    """Which of the two arms takes less."""

    FIRST = "first"
    SECOND = "second"


class Runs(NamedTuple):
    """Blocks of an arm in any unit of time above 0, shape (…, blocks).

    Attributes:
        cold: whole runs with one inference.
        steady: each further inference of the same trials.
    """

    cold: Floats
    steady: Floats

    def total(self, inferences: float) -> Floats:
        """Time of so many inferences in one process, of each block."""
        return np.asarray(self.cold + (inferences - 1) * self.steady)


@dataclass(frozen=True, slots=True)
class BreakEven:
    """What a number of inferences per start decides between two arms.

    Attributes:
        value: at which typical trials of both take the same, above 1; None if they do at no number.
        low, high: between them the two cannot be distinguished. 1 at the lower end: not from the first inference on;
            infinity at the upper end: at no number above. Both None if one arm is ahead at every number, or if no
            interval can be made.
        few: which arm takes less below `low`, or for one inference; None if they cannot be distinguished there.
        many: which takes less above `high`, or for however many; None likewise.
        n: blocks that hold both arms.
        reason: why there is no interval to say anything with; None if there is.
    """

    value: float | None
    low: float | None
    high: float | None
    few: Ahead | None
    many: Ahead | None
    n: int
    reason: str | None = None

    @property
    def always(self) -> Ahead | None:
        """The arm that takes less whatever the number; None if there is none."""
        return self.few if self.few is self.many else None

    @property
    def starts_from(self) -> int | None:
        """The first whole number of inferences at which the other arm's typical trial takes no more."""
        return None if self.value is None else math.ceil(self.value)


def break_even(first: Runs, second: Runs, level: float = 0.95) -> BreakEven:
    """`break_evens` of one pair; shapes (blocks,)."""
    return break_evens(Runs(*(np.atleast_2d(part) for part in first)), Runs(*map(np.atleast_2d, second)), level)[0]


def break_evens(first: Runs, second: Runs, level: float = 0.95) -> list[BreakEven]:
    """The break-even of many pairs that have the same number of blocks.

    Args:
        first: in order of blocks, shape (pairs, blocks).
        second: of the same blocks, in the same unit.
        level: of the intervals.
    """
    pairs, n = first.cold.shape
    if n == 0:
        return [BreakEven(None, None, None, None, None, 0, "no block holds both arms") for _ in range(pairs)]
    totals = _Totals(first, second, level)
    every = np.arange(pairs)
    ends = np.stack([totals.at(np.full(pairs, share), every) for share in (0.0, 1.0)])
    roots = np.full((3, pairs), np.nan)
    which, pair = np.nonzero(np.sign(ends[0]) * np.sign(ends[1]) < 0)
    if len(pair):
        roots[which, pair] = totals.roots(which, pair)
    spread = np.asarray(np.isfinite(ends[:, _LOW]).all(axis=0))
    return [_found(ends[:, :, place], roots[:, place], n, has_interval=bool(spread[place])) for place in every]


class _Totals:
    """Log-ratios of the totals of two arms, over a share from 0 (one inference) to 1 (infinitely many).

    The share weighs cold runs against steady inferences, both on the pair's own scale, so that infinity is a number
    and most of what happens happens well inside.
    """

    def __init__(self, first: Runs, second: Runs, level: float) -> None:
        self._level = level
        self._scale = np.stack(
            [np.exp(np.log(np.concatenate(parts, axis=-1)).mean(axis=-1)) for parts in zip(first, second, strict=True)]
        )
        self._first, self._second = (
            Runs(runs.cold / self._scale[0][:, None], runs.steady / self._scale[1][:, None]) for runs in (first, second)
        )

    def at(self, share: Floats, pair: NDArray[np.intp]) -> Floats:
        """Typical log-ratio and both ends of its interval, shape (3, len(pair))."""
        weight = share[:, None]
        top, bottom = (
            (1 - weight) * runs.cold[pair] + weight * runs.steady[pair] for runs in (self._first, self._second)
        )
        center = typical(np.log(top) - np.log(bottom))
        return np.stack([center.value, *interval(center, self._level)])

    def roots(self, which: NDArray[np.intp], pair: NDArray[np.intp]) -> Floats:
        """The numbers of inferences at which the value, or an end of the interval, is a ratio of 1."""

        def one_part(share: Floats, *args: Any) -> Floats:
            which, pair = args
            parts = self.at(share.ravel(), pair.ravel())[which.ravel(), np.arange(share.size)]
            return np.asarray(parts.reshape(share.shape))

        bracket = np.zeros(len(pair)), np.ones(len(pair))
        shares = elementwise.find_root(one_part, bracket, args=(which, pair), tolerances=_PRECISION).x
        cold, steady = self._scale[:, pair]
        return np.asarray(1 + shares / (1 - shares) * cold / steady)


def _found(ends: Floats, roots: Floats, n: int, *, has_interval: bool) -> BreakEven:
    """From signs at both ends, shape (one or infinitely many, 3), and roots, shape (3,)."""
    value = float(roots[_VALUE]) if np.isfinite(roots[_VALUE]) else None
    if not has_interval:
        reason = "one block has no spread to make an interval from" if n == 1 else "the blocks have no spread"
        return BreakEven(value, None, None, None, None, n, reason)
    few, many = (_ahead(float(end[_LOW]), float(end[_HIGH])) for end in ends)
    if few is not None and few is many:
        return BreakEven(None, None, None, few, many, n)
    between = sorted(float(root) for root in roots[[_LOW, _HIGH]] if np.isfinite(root))
    low = between[0] if few is not None else 1.0
    high = between[-1] if many is not None else math.inf
    return BreakEven(value, low, high, few, many, n)


def _ahead(low: float, high: float) -> Ahead | None:
    if high < 0:
        return Ahead.FIRST
    return Ahead.SECOND if low > 0 else None
