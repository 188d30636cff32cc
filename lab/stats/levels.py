"""Levels above the trial: the noise of a campaign of several worlds, and which level more money should buy.

All blocks of a world share what the world is, so they are no independent evidence of what a case costs elsewhere: the
world is the unit of replication. Each counts once, by the median of its blocks, and the methods for blocks apply to
worlds (Kalibera & Jones, "Rigorous benchmarking in reasonable time", ISMM 2013: the topmost level that varies decides).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from lab.stats.estimate import Floats
from lab.stats.iterations import Components


class ReplicationUnit(StrEnum):
    """What is independent of each other in a campaign."""

    BLOCK = "block"
    WORLD = "world"


def by_world(values: Floats, worlds: NDArray[np.int_]) -> Floats:
    """The median of each world's blocks, in order of worlds.

    Args:
        values: by block, shape (blocks,).
        worlds: of each block, shape (blocks,).
    """
    return np.array([np.median(values[worlds == world]) for world in np.unique(worlds)], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Levels:
    """Variances of one figure's parts, and how many of each there were.

    Attributes:
        between_worlds: of worlds' true means; 0 if the blocks' noise explains all.
        between_blocks: of one block around its world's mean, the noise of its inferences left out.
        within_trials: of one inference around its trial's mean; None where trials hold but one.
        worlds, blocks: how many; at least two worlds, and more blocks than worlds.
        iterations: inferences per trial.
    """

    between_worlds: float
    between_blocks: float
    within_trials: float | None
    worlds: int
    blocks: int
    iterations: int

    @property
    def parts(self) -> dict[str, float]:
        """What each level adds to the variance of the mean: more of the level with the largest part narrows most."""
        found = {
            "worlds": self.between_worlds / self.worlds,
            "blocks": self.between_blocks / self.blocks,
        }
        if self.within_trials is not None:
            found["inferences"] = self.within_trials / (self.blocks * self.iterations)
        return found

    @property
    def buy(self) -> str:
        """Of which level more should be bought: ``worlds``, ``blocks`` or ``inferences``."""
        return max(self.parts, key=lambda level: self.parts[level])


def split_levels(values: Floats, worlds: NDArray[np.int_], within: Components | None) -> Levels | None:
    """Split the variance of blocks by level: nested analysis of variance of unequal groups (Searle et al. 1992, 3.6).

    Args:
        values: by block, shape (blocks,).
        worlds: of each block, shape (blocks,).
        within: of the inferences of the trials behind each value, if there are several; its variance is that of the
            value's own inferences, the sum of both sides of a ratio.

    Returns:
        None without two worlds, one of which has two blocks.
    """
    names, places, counts = np.unique(worlds, return_inverse=True, return_counts=True)
    k, n = len(names), len(values)
    if k < 2 or n <= k:
        return None
    means = np.bincount(places, weights=values) / counts
    inner = float(((values - means[places]) ** 2).sum()) / (n - k)
    outer = float((counts * (means - values.mean()) ** 2).sum()) / (k - 1)
    size = (n - float((counts**2).sum()) / n) / (k - 1)
    noise = 0.0 if within is None else within.within_trials / within.iterations
    return Levels(
        max(0.0, (outer - inner) / size),
        max(0.0, inner - noise),
        None if within is None else within.within_trials,
        k,
        n,
        1 if within is None else within.iterations,
    )
