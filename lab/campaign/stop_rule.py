"""The stop rule: is a case's overhead known as precisely as wanted? Interval width decides, never significance.

With sequential bounds, which are made for it, the verdict may decide.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lab.core.case import Case
from lab.core.trial import Kind, Outcome, Trial
from lab.stats.planning import MARGIN, precise_enough
from lab.stats.ratios import Floats, by_block, paired_log_ratios
from lab.stats.sequential import is_settled


def is_precise(case: Case, trials: Iterable[Trial], half_width: float) -> bool:
    """Whether the interval of the case's overhead over native is no wider than ± `half_width` of the ratio.

    A native case has no overhead of its own: it runs along with the cases that are compared with it. In a campaign of
    several worlds the interval is that of worlds.
    """
    if case.arm.is_native:
        return True
    mine, native = _by_block(case, trials := [*trials])
    ratios = paired_log_ratios(mine, native)
    world_of = {trial.block: trial.replicate for trial in trials if trial.replicate is not None}
    blocks = sorted(mine.keys() & native.keys())
    worlds = np.array([world_of[block] for block in blocks], dtype=np.intp) if world_of else None
    return bool(len(ratios)) and precise_enough(ratios, half_width, worlds=worlds)


def is_answered(case: Case, trials: Iterable[Trial], most: int, half_width: float) -> bool:
    """Whether a look after some block has known the verdict on the case's overhead, by group-sequential bounds.

    Args:
        case: of any arm; of a native one as in `is_precise`.
        trials: of the case and its baseline.
        most: blocks of the last look.
        half_width: at which its interval is narrow enough whatever the verdict.
    """
    return case.arm.is_native or is_settled(block_log_ratios(case, trials), most, half_width, MARGIN)


def block_log_ratios(case: Case, trials: Iterable[Trial]) -> Floats:
    """Log-ratios of the case's overall time to its native baseline's, one for each block that has both."""
    return paired_log_ratios(*_by_block(case, trials))


def _by_block(case: Case, trials: Iterable[Trial]) -> tuple[dict[int, float], dict[int, float]]:
    mine: list[tuple[int, float]] = []
    native: list[tuple[int, float]] = []
    for trial in trials:
        if trial.kind is Kind.RUN and trial.outcome is Outcome.OK and trial.single_total_ns:
            if trial.case == case:
                mine.append((trial.block, trial.single_total_ns))
            elif trial.case == case.baseline:
                native.append((trial.block, trial.single_total_ns))
    return by_block(mine), by_block(native)
