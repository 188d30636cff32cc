"""A session of measuring: what a campaign and a calibration share, whatever decides which trial is next.

The journal is the only state: whoever reads it again goes on where the session stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec

from lab.campaign.materials import Materials
from lab.campaign.modules.precompiled import PrecompiledModules
from lab.campaign.modules.prepared import PreparedGuests
from lab.campaign.noise.gate import QuietGate, longest_wait_s
from lab.campaign.noise.repeats import is_disturbed, is_repeated
from lab.campaign.noise.worlds import Worlds
from lab.campaign.outcome import OutcomeWithReason
from lab.campaign.prediction import CONTAINER_S, GUESSED_PREPARATION_S, CostModel, Prediction, guess_compile_s
from lab.campaign.program import AS_IT_IS, PreparedGuest, TrialProgram
from lab.campaign.schedule import MOST_ENGINE_FAILURES
from lab.campaign.trial_runner import TrialRunner, utc_now
from lab.core.arm import Mode
from lab.core.case import Case
from lab.core.experiment import Limits
from lab.core.names import Flag
from lab.core.trial import Kind, Outcome, Trial
from lab.engines.engine import Engine
from lab.store.journal import Journal

_Find = Callable[[], tuple[Path, Trial] | None]
_Make = Callable[..., Trial]


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
        self._prepared = PreparedGuests(home / "artifacts", materials)
        # A module is made by this session alone, so that looking for it once is enough.
        self._is_made: dict[tuple[Kind, Case], bool] = {}

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
        making = {Kind.PREPARE: GUESSED_PREPARATION_S, Kind.COMPILE: guess_compile_s(case.arm)}
        return self.predict(case).total_s + sum(making[kind] for kind in self._must_make(case))

    def program(self, case: Case, block: int, left_s: Callable[[], float]) -> TrialProgram | OutcomeWithReason:
        """What is made for a case before its first trial, made if need be and written down once per session.

        Args:
            case: of an arm of any mode.
            block: that needs it.
            left_s: seconds of work predicted, for the observer; called only if something is made.

        Returns:
            The program, empty for an arm that runs the guest as it is; or why there is none.

        Raises:
            EngineFailed, EngineMissing: from the engine.
        """
        prepared: PreparedGuest | None = None
        if case.arm.guest.is_prepared:
            find: _Find = partial(self._prepared.find, case)
            made = self._made(Kind.PREPARE, case, block, left_s, find, self._prepared.make)
            if isinstance(made, OutcomeWithReason):
                return made
            prepared = PreparedGuest(made[0], made[1].output_sha256 or "")
        if case.arm.mode is not Mode.AOT:
            return TrialProgram(prepared)
        find = partial(self._modules.find, case.module, prepared)
        make: _Make = partial(self._modules.make, prepared=prepared)
        made = self._made(Kind.COMPILE, case.module, block, left_s, find, make)
        return made if isinstance(made, OutcomeWithReason) else TrialProgram(prepared, made[0])

    def _made(
        self, kind: Kind, case: Case, block: int, left_s: Callable[[], float], find: _Find, make: _Make
    ) -> tuple[Path, Trial] | OutcomeWithReason:
        """What a trial of that kind made for a case; or why it made nothing."""
        trial = self._deciding(kind, case)
        if trial is not None and trial.outcome is not Outcome.OK:
            return _nothing_made(trial)
        found = find()
        if found is None:
            what = case.id if case.model else case.arm.id
            self.observer.on_trial_start(f"{what} {kind.noun}", block, left_s())
            trial = make(case, self._engine, self.limits, campaign=self.name, started_at=utc_now())
            self.record(msgspec.structs.replace(trial, block=block))
            found = find()
            if found is None:
                return _nothing_made(trial)
        elif trial is None:
            earlier = found[1]
            self.record(msgspec.structs.replace(earlier, block=block, flags=(*earlier.flags, Flag.FROM_CACHE)))
        self._is_made[kind, case] = True
        return found

    def run(
        self,
        case: Case,
        *,
        block: int,
        iterations: int,
        left_s: float,
        program: TrialProgram = AS_IT_IS,
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
            left_s: seconds of work predicted, this trial included; for the observer.
            program: what was made for the case, from `Session.program`.
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
                case, block=block, iterations=iterations, program=program, slowdown_permille=slowdown_permille
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

    def _deciding(self, kind: Kind, case: Case) -> Trial | None:
        """The trial that decides whether there is a module; None if one is still to be tried."""
        made = [trial for trial in self.trials if trial.kind is kind and trial.case == case]
        decided = [trial for trial in made if Flag.ENGINE_FAILURE not in trial.flags]
        if decided or len(made) < MOST_ENGINE_FAILURES:
            return next(iter(decided), None)
        return made[-1]

    def _must_make(self, case: Case) -> Iterator[Kind]:
        """The kinds of trials that the case's first one has to wait for."""
        if case.arm.guest.is_prepared and self._must(Kind.PREPARE, case, lambda: self._prepared.find(case)):
            yield Kind.PREPARE
        if case.arm.mode is Mode.AOT:
            # of what is still to be prepared, no module is found
            prepared = self._prepared.find(case) if case.arm.guest.is_prepared else None
            known = prepared and PreparedGuest(prepared[0], prepared[1].output_sha256 or "")
            if self._must(Kind.COMPILE, case.module, lambda: self._modules.find(case.module, known)):
                yield Kind.COMPILE

    def _must(self, kind: Kind, case: Case, find: _Find) -> bool:
        if self._deciding(kind, case) is not None:
            return False
        if (kind, case) not in self._is_made:
            self._is_made[kind, case] = find() is not None
        return not self._is_made[kind, case]


def spent_s(trials: Iterable[Trial]) -> float:
    """Seconds of measuring in trials, container starts and waits included; what came from a cache costs nothing."""
    paid = (trial for trial in trials if trial.total_ns is not None and Flag.FROM_CACHE not in trial.flags)
    return sum(((trial.total_ns or 0) + (trial.gate_wait_ns or 0)) / 1e9 + CONTAINER_S for trial in paid)


def _nothing_made(trial: Trial) -> OutcomeWithReason:
    flags = tuple(flag for flag in trial.flags if flag == Flag.ENGINE_FAILURE)
    return OutcomeWithReason(trial.outcome, f"{trial.kind.noun}: {trial.why}", flags)
