"""The campaign as cells: every case of the experiment's tier, measured, failed with its reason, or not yet run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lab.core.arm import Arm, GuestProfile, Mode
from lab.core.case import Case
from lab.core.errors import NothingToReport
from lab.core.manifest import Manifest
from lab.core.trial import Kind, Outcome
from lab.stats.levels import ReplicationUnit, by_world
from lab.stats.ratios import by_block, paired_log_ratios
from lab.stats.sequential import look_levels
from lab.store.campaigns import read_manifest
from lab.store.columns import OUTCOMES, Floats, TrialTable, load_table

_MODES = (Mode.NATIVE, Mode.FRAMEWORK, Mode.JIT, Mode.INTERPRETER, Mode.AOT)
_MODE_ORDER = {mode: place for place, mode in enumerate(_MODES)}
_GUEST_ORDER = {guest: place for place, guest in enumerate(GuestProfile)}
NOT_RUN = "not yet run"
ALPHA = 0.05
"""Chance of a false alarm in a family, over all looks at it."""


@dataclass(frozen=True)
class Cell:
    """One case and its trials.

    Attributes:
        case: which.
        rows: table rows of its trials that enter statistics.
        failures: how many trials ended in each outcome that is not ok.
        why: reason of the latest failure, if any.
        predicted_ns: predicted cost of one trial, where the case was over budget.
        cut_at_ns: how long the case ran at least: the shortest of its trials that were cut at their limit before their
            first inference ended; None if there is none, or if it ever ended ok.
    """

    case: Case
    rows: npt.NDArray[np.int64]
    failures: Mapping[Outcome, int]
    why: str | None = None
    predicted_ns: float | None = None
    cut_at_ns: float | None = None

    @property
    def n(self) -> int:
        """Trials that enter statistics."""
        return len(self.rows)

    @property
    def failed_as(self) -> Outcome | None:
        """The commonest failure of a cell that has no good trial; None if it has one, or was not run."""
        return None if self.n or not self.failures else max(self.failures, key=lambda outcome: self.failures[outcome])

    @property
    def status(self) -> str:
        """``ok``, the failure's name, or ``not yet run``."""
        return "ok" if self.n else str(self.failed_as or NOT_RUN)


