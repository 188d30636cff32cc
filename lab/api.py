"""The lab from Python: a campaign, and every answer that the command line gives about it.

The functions behind this module are those behind ``lab report``, ``lab compare``, ``lab claims`` and ``lab export``.
docs/python.md shows it in use.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.errors import UsageError
from lab.core.manifest import Manifest
from lab.core.trial import QUANTITIES
from lab.disk.paths import RESULTS
from lab.report.claims.merge import claims_of_strata
from lab.report.claims.verdict import ClaimResult
from lab.report.compare.comparison import Comparison, compare
from lab.report.overheads import Cost, costs
from lab.report.results import Cell, Results, load_results
from lab.stats.estimate import Floats
from lab.store.campaigns import LATEST, resolve
from lab.store.columns import TrialTable

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class Campaign:
    """A campaign directory, read once; nothing in it is changed.

    Args:
        directory: with ``manifest.json`` and ``trials.jsonl``.

    Raises:
        DataError: it is damaged.
        NothingToReport: no trial has been recorded yet.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._results: Results = load_results(directory)

    def __repr__(self) -> str:  # noqa: D105
        return f"<Campaign {self.manifest.campaign}: {len(self.trials)} trials of {len(self.cases)} cases>"

    @property
    def manifest(self) -> Manifest:
        """What the campaign's numbers depend on: host, runtimes, guests, models, experiment."""
        return self._results.manifest

    @property
    def trials(self) -> TrialTable:
        """Every trial as columns: ``trials.quantities["total_ns"]`` has shape (trials,), NaN where not measured."""
        return self._results.table

    @property
    def cases(self) -> Mapping[Case, Cell]:
        """Every case of the experiment's tier with its trials: measured, failed with its reason, or not yet run."""
        return self._results.cells

    def values(self, case: Case | str, quantity: str = "single_total_ns") -> Floats:
        """A quantity in every good trial of a case, in journal order; shape (trials,), in the quantity's unit.

        Args:
            case: or its id, such as ``wasmtime-aot-cranelift@o3 yunet b1``.
            quantity: a name of `lab.core.trial.QUANTITIES`.

        Raises:
            UsageError: the campaign has no such case, or trials no such quantity.
        """
        return self._results.values(self._cell(case), _known(quantity))

    def by_block(self, case: Case | str, quantity: str = "single_total_ns") -> dict[int, float]:
        """A quantity by block: what is paired with the baseline's. Arguments and errors as `values`."""
        return self._results.by_block(self._cell(case), _known(quantity))

    def overheads(self, quantity: str = "single_total_ns", baseline: Arm | str | None = None) -> dict[Case, Cost]:
        """What every case costs, and its ratio to a baseline with interval and verdict; all cases are one family.

        Args:
            quantity: a name of `lab.core.trial.QUANTITIES`.
            baseline: the arm, or its id, that every case is compared with on its model and batch; None for the native
                arm of the case's guest level.

        Raises:
            UsageError: trials have no such quantity, or the campaign no such arm.
            ExperimentError: the text is no arm's id.
        """
        arm = Arm.parse(baseline) if isinstance(baseline, str) else baseline
        if arm is not None and arm not in self._results.arms:
            known = ", ".join(each.id for each in self._results.arms)
            raise UsageError(f"{self.manifest.campaign} has no arm '{arm.id}'", f"choose one of {known}")
        return costs(self._results, _known(quantity), self.cases, "every case", arm)

    def compare(self, after: Campaign, margin: float = 0.02) -> Comparison:
        """What changed from this campaign to a later one, with a verdict for each case.

        Args:
            after: the other campaign.
            margin: smallest difference that matters, as a fraction.

        Raises:
            UsageError: the margin is not above 0.
            NothingToReport: they have nothing in common.
        """
        return compare(self.directory, after.directory, margin)

    @cached_property
    def claims(self) -> tuple[ClaimResult, ...]:
        """The paper's claims, judged on this campaign."""
        return claims_of_strata([self._results])

    def arrow(self) -> pa.Table:
        """One row per trial, the columns of ``lab export`` (docs/results.md)."""
        from lab.store.export import arrow_table  # noqa: PLC0415 - pyarrow, for those who ask for it

        return arrow_table(self.directory)

    def frame(self) -> pd.DataFrame:
        """`arrow` as a pandas data frame; what was not measured is NaN or None."""
        return self.arrow().to_pandas()

    def _cell(self, case: Case | str) -> Cell:
        wanted = Case.parse(case) if isinstance(case, str) else case
        if wanted not in self.cases:
            raise UsageError(f"{self.manifest.campaign} has no case '{wanted.id}'", "`campaign.cases` lists all")
        return self.cases[wanted]


def open_campaign(campaign: Path | str = LATEST, results: Path | str = RESULTS) -> Campaign:
    """Open a campaign by its directory, its name below `results`, or ``latest``.

    Raises:
        UsageError: there is none.
        DataError: it is damaged.
        NothingToReport: no trial has been recorded yet.
    """
    return Campaign(resolve(Path(results), str(campaign)))


def _known(quantity: str) -> str:
    if quantity not in QUANTITIES:
        raise UsageError(f"there is no quantity '{quantity}'", f"choose one of {', '.join(QUANTITIES)}")
    return quantity
