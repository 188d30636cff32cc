"""What an experiment will cost, before it starts; predictions rest on the latest campaign's speeds if there is one."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import msgspec

from lab.campaign.prediction import CONTAINER_S, CostModel
from lab.campaign.schedule import beside_baseline
from lab.core.case import Case
from lab.core.errors import LabError
from lab.core.experiment import Experiment
from lab.core.model import Model
from lab.core.trial import Outcome, Trial
from lab.core.units import parse_fraction
from lab.runtimes import registry
from lab.store.campaigns import resolve
from lab.store.journal import JOURNAL_NAME, read_trials
from lab.zoo import catalog
from lab.zoo.entries import ENTRIES


class CaseEstimate(msgspec.Struct, frozen=True):
    """What one case is estimated to cost.

    Attributes:
        case: its id.
        trial_s: seconds of one trial; None while its model is not frozen, since its size is not known.
        basis: what that rests on.
        blocks_for_precision: blocks to the wanted half-width; None if the latest campaign has too few trials.
        unsupported_because: why it will not run at all; None if it will.
        inferences_that_pay: inferences per trial that make steady inference most precise for the time; None if the
            latest campaign has too few, or if trials do not differ at all, when more of them always pay.
    """

    case: str
    trial_s: float | None
    basis: str
    blocks_for_precision: int | None
    unsupported_because: str | None
    inferences_that_pay: int | None = None


class PlanEstimate(msgspec.Struct, frozen=True):
    """What a tier is estimated to cost.

    Attributes:
        cases: each.
        min_blocks, max_blocks: as the tier says.
        minimum_s: seconds for `min_blocks` blocks of every case within the cell budget.
        budget_s: seconds the tier may measure.
        unfrozen: models still to be frozen.
        disk_bytes: what freezing them will take.
        memory_bytes: limit of one trial.
    """

    cases: tuple[CaseEstimate, ...]
    min_blocks: int
    max_blocks: int
    minimum_s: float
    budget_s: float
    unfrozen: tuple[str, ...]
    disk_bytes: int
    memory_bytes: int


def estimate(
    experiment: Experiment, tier_name: str, cases: tuple[Case, ...], home: Path, results: Path, precision: str | None
) -> PlanEstimate:
    """Estimate a tier.

    Args:
        experiment: what.
        tier_name: how much.
        cases: of that tier.
        home: where frozen models are kept.
        results: where the latest campaign is looked for.
        precision: half-width to predict block counts for, such as ``1%``; None for the experiment's own.
    """
    tier = experiment.tier(tier_name)
    models, unfrozen = _models(cases, home, experiment.weights)
    costs = CostModel(models)
    trials = _latest_trials(results)
    costs.learn(trials)
    half_width = experiment.measure.limits.precision_fraction if precision is None else parse_fraction(precision)
    of_case = beside_baseline(trials)
    found = tuple(_case(case, experiment, costs, models, of_case(case), half_width) for case in cases)
    affordable = [case.trial_s for case in found if case.trial_s is not None and case.trial_s <= tier.cell_budget_s]
    return PlanEstimate(
        cases=found,
        min_blocks=tier.min_blocks,
        max_blocks=tier.max_blocks,
        minimum_s=sum(affordable) * tier.min_blocks,
        budget_s=tier.budget_s,
        unfrozen=unfrozen,
        disk_bytes=sum(ENTRIES[name].graph_bytes for name in unfrozen if name in ENTRIES),
        memory_bytes=experiment.measure.limits.memory_bytes,
    )


def _models(cases: tuple[Case, ...], home: Path, weights: str) -> tuple[dict[str, Model], tuple[str, ...]]:
    names = dict.fromkeys(case.model for case in cases)
    loaded = {name: catalog.load(name, home, weights) for name in names}
    present = {name: model for name, model in loaded.items() if model is not None}
    return present, tuple(name for name, model in loaded.items() if model is None)


def _latest_trials(results: Path) -> list[Trial]:
    try:
        return list(read_trials(resolve(results) / JOURNAL_NAME))
    except LabError:
        return []


def _case(
    case: Case,
    experiment: Experiment,
    costs: CostModel,
    models: dict[str, Model],
    trials: list[Trial],
    half_width: float,
) -> CaseEstimate:
    reason = registry.unsupported(case.arm, experiment.edition)
    if case.model not in models or reason is not None:
        basis = "its model is not frozen yet" if reason is None else ""
        return CaseEstimate(case.id, None, basis, None, reason)
    predicted = costs.predict(case, experiment.measure.limits.iterations)
    blocks = _blocks_needed(case, trials, half_width) if trials else None
    pay = inferences_that_pay(case, trials) if trials else None
    return CaseEstimate(case.id, predicted.total_s, predicted.basis, blocks, None, pay)


def _blocks_needed(case: Case, trials: list[Trial], half_width: float) -> int | None:
    # imported here: SciPy takes half a second, and without an earlier campaign there is nothing to compute
    from lab.campaign.stop_rule import block_log_ratios  # noqa: PLC0415
    from lab.stats.planning import blocks_needed  # noqa: PLC0415

    return blocks_needed(block_log_ratios(case, trials), half_width)


def inferences_that_pay(case: Case, trials: list[Trial]) -> int | None:
    """How many inferences a trial should make, the cold first one included; None where trials do not show it."""
    # imported here, as above
    import numpy as np  # noqa: PLC0415

    from lab.stats.iterations import variance_components  # noqa: PLC0415

    mine = [trial for trial in trials if trial.case == case and trial.outcome is Outcome.OK and trial.single_total_ns]
    number = max((len(trial.infer_ns) for trial in mine), default=0)
    steady = [trial.infer_ns[1:] for trial in mine if len(trial.infer_ns) == number and min(trial.infer_ns) > 0]
    if not steady:
        return None
    log_times = np.log(np.array(steady, dtype=np.float64))
    components = variance_components(log_times)
    if components is None:
        return None
    cold_s = median(trial.single_total_ns or 0 for trial in mine) / 1e9
    best = components.best_iterations(CONTAINER_S + cold_s, float(np.exp(log_times.mean())) / 1e9)
    return None if best is None else 1 + best
