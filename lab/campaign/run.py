"""Running a campaign: scout every case once, then add blocks until precise or out of budget.

The journal is the only state. A campaign that was killed at any instant is continued by reading it again: nothing
measured is measured twice, and at most the trial in flight is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

import msgspec

from lab.campaign.materials import Materials
from lab.campaign.outcome import OutcomeWithReason
from lab.campaign.precompiled import Artifacts
from lab.campaign.prediction import CONTAINER_S, CostModel, Prediction, guess_compile_s
from lab.campaign.schedule import PILOT_SHARE, CaseProgress, case_progress, next_block, pilot_next
from lab.campaign.stop_rule import is_precise
from lab.campaign.trial_runner import TrialRunner, utc_now
from lab.core.arm import Arm, Mode
from lab.core.case import Case
from lab.core.experiment import Experiment, Tier
from lab.core.names import Flag
from lab.core.trial import Kind, Outcome, Trial
from lab.core.units import show_duration
from lab.engines.engine import Engine
from lab.store.journal import Journal


class Observer(Protocol):
    """Is told what a campaign does; the command line draws progress from it."""

    def on_trial_start(self, what: str, block: int, left_s: float) -> None:
        """A trial of `what` starts; `left_s` seconds of work are foreseen, it included."""

    def on_trial_end(self, trial: Trial) -> None:
        """A trial was written down."""

    def on_block_end(self, block: int, *, last: bool) -> None:
        """A block is complete: a good moment to refresh the report."""


class Campaign:
    """One experiment on this machine.

    Args:
        name: of the campaign; also the label of its containers.
        experiment: what to measure.
        tier: how much of it.
        cases: of that tier.
        materials: what to run with.
        engine: where.
        journal: where trials go.
        trials: those the journal already holds.
        home: where goldens and artifacts are kept.
        observer: is told.
    """

    def __init__(
        self,
        *,
        name: str,
        experiment: Experiment,
        tier: Tier,
        cases: tuple[Case, ...],
        materials: Materials,
        engine: Engine,
        journal: Journal,
        trials: Iterable[Trial],
        home: Path,
        observer: Observer,
    ) -> None:
        self._name, self._tier, self._cases = name, tier, cases
        self._materials, self._engine, self._journal, self._observer = materials, engine, journal, observer
        self._trials = list(trials)
        self._measure = experiment.measure_in(tier)
        self._runner = TrialRunner(name, materials, engine, self._measure, home)
        self._artifacts = Artifacts(home / "artifacts", materials)
        self._costs = CostModel(materials.models)
        self._costs.learn(self._trials)
        self._block = 0

    def run(self) -> None:
        """Measure until precise or out of budget. An interrupt leaves the journal whole."""
        self._engine.remove_leftovers(self._name)
        self._artifacts.remove_leftovers(self._name)
        self._declare_unsupported()
        self._pilot(PILOT_SHARE)
        for block in range(1, self._tier.min_blocks):
            self._run_block(block)
        # What block 0 could not afford may fit into what was left over.
        self._pilot(1.0)
        for block in range(self._tier.min_blocks, self._tier.max_blocks):
            if not self._run_block(block):
                break
        self._observer.on_block_end(self._block, last=True)

    # -- what is known --

    def _known(self) -> dict[Case, CaseProgress]:
        return case_progress(self._cases, self._trials, CONTAINER_S)

    def _before(self, block: int) -> list[Trial]:
        """The trials that a later block's cases are chosen by: those written down before its first one.

        A block that was cut short is thereby completed as it was begun.
        """
        first = next((index for index, trial in enumerate(self._trials) if trial.block == block), len(self._trials))
        return self._trials[:first]

    def _remaining_s(self) -> float:
        return self._tier.budget_s - _spent_s(self._trials)

    def _predict(self, case: Case) -> Prediction:
        return self._costs.predict(case, self._measure.iterations)

    def _predicted_ns(self, case: Case) -> int:
        """What the case's next trial is foreseen to take, on the scale of its total_ns: without container start."""
        return round((self._predict(case).total_s - CONTAINER_S) * 1e9)

    def _iterations(self, case: Case) -> int:
        """Inferences per trial: the same in every trial of a case, by what its first good one made."""
        for trial in self._trials:
            if trial.case == case and trial.outcome is Outcome.OK and trial.infer_ns:
                return len(trial.infer_ns)
        return self._costs.iterations(case, self._measure.iterations)

    def _left_s(self) -> float:
        """Work foreseen until every affordable case has its minimum of blocks; no more than the budget."""
        left = 0.0
        for case, standing in self._known().items():
            if not standing.visited or standing.alive:
                cost = standing.cost_s or self._predict(case).total_s
                if cost <= self._tier.cell_budget_s:
                    left += cost * max(0, self._tier.min_blocks - len(standing.blocks))
        return min(left, max(0.0, self._remaining_s()))

    # -- block 0 --

    def _declare_unsupported(self) -> None:
        for case, standing in self._known().items():
            reason = self._materials.unsupported(case.arm)
            if reason is not None and not standing.visited:
                self._write_unrun(case, OutcomeWithReason(Outcome.UNSUPPORTED, reason))

    def _pilot(self, share: float) -> None:
        """Visit what never ran within a share of the budget, in `pilot_next`'s order.

        What was over budget is tried, too: the share, or the budget, may be larger by now.
        """
        fresh = any(not standing.visited for standing in self._known().values())
        pending = {case for case, one in self._known().items() if one.last in {None, Outcome.OVER_BUDGET}}
        while pending:
            foreseen = {case: self._foreseen_s(case) for case in pending}
            affordable = {case: cost for case, cost in foreseen.items() if self._affordable(case, cost, share)}
            if not affordable:
                break
            case = pilot_next(affordable, self._measure.seed, tried=set(self._cases) - pending)
            pending.remove(case)
            self._run_case(case, 0)
        known = self._known()
        for case in sorted(pending, key=lambda one: one.id):
            if not known[case].visited:
                self._write_over_budget(case)
        if fresh:
            self._observer.on_block_end(0, last=False)

    def _foreseen_s(self, case: Case) -> float:
        """Seconds a first trial would take, the precompilation it may need included."""
        compiling = (
            case.arm.mode is Mode.AOT and self._compiled(case.arm) is None and not self._artifacts.find(case.arm)
        )
        return self._predict(case).total_s + (guess_compile_s(case.arm) if compiling else 0.0)

    def _affordable(self, case: Case, cost_s: float, share: float) -> bool:
        spare_s = self._tier.budget_s * share - _spent_s(self._trials)
        return self._predict(case).total_s <= self._tier.cell_budget_s and cost_s <= spare_s

    # -- later blocks --

    def _run_block(self, block: int) -> bool:
        """Run what is still missing of a block; whether there was anything in it."""
        if any(trial.block > block for trial in self._trials):
            return True  # complete: a later one was begun
        before = self._before(block)
        known, remaining_s = case_progress(self._cases, before, CONTAINER_S), self._tier.budget_s - _spent_s(before)
        seed = self._measure.seed
        chosen = next_block(block, known, self._tier, remaining_s, self._precise(before), seed)
        done = {trial.case for trial in self._trials if trial.block == block and trial.kind is Kind.RUN}
        for case in chosen:
            if case not in done:
                self._run_case(case, block)
        if chosen:
            self._observer.on_block_end(block, last=False)
        return bool(chosen)

    def _precise(self, trials: list[Trial]) -> Callable[[Case], bool]:
        wanted = self._measure.precision_fraction
        cache: dict[Case, bool] = {}

        def precise(case: Case) -> bool:
            if case not in cache:
                cache[case] = is_precise(case, trials, wanted)
            return cache[case]

        return precise

    # -- one trial --

    def _run_case(self, case: Case, block: int) -> None:
        self._block = block
        artifact = None
        if case.arm.mode is Mode.AOT:
            made = self._compile(case.arm, block)
            if isinstance(made, OutcomeWithReason):
                self._write_unrun(case, made, block)
                return
            artifact = made
        self._observer.on_trial_start(case.id, block, self._left_s())
        predicted_ns = self._predicted_ns(case) if block == 0 else None
        number, iterations = self._journal.next_number, self._iterations(case)
        trial = self._runner.run(case, number=number, block=block, iterations=iterations, artifact=artifact)
        self._write(msgspec.structs.replace(trial, predicted_ns=predicted_ns))

    def _compiled(self, arm: Arm) -> Trial | None:
        """The compile trial of an arm in this campaign."""
        return next((one for one in self._trials if one.kind is Kind.COMPILE and one.arm == arm), None)

    def _compile(self, arm: Arm, block: int) -> Path | OutcomeWithReason:
        """The arm's artifact, precompiled if need be and written down once per campaign; or why there is none."""
        compiled = self._compiled(arm)
        if compiled is not None and compiled.outcome is not Outcome.OK:
            return _no_artifact(compiled)
        if (found := self._artifacts.find(arm)) is None:
            self._observer.on_trial_start(f"{arm.id} precompilation", block, self._left_s())
            trial = self._artifacts.make(arm, self._engine, self._measure, campaign=self._name, started_at=utc_now())
            self._write(trial, block)
            if (found := self._artifacts.find(arm)) is None:
                return _no_artifact(trial)
        elif compiled is None:
            self._write(msgspec.structs.replace(found[1], flags=(*found[1].flags, Flag.FROM_CACHE)), block)
        return found[0]

    def _write_over_budget(self, case: Case) -> None:
        predicted = self._predict(case)
        foreseen_s = self._foreseen_s(case)
        why = f"foreseen to take {show_duration(foreseen_s)}: {predicted.basis}"
        self._write_unrun(case, OutcomeWithReason(Outcome.OVER_BUDGET, why), predicted_ns=round(foreseen_s * 1e9))

    def _write_unrun(
        self, case: Case, judged: OutcomeWithReason, block: int = 0, predicted_ns: int | None = None
    ) -> None:
        number = self._journal.next_number
        self._write(
            Trial.of(
                case,
                number=number,
                block=block,
                kind=Kind.RUN,
                started_at=utc_now(),
                outcome=judged.outcome,
                why=judged.why,
                predicted_ns=predicted_ns,
            )
        )

    def _write(self, trial: Trial, block: int | None = None) -> None:
        numbered = msgspec.structs.replace(
            trial, number=self._journal.next_number, block=trial.block if block is None else block
        )
        self._journal.append(numbered)
        self._trials.append(numbered)
        self._costs.learn([numbered])
        self._observer.on_trial_end(numbered)


def _spent_s(trials: Iterable[Trial]) -> float:
    """Seconds of budget used, by this run of the lab and those before it."""
    paid = [trial for trial in trials if trial.total_ns is not None and Flag.FROM_CACHE not in trial.flags]
    return sum((trial.total_ns or 0) / 1e9 + CONTAINER_S for trial in paid)


def _no_artifact(trial: Trial) -> OutcomeWithReason:
    return OutcomeWithReason(trial.outcome, f"precompilation: {trial.why}")
