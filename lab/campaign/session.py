"""A session of measuring: what a campaign and a calibration share, whatever decides which trial is next.

The journal is the only state: whoever reads it again goes on where the session stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

import msgspec

from lab.campaign.materials import Materials
from lab.campaign.noise.gate import QuietGate, longest_wait_s
from lab.campaign.noise.repeats import is_disturbed, is_repeated
from lab.campaign.noise.worlds import Worlds
from lab.campaign.outcome import OutcomeWithReason
from lab.campaign.precompiled import PrecompiledModules
from lab.campaign.prediction import CONTAINER_S, CostModel, Prediction, guess_compile_s
from lab.campaign.schedule import MOST_ENGINE_FAILURES
from lab.campaign.trial_runner import TrialRunner, utc_now
from lab.core.arm import Arm, Mode
from lab.core.case import Case
from lab.core.experiment import Limits
from lab.core.names import Flag
from lab.core.trial import Kind, Outcome, Trial
from lab.engines.engine import Engine
from lab.store.journal import Journal


class Observer(Protocol):
    """Called while a session measures; the command line draws progress from it."""

    def on_trial_start(self, what: str, block: int, left_s: float) -> None:
        """A trial of `what` starts; `left_s` seconds of work are predicted, it included."""

    def on_trial_end(self, trial: Trial) -> None:
        """A trial was written down."""

    def on_block_end(self, block: int, *, last: bool) -> None:
        """A block is complete: a good moment to refresh the report."""


class Session:
    """Runs trials one at a time and writes each down before the next one starts.

    Args:
        name: of the campaign or calibration; also the label of its containers.
        materials: images, guests and models to run with.
        limits: of every trial.
        engine: runs the jobs.
        journal: where trials are written.
        trials: those that the journal already holds.
        home: directory of goldens and precompiled modules.
        observer: called as trials start and end.
        gate: waits before trials that are gated.

    Attributes:
        trials: every trial of the journal, in its order; grows with it.
        costs: predicts trials from those so far.
    """

    def __init__(
        self,
        *,
        name: str,
        materials: Materials,
        limits: Limits,
        engine: Engine,
        journal: Journal,
        trials: Iterable[Trial],
        home: Path,
        observer: Observer,
        gate: QuietGate | None = None,
    ) -> None:
        self.name, self.materials, self.limits, self.observer = name, materials, limits, observer
        self.trials = list(trials)
        self.costs = CostModel(materials.models)
        self.costs.learn(self.trials)
        self._engine, self._journal, self._gate = engine, journal, gate or QuietGate()
        several = limits.replicates > 1
        self._worlds = Worlds(home / "worlds" / name, limits.replicates, limits.seed) if several else None
        self._runner = TrialRunner(name, materials, engine, limits, home, self._worlds)
        self._modules = PrecompiledModules(home / "artifacts", materials)
        # A module is made by this session alone, so that looking for it once per arm is enough.
        self._has_module: dict[Arm, bool] = {}

    def remove_leftovers(self) -> None:
        """Remove containers and half-made modules that a killed run of the same name left behind."""
        self._engine.remove_leftovers(self.name)
        self._modules.remove_leftovers(self.name)

    def remove_worlds(self) -> None:
        """Remove the copies that a campaign of several worlds ran with."""
        if self._worlds is not None:
            self._worlds.remove()

    @property
    def spent_s(self) -> float:
        """Seconds of measuring so far, by this run of the lab and those before it; container starts included."""
        return spent_s(self.trials)

    def iterations(self, case: Case) -> int:
        """Inferences per trial: the same in every trial of a case, as many as its first good one made."""
        for trial in self.trials:
            if trial.case == case and trial.outcome is Outcome.OK and trial.infer_ns:
                return len(trial.infer_ns)
        return self.costs.iterations(case, self.limits.iterations)

    def predict(self, case: Case) -> Prediction:
        """What the case's next trial is predicted to take, container start included."""
        return self.costs.predict(case, self.limits.iterations)

    def predict_first_s(self, case: Case) -> float:
        """Seconds that a case's first trial is predicted to take, with the precompilation that it may need."""
        return self.predict(case).total_s + (guess_compile_s(case.arm) if self._must_precompile(case.arm) else 0.0)

    def precompile(self, arm: Arm, block: int, left_s: Callable[[], float]) -> Path | OutcomeWithReason | None:
        """The arm's precompiled module, made if need be and written down once per session.

        Args:
            arm: of any mode.
            block: that needs it.
            left_s: seconds of work predicted, for the observer; called only if a module is made.

        Returns:
            The module; why there is none; or None for an arm that runs the guest as it is.

        Raises:
            EngineFailed, EngineMissing: from the engine.
        """
        if arm.mode is not Mode.AOT:
            return None
        trial = self._compile_trial(arm)
        if trial is not None and trial.outcome is not Outcome.OK:
            return _no_module(trial)
        found = self._modules.find(arm)
        if found is None:
            self.observer.on_trial_start(f"{arm.id} precompilation", block, left_s())
            trial = self._modules.make(arm, self._engine, self.limits, campaign=self.name, started_at=utc_now())
            self.record(msgspec.structs.replace(trial, block=block))
            found = self._modules.find(arm)
            if found is None:
                return _no_module(trial)
        elif trial is None:
            made = found[1]
            self.record(msgspec.structs.replace(made, block=block, flags=(*made.flags, Flag.FROM_CACHE)))
        self._has_module[arm] = True
        return found[0]

    def run(
        self,
        case: Case,
        *,
        block: int,
        iterations: int,
        module: Path | None,
        left_s: float,
        label: str | None = None,
        predicted_ns: int | None = None,
        slowdown_permille: int = 0,
        is_gated: bool | None = None,
    ) -> Trial:
        """Run a case once and write the trial down; of a gated one that was disturbed, also its repeat.

        Args:
            case: to run.
            block: of the trial.
            iterations: inferences in the process.
            module: the arm's precompiled one, from `precompile`.
            left_s: seconds of work predicted, this trial included; for the observer.
            label: under which the trial runs, in a calibration.
            predicted_ns: what the trial was predicted to take.
            slowdown_permille: by how many thousandths each inference is made longer.
            is_gated: whether it waits for a quiet machine; None for what the session's limits say.

        Returns:
            The trial that counts.

        Raises:
            EngineFailed, EngineMissing: from the engine; nothing can be said of the case then.
        """
        self.observer.on_trial_start(case.id if label is None else f"{label} of {case.id}", block, left_s)

        def once() -> Trial:
            trial = self._runner.run(
                case, block=block, iterations=iterations, module=module, slowdown_permille=slowdown_permille
            )
            return msgspec.structs.replace(trial, label=label, predicted_ns=predicted_ns)

        if not (self.limits.gate if is_gated is None else is_gated):
            return self.record(once())
        trial, disturbed = self._gated(once)
        trial = self.record(trial)
        if not disturbed or not is_repeated(trial, self.trials):
            return trial
        self.observer.on_trial_start(f"{case.id} once more", block, left_s)
        repeat, _ = self._gated(once)
        return self.record(msgspec.structs.replace(repeat, flags=(*repeat.flags, Flag.REPEAT)))

    def _gated(self, once: Callable[[], Trial]) -> tuple[Trial, bool]:
        """A trial after a wait for a quiet machine, and whether it was disturbed even so."""
        ran = [trial for trial in self.trials if trial.gate_wait_ns is not None]
        waited_s = sum(trial.gate_wait_ns or 0 for trial in ran) / 1e9
        before = self._gate.wait(longest_wait_s(self.spent_s - waited_s, waited_s))
        trial = once()
        disturbed = is_disturbed(trial, before)
        flags = (*trial.flags, Flag.DISTURBED) if disturbed else trial.flags
        return msgspec.structs.replace(trial, gate_wait_ns=before.ns, flags=flags), disturbed

    def record_unrun(
        self, case: Case, ended: OutcomeWithReason, block: int = 0, predicted_ns: int | None = None
    ) -> Trial:
        """Write down that a case was not run, and why."""
        return self.record(
            Trial.of(
                case,
                number=0,
                block=block,
                kind=Kind.RUN,
                started_at=utc_now(),
                outcome=ended.outcome,
                why=ended.why,
                flags=ended.flags,
                predicted_ns=predicted_ns,
            )
        )

    def record(self, trial: Trial) -> Trial:
        """Write a trial down; the journal numbers it."""
        written = self._journal.append(trial)
        self.trials.append(written)
        self.costs.learn([written])
        self.observer.on_trial_end(written)
        return written

    def _compile_trial(self, arm: Arm) -> Trial | None:
        """The precompilation that decides whether the arm has a module; None if one is still to be tried."""
        made = [trial for trial in self.trials if trial.kind is Kind.COMPILE and trial.arm == arm]
        decided = [trial for trial in made if Flag.ENGINE_FAILURE not in trial.flags]
        if decided or len(made) < MOST_ENGINE_FAILURES:
            return next(iter(decided), None)
        return made[-1]

    def _must_precompile(self, arm: Arm) -> bool:
        if arm.mode is not Mode.AOT or self._compile_trial(arm) is not None:
            return False
        if arm not in self._has_module:
            self._has_module[arm] = self._modules.find(arm) is not None
        return not self._has_module[arm]


def spent_s(trials: Iterable[Trial]) -> float:
    """Seconds of measuring in trials, container starts and waits included; what came from a cache costs nothing."""
    paid = (trial for trial in trials if trial.total_ns is not None and Flag.FROM_CACHE not in trial.flags)
    return sum(((trial.total_ns or 0) + (trial.gate_wait_ns or 0)) / 1e9 + CONTAINER_S for trial in paid)


def _no_module(trial: Trial) -> OutcomeWithReason:
    flags = tuple(flag for flag in trial.flags if flag == Flag.ENGINE_FAILURE)
    return OutcomeWithReason(trial.outcome, f"precompilation: {trial.why}", flags)
