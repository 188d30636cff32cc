"""How many inferences per start it takes: which arm is best for how many, and where any two arms break even.

At the smallest batch, among arms of one level: those that share a baseline (`lab.core.arm.Arm.baseline`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from lab.core.arm import GuestProfile
from lab.core.case import Case
from lab.report.results import Results
from lab.stats.break_even import BreakEven, Runs, break_even, break_evens
from lab.stats.fronts import lower_envelope
from lab.stats.ratios import Estimate, Floats, overhead

COLD, STEADY = "single_total_ns", "steady_infer_ns"
NUMBERS = (1, 10, 100, 1_000, 10_000)


@dataclass(frozen=True)
class Pair:
    """Two cases of one model; `first` is the one with the cheaper cold run."""

    first: Case
    second: Case
    found: BreakEven


@dataclass(frozen=True)
class Stretch:
    """Numbers of inferences for which one arm's typical trial takes least.

    Attributes:
        case: the arm's.
        first: the smallest such number.
        over: where it breaks even with the stretch before; None for the first stretch.
    """

    case: Case
    first: int
    over: BreakEven | None


@dataclass(frozen=True)
class Best:
    """The arm that takes least for a number of inferences.

    Attributes:
        inferences: how many.
        case: its.
        total: of its typical trial, in ns.
        alike: others that cannot be distinguished from it at that number, cheapest first; None if no other shares
            blocks enough with it to say.
    """

    inferences: int
    case: Case
    total: Estimate
    alike: tuple[Case, ...] | None


@dataclass(frozen=True)
class ModelTotals:
    """One model under the arms of one level.

    Attributes:
        level: guest of the baseline that these arms share.
        model: its name.
        lines: by case, typical cold run and typical steady inference in ns; native among them.
        pairs: every two of the cases.
        stretches: the lower envelope of the arms that are not native, from one inference on.
        best: the best of those arms at `NUMBERS`.
    """

    level: GuestProfile
    model: str
    lines: dict[Case, tuple[float, float]]
    pairs: tuple[Pair, ...]
    stretches: tuple[Stretch, ...]
    best: tuple[Best, ...]

    @property
    def figure_name(self) -> str:
        """File name of the level's drawing, without the suffix."""
        return f"break-even-{self.level}"


def model_totals(results: Results) -> list[ModelTotals]:
    """One for every level and model that two arms were measured on, with a further inference; in display order."""
    found = []
    for level in results.levels:
        for model in results.models:
            cases = [
                case
                for case in results.cells
                if case.arm.baseline.guest is level and (case.model, case.batch) == (model, results.batches[0])
            ]
            totals = _Blocks(results, cases).totals(level, model)
            if len(totals.lines) > 1:
                found.append(totals)
    return found


def break_even_of(results: Results, first: Case, second: Case) -> BreakEven:
    """Where two cases of a campaign break even, over the blocks that hold both."""
    runs = _Blocks(results, (first, second))
    return break_even(*runs.of_pair(first, second))


class _Blocks:
    """Cold runs and steady inferences of cases by block, where a trial has both."""

    def __init__(self, results: Results, cases: Iterable[Case]) -> None:
        self._by_case: dict[Case, dict[int, tuple[float, float]]] = {}
        for case in cases:
            cold, steady = (results.by_block(results.cells[case], quantity) for quantity in (COLD, STEADY))
            self._by_case[case] = {block: (cold[block], steady[block]) for block in cold if block in steady}

    def of_pair(self, first: Case, second: Case) -> tuple[Runs, Runs]:
        """Of the blocks that both cases have, in order."""
        common = sorted(self._by_case[first].keys() & self._by_case[second].keys())
        return self._runs(first, common), self._runs(second, common)

    def _runs(self, case: Case, blocks: Iterable[int]) -> Runs:
        table = np.array([self._by_case[case][block] for block in blocks], dtype=np.float64).reshape(-1, 2)
        return Runs(table[:, 0], table[:, 1])

    def totals(self, level: GuestProfile, model: str) -> ModelTotals:
        """Everything about the cases, which are of one model and level."""
        lines = {case: line for case, blocks in self._by_case.items() if blocks and (line := self._line(case))}
        ordered = sorted(lines, key=lambda case: (lines[case], case.id))
        pairs = self._pairs(list(combinations(ordered, 2)))
        contenders = [case for case in ordered if not case.arm.is_native]
        best = tuple(self._best(contenders, number) for number in NUMBERS) if contenders else ()
        return ModelTotals(level, model, lines, pairs, self._stretches(lines, contenders, pairs), best)

    def _line(self, case: Case) -> tuple[float, float]:
        runs = self._runs(case, sorted(self._by_case[case]))
        cold, steady = (overhead(np.log(part)).value for part in runs)
        return cold or 0.0, steady or 0.0

    def _pairs(self, wanted: list[tuple[Case, Case]]) -> tuple[Pair, ...]:
        """All of them, those with the same number of blocks at once."""
        by_length: dict[int, list[tuple[tuple[Case, Case], tuple[Runs, Runs]]]] = {}
        for pair in wanted:
            runs = self.of_pair(*pair)
            by_length.setdefault(len(runs[0].cold), []).append((pair, runs))
        found: dict[tuple[Case, Case], BreakEven] = {}
        for group in by_length.values():
            sides = [
                Runs(*(np.stack(part) for part in zip(*(runs[side] for _, runs in group), strict=True)))
                for side in (0, 1)
            ]
            found.update(zip((pair for pair, _ in group), break_evens(sides[0], sides[1]), strict=True))
        return tuple(Pair(*pair, found[pair]) for pair in wanted)

    def _stretches(
        self, lines: dict[Case, tuple[float, float]], contenders: list[Case], pairs: tuple[Pair, ...]
    ) -> tuple[Stretch, ...]:
        over = {(pair.first, pair.second): pair.found for pair in pairs}
        envelope = lower_envelope({case: lines[case] for case in contenders})
        found: list[Stretch] = []
        for case, number in envelope:
            first = math.ceil(number)
            if found and found[-1].first == first:  # best between two whole numbers only
                found.pop()
            found.append(Stretch(case, first, over.get((found[-1].case, case)) if found else None))
        return tuple(found)

    def _best(self, contenders: list[Case], number: int) -> Best:
        logs = {case: self._log_total(case, number) for case in contenders}
        totals = {case: overhead(values) for case, values in logs.items()}
        least, *others = sorted(contenders, key=lambda case: (totals[case].value or 0.0, case.id))
        ratios = {case: self._ratio(least, case, number) for case in others}
        known = [ratio for ratio in ratios.values() if ratio.low is not None]
        alike = tuple(case for case, ratio in ratios.items() if ratio.low is None or ratio.low <= 1)
        return Best(number, least, totals[least], alike if known or not others else None)

    def _log_total(self, case: Case, number: int) -> Floats:
        return np.log(self._runs(case, sorted(self._by_case[case])).total(number))

    def _ratio(self, least: Case, other: Case, number: int) -> Estimate:
        """Of the other's total to the least one."""
        mine, theirs = self.of_pair(least, other)
        return overhead(np.log(theirs.total(number)) - np.log(mine.total(number)))
