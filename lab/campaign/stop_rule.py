"""The stop rule: is a case's overhead known as precisely as wanted? Interval width decides, never significance."""

from __future__ import annotations

from collections.abc import Iterable

from lab.core.case import Case
from lab.core.trial import Kind, Outcome, Trial
from lab.stats.planning import precise_enough
from lab.stats.ratios import Floats, by_block, paired_log_ratios


def is_precise(case: Case, trials: Iterable[Trial], half_width: float) -> bool:
    """Whether the interval of the case's overhead over native is no wider than ± `half_width` of the ratio.

    A native case has no overhead of its own: it runs along with the cases that are compared with it.
    """
    if case.arm.is_native:
        return True
    ratios = block_log_ratios(case, trials)
    return bool(len(ratios)) and precise_enough(ratios, half_width)


def block_log_ratios(case: Case, trials: Iterable[Trial]) -> Floats:
    """Log-ratios of the case's overall time to its native baseline's, one for each block that has both."""
    mine: list[tuple[int, float]] = []
    native: list[tuple[int, float]] = []
    for trial in trials:
        if trial.kind is Kind.RUN and trial.outcome is Outcome.OK and trial.single_total_ns:
            if trial.case == case:
                mine.append((trial.block, trial.single_total_ns))
            elif trial.case == case.baseline:
                native.append((trial.block, trial.single_total_ns))
    return paired_log_ratios(by_block(mine), by_block(native))
