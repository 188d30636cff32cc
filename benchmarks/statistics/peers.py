"""What other benchmark tools would answer on the same data: their rules, by their documentation, on two arms' times.

Each rule gets times of shape (campaigns, runs) for both commands and says where it calls the second one different.
Tools that run one command after the other see other blocks for each (`in_turn`), the others the same ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import special

from lab.stats.estimate import Floats
from lab.stats.typical import interval, typical

_RESAMPLES = 1000
_AT_ONCE = 50
_SEED = 20240613


class Answer(NamedTuple):
    """Of each campaign: whether the second command is called slower, and whether it is called faster."""

    slower: Floats
    faster: Floats


class Peer(NamedTuple):
    """A tool's rule.

    Attributes:
        name: of the tool and the rule.
        rule: from both commands' times to an answer.
        in_turn: all runs of one command come before those of the other, as the tool does it by default.
    """

    name: str
    rule: Callable[[Floats, Floats], Answer]
    in_turn: bool


def _two_sided(difference: Floats, margin: Floats) -> Answer:
    return Answer(difference > margin, difference < -margin)


def _hyperfine(a: Floats, b: Floats) -> Answer:
    """`1.02 ± 0.05 times`: the ratio of means, and its standard deviation propagated from those of the runs."""
    mean_a, mean_b = a.mean(axis=-1), b.mean(axis=-1)
    ratio = mean_b / mean_a
    spread = ratio * np.hypot(a.std(axis=-1, ddof=1) / mean_a, b.std(axis=-1, ddof=1) / mean_b)
    return _two_sided(ratio - 1, spread)


def _pyperf(a: Floats, b: Floats) -> Answer:
    """`compare_to`: Student's test with pooled variance, two-tailed, at 95 %."""
    n = a.shape[-1]
    pooled = np.sqrt((a.var(axis=-1, ddof=1) + b.var(axis=-1, ddof=1)) / n)
    return _two_sided(b.mean(axis=-1) - a.mean(axis=-1), pooled * special.stdtrit(2 * n - 2, 0.975))


def _sightglass(a: Floats, b: Floats) -> Answer:
    """Effect size: Welch's interval (Behrens and Fisher's problem) at 99 %, its default."""
    n = a.shape[-1]
    va, vb = a.var(axis=-1, ddof=1) / n, b.var(axis=-1, ddof=1) / n
    freedom = (n - 1) * (va + vb) ** 2 / (va**2 + vb**2)
    return _two_sided(b.mean(axis=-1) - a.mean(axis=-1), np.sqrt(va + vb) * special.stdtrit(freedom, 0.995))


def _criterion(a: Floats, b: Floats) -> Answer:
    """A bootstrapped t test at 5 %, and the interval of the change beyond the noise threshold of 1 %."""
    rng = np.random.default_rng(_SEED)
    parts = [_criterion_part(rng, a[at : at + _AT_ONCE], b[at : at + _AT_ONCE]) for at in range(0, len(a), _AT_ONCE)]
    return Answer(*(np.concatenate(side) for side in zip(*parts, strict=True)))


def _criterion_part(rng: np.random.Generator, a: Floats, b: Floats) -> Answer:
    n = a.shape[-1]
    picks = rng.integers(n, size=(2, _RESAMPLES, n))
    change = b[:, picks[1]].mean(axis=-1) / a[:, picks[0]].mean(axis=-1) - 1
    mixed = np.concatenate([a, b], axis=-1)
    drawn = [mixed[:, pick] for pick in rng.integers(2 * n, size=(2, _RESAMPLES, n))]
    null, seen = _welch_t(drawn[0], drawn[1]), _welch_t(a, b)
    above = (null >= seen[:, None]).mean(axis=-1)
    p = 2 * np.minimum(above, 1 - above)
    low, high = np.quantile(change, [0.025, 0.975], axis=-1)
    return Answer((p < 0.05) & (low > 0.01), (p < 0.05) & (high < -0.01))


def _welch_t(a: Floats, b: Floats) -> Floats:
    n = a.shape[-1]
    error = np.sqrt((a.var(axis=-1, ddof=1) + b.var(axis=-1, ddof=1)) / n)
    return np.asarray((b.mean(axis=-1) - a.mean(axis=-1)) / np.maximum(error, 1e-300))


def _lab(a: Floats, b: Floats) -> Answer:
    """The lab's: log-ratios of the same block, 20 % trimmed mean with Yuen's interval, dependence counted."""
    low, high = interval(typical(np.log(b) - np.log(a)), 0.95)
    return Answer(low > 0, high < 0)


PEERS = (
    Peer("hyperfine: `±` excludes 1", _hyperfine, True),
    Peer("pyperf `compare_to`", _pyperf, True),
    Peer("criterion", _criterion, True),
    Peer("sightglass", _sightglass, False),
    Peer("this lab", _lab, False),
)