class Results:
    """A campaign's manifest and trials, seen as cells; what every table and figure is computed from.

    Attributes:
        manifest: the fingerprint.
        table: all trials.
        cells: by case, in display order: guest, then native, JIT, interpreter, AOT; models by parameters; batch.
        compiles: precompilations, by `Case.module`.
        preparations: by case of a prepared arm.
    """

    def __init__(self, manifest: Manifest, table: TrialTable) -> None:
        self.manifest = manifest
        self.table = table
        self._by_block: dict[tuple[Case, str], dict[int, float]] = {}
        runs, self.compiles, self.preparations = (
            {case: _cell(table, case, rows) for case, rows in table.rows_by_case(kind).items()}
            for kind in (Kind.RUN, Kind.COMPILE, Kind.PREPARE)
        )
        nothing = np.empty(0, dtype=np.int64)
        planned = manifest.experiment.cases(manifest.tier)
        for case in planned:
            runs.setdefault(case, Cell(case, nothing, {}))
        self.cells: dict[Case, Cell] = {case: runs[case] for case in sorted(runs, key=self._place)}

    def _place(self, case: Case) -> tuple[object, ...]:
        return (*arm_place(case.arm), self.parameters(case.model), case.model, case.batch)

    def parameters(self, model: str) -> int:
        """The model's size; models the manifest does not describe come last."""
        facts = self.manifest.models.get(model)
        return facts.parameters if facts else 2**62

    @cached_property
    def models(self) -> tuple[str, ...]:
        """Models of any cell, smallest first by parameters: the paper's order (Section IV)."""
        return tuple(sorted({case.model for case in self.cells}, key=lambda name: (self.parameters(name), name)))

    @cached_property
    def arms(self) -> tuple[Arm, ...]:
        """Arms of any cell, in display order."""
        return tuple(dict.fromkeys(case.arm for case in self.cells))

    @cached_property
    def batches(self) -> tuple[int, ...]:
        """Batch sizes, smallest first; the first one is what figures show."""
        return tuple(sorted({case.batch for case in self.cells}))

    @property
    def guests(self) -> tuple[GuestProfile, ...]:
        """Guest builds, in display order."""
        return tuple(dict.fromkeys(arm.guest for arm in self.arms))

    @property
    def levels(self) -> tuple[GuestProfile, ...]:
        """Guests of the baselines that arms are compared with, in display order."""
        return tuple(dict.fromkeys(arm.baseline.guest for arm in self.arms))

    def values(self, cell: Cell, quantity: str) -> Floats:
        """Measured values of a quantity over the cell's trials, absent ones left out."""
        values = self.table.quantities[quantity][cell.rows]
        present: Floats = values[~np.isnan(values)]
        return present

    def inferences_ns(self, cell: Cell) -> Floats:
        """Every inference of the cell's trials, those of the commonest number of inferences; shape (trials, number)."""
        starts, ends = self.table.infer_start[cell.rows], self.table.infer_start[cell.rows + 1]
        counts = ends - starts
        number = int(np.bincount(counts).argmax()) if len(counts) else 0
        places = starts[counts == number][:, None] + np.arange(number)
        found: Floats = self.table.infer_ns[places]
        return found[(found > 0).all(axis=1)]

    def by_block(self, cell: Cell, quantity: str) -> dict[int, float]:
        """The quantity by block, absent ones left out: what is paired with the baseline's. Made once per cell.

        Several trials of one block count once, by their geometric mean: a merged journal may hold such blocks.
        """
        found = self._by_block.get((cell.case, quantity))
        if found is None:
            found = self._by_block[cell.case, quantity] = self._make_by_block(cell, quantity)
        return found

    @cached_property
    def world_of(self) -> dict[int, int]:
        """The world of each block; empty in a campaign of one world."""
        if self.manifest.experiment.measure.replicates < 2:
            return {}
        return dict(zip(self.table.block.tolist(), self.table.replicate.tolist(), strict=True))

    @property
    def unit(self) -> ReplicationUnit:
        """What is independent of each other here."""
        return ReplicationUnit.WORLD if self.world_of else ReplicationUnit.BLOCK

    def level_at(self, blocks: int) -> float:
        """The level of tests on so many blocks, 5 % over all looks: less where a sequential campaign looks often."""
        if not self._looks:
            return ALPHA
        return self._looks.get(blocks, min(self._looks.values()))

    @cached_property
    def _looks(self) -> dict[int, float]:
        experiment = self.manifest.experiment
        if not experiment.measure.limits.is_sequential:
            return {}
        return look_levels(experiment.tier(self.manifest.tier).max_blocks, ALPHA)

    def per_unit(self, blocks: Sequence[int], figures: Floats, unit: ReplicationUnit | None = None) -> Floats:
        """Figures of blocks as statistics take them: as they are, or one for each world.

        Args:
            blocks: in order.
            figures: of these blocks, shape (blocks,), on the scale that is averaged.
            unit: what is wanted; None for the campaign's own.
        """
        if (unit or self.unit) is ReplicationUnit.BLOCK or not len(figures):
            return figures
        return by_world(figures, np.array([self.world_of[block] for block in blocks]))

    def logs(self, cell: Cell, quantity: str, unit: ReplicationUnit | None = None) -> Floats:
        """Logarithms of a quantity, one for each unit."""
        values = self.by_block(cell, quantity)
        return self.per_unit([*values], np.log(np.array(list(values.values()), dtype=np.float64)), unit)

    def log_ratios(self, cell: Cell, to: Cell, quantity: str, unit: ReplicationUnit | None = None) -> Floats:
        """Log-ratios of a quantity of two cells, paired by block, one for each unit; empty without a common block."""
        mine, other = self.by_block(cell, quantity), self.by_block(to, quantity)
        return self.per_unit(sorted(mine.keys() & other.keys()), paired_log_ratios(mine, other), unit)

    def _make_by_block(self, cell: Cell, quantity: str) -> dict[int, float]:
        values = self.table.quantities[quantity][cell.rows]
        blocks = self.table.block[cell.rows]
        there = ~np.isnan(values)
        return by_block(zip(blocks[there].tolist(), values[there].tolist(), strict=True))


def arm_place(arm: Arm) -> tuple[int, int, str, str]:
    """Sort key of arms for display."""
    return _GUEST_ORDER[arm.guest], _MODE_ORDER[arm.mode], arm.runtime, arm.backend or ""


def _cell(table: TrialTable, case: Case, rows: npt.NDArray[np.int64]) -> Cell:
    codes = table.outcome[rows]
    counts = np.bincount(codes, minlength=len(OUTCOMES)).tolist()
    failures: dict[Outcome, int] = {
        name: count for name, count in zip(OUTCOMES, counts, strict=True) if count and name is not Outcome.OK
    }
    good = rows[table.ok()[rows]]
    over_budget = rows[codes == OUTCOMES.index(Outcome.OVER_BUDGET)]
    predicted = table.quantities["predicted_ns"][over_budget]
    predicted = predicted[~np.isnan(predicted)]
    code = int(table.case[rows[0]])
    why = next((table.why[code, name] for name in failures if (code, name) in table.why), None)
    cut_at_ns = None if len(good) else _cut_at_ns(table, rows[codes == OUTCOMES.index(Outcome.TIMEOUT)])
    return Cell(case, good, failures, why, float(predicted[-1]) if len(predicted) else None, cut_at_ns)


def _cut_at_ns(table: TrialTable, rows: npt.NDArray[np.int64]) -> float | None:
    """The shortest of trials that were cut before an inference ended; one cut later has ended what a claim is about."""
    before = rows[table.infer_start[rows + 1] == table.infer_start[rows]]
    times = table.quantities["total_ns"][before]
    times = times[~np.isnan(times)]
    return float(times.min()) if len(times) else None


def load_results(campaign_dir: Path) -> Results:
    """Read a campaign directory.

    Raises:
        DataError: it is damaged.
        NothingToReport: no trial has been recorded yet.
    """
    manifest, table = read_manifest(campaign_dir), load_table(campaign_dir)
    if not len(table):
        raise NothingToReport(
            f"{campaign_dir} holds no trial yet", "run the experiment; the first block makes a report"
        )
    return Results(manifest, table)
