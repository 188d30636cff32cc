"""What a campaign's trials hold for wants: blocks in common, and how wide an interval over them is.

It answers with widths and counts. Where an interval lies is not asked, and decides nothing about what is measured next.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from lab.core.case import Case
from lab.core.trial import Kind, Outcome, Trial, counted
from lab.core.want import Want
from lab.stats.planning import blocks_needed
from lab.stats.ratios import Floats, by_block

MIN_BLOCKS = 3
"""A set counts as measured from so many common blocks on: with two, Student's interval is 3.6 times wider still."""
ASSURANCE = 0.9
"""A spread measured in few blocks may be small by luck: it is taken for what it is at most in 90 of 100 cases."""
_NEVER = 10**6
_TIME = "single_total_ns"


class Measurements:
    """What a campaign's trials hold for wants; it is asked for widths and counts only.

    Args:
        trials: of the campaign.
    """

    def __init__(self, trials: Iterable[Trial]) -> None:
        self._trials: dict[Case, list[Trial]] = {}
        self._outcomes: dict[Case, set[Outcome]] = {}
        self._values: dict[tuple[Case, str], dict[int, float]] = {}
        for trial in counted([*trials]):
            if trial.kind is Kind.RUN:
                self._outcomes.setdefault(trial.case, set()).add(trial.outcome)
                if trial.outcome is Outcome.OK:
                    self._trials.setdefault(trial.case, []).append(trial)

    def lacks(self, want: Want) -> int:
        """How many further blocks with all its cases a want needs; 0 if it is answered as well as it asks for."""
        if want.quantity is None:
            return 0 if all(self._tried(case) for case in want.cases) else 1
        figures = self.log_figures(want)
        if len(figures) < MIN_BLOCKS or want.half_width is None:
            return max(0, MIN_BLOCKS - len(figures))
        total = blocks_needed(figures, want.half_width, assurance=ASSURANCE)
        return max(0, (total or _NEVER) - len(figures))

    def running(self, want: Want) -> frozenset[Case]:
        """The want's cases that have to run: of a time, one that was only ever cut at its limit is a bound already."""
        if want.quantity != _TIME:
            return want.cases
        return frozenset(case for case in want.cases if not self._is_cut(case))

    def _is_cut(self, case: Case) -> bool:
        return self._outcomes.get(case, set()) - {Outcome.OVER_BUDGET} == {Outcome.TIMEOUT}

    def _tried(self, case: Case) -> bool:
        return bool(self._outcomes.get(case, set()) - {Outcome.OVER_BUDGET, Outcome.UNSUPPORTED})

    def log_figures(self, want: Want) -> Floats:
        """Log of the want's figure in each block that holds all its cases: what the geometric mean of ratios is."""
        running = self.running(want)
        rows = {case: self._of(case, str(want.quantity)) for case in running}
        common = sorted(set.intersection(*(set(row) for row in rows.values()))) if rows else []
        figures = np.zeros(len(common))
        for sign, side in ((1, want.above), (-1, want.below)):
            logs = [[math.log(rows[case][block]) for block in common] for case in side if case in running]
            figures += sign * np.mean(logs, axis=0) if logs else 0.0
        return figures

    def _of(self, case: Case, quantity: str) -> dict[int, float]:
        key = (case, quantity)
        if key not in self._values:
            pairs = [(trial.block, getattr(trial, quantity)) for trial in self._trials.get(case, ())]
            self._values[key] = by_block((block, float(value)) for block, value in pairs if value)
        return self._values[key]
