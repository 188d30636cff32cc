"""What a trial will cost: operations × the speed its arm was measured at.

Before an arm has been measured, its speed is guessed from the kind of arm it is. Such guesses decide only the order and
the affordability of a first trial; they are never reported as results, and every prediction says what it rests on.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from lab.core.arm import UNOPTIMISED, Arm, Mode
from lab.core.case import Case
from lab.core.model import Model
from lab.core.trial import Kind, Outcome, Trial

CONTAINER_S = 0.7
# Of a guest that loads its model under a compiler of its own, to start from.
GUESSED_PREPARATION_S = 15.0
# An inference predicted to take longer than this is not repeated within a trial.
LONG_INFERENCE_S = 10.0


class Speed(msgspec.Struct, frozen=True):
    """How fast an arm is.

    Attributes:
        startup_s: exec to the guest's first instruction.
        load_s_per_mb: loading phases per megabyte of frozen graph.
        infer_s_per_gmac: per 10⁹ multiply-accumulates.
        basis: the case it was measured on; None for a guess.
    """

    startup_s: float
    load_s_per_mb: float
    infer_s_per_gmac: float
    basis: str | None = None


class Prediction(msgspec.Struct, frozen=True):
    """What a trial is predicted to cost.

    Attributes:
        total_s: of the whole trial, container included.
        infer_s: of one inference.
        basis: what it rests on, for people.
    """

    total_s: float
    infer_s: float
    basis: str


# Orders of magnitude by kind of arm, to start from: seconds to start, per megabyte loaded, per 10⁹ operations.
_GUESS = {
    Mode.NATIVE: Speed(0.01, 0.01, 0.1),
    Mode.FRAMEWORK: Speed(0.5, 0.01, 0.03),
    Mode.AOT: Speed(0.2, 0.02, 0.6),
    Mode.JIT: Speed(5.0, 0.03, 0.6),
    Mode.INTERPRETER: Speed(1.0, 0.6, 40.0),
}
_GUESS_LLVM_JIT_STARTUP_S = 150.0
_GUESS_UNOPTIMISED = 25.0


def guess(arm: Arm) -> Speed:
    """A speed to start from, by kind of arm."""
    base = _GUESS[arm.mode]
    startup = _GUESS_LLVM_JIT_STARTUP_S if arm.mode is Mode.JIT and arm.backend == "llvm" else base.startup_s
    slower = _GUESS_UNOPTIMISED if arm.guest in UNOPTIMISED else 1.0
    return Speed(startup, base.load_s_per_mb * slower, base.infer_s_per_gmac * slower)


class CostModel:
    """Learns speeds from trials and predicts trials.

    Args:
        models: by name; their sizes scale the predictions.
    """

    def __init__(self, models: dict[str, Model]) -> None:
        self._models = models
        self._speeds: dict[Arm, Speed] = {}
        self._largest: dict[Arm, int] = {}
        self._heaviest: dict[Arm, float] = {}

    def learn(self, trials: Iterable[Trial]) -> None:
        """Take in trials; of each arm those count that are nearest to what is unknown.

        For inferences that is the one with most operations, for loading the one with the largest graph: a small network
        may have a long list of nodes, and what they cost is not a matter of megabytes.
        """
        for trial in trials:
            if trial.kind is Kind.RUN and trial.outcome is Outcome.OK and trial.model in self._models:
                self._learn(trial)

    def speed(self, arm: Arm) -> Speed:
        """The arm's measured speed, or a guess."""
        return self._speeds.get(arm) or guess(arm)

    def predict(self, case: Case, iterations: int) -> Prediction:
        """Predict one trial of a case with that many inferences."""
        model, speed = self._models[case.model], self.speed(case.arm)
        infer_s = speed.infer_s_per_gmac * model.macs * case.batch / 1e9
        load_s = speed.load_s_per_mb * _graph_mb(model)
        repeats = 1 if infer_s > LONG_INFERENCE_S else iterations
        total_s = CONTAINER_S + speed.startup_s + load_s + infer_s * repeats
        gmacs = f"{model.macs * case.batch / 1e9:.2f} G multiply-accumulates"
        rests_on = f"{case.arm.id}'s speed on {speed.basis}" if speed.basis else f"a guess for {case.arm.mode} arms"
        return Prediction(total_s, infer_s, f"{gmacs} × {rests_on}")

    def iterations(self, case: Case, wanted: int) -> int:
        """How many inferences a trial of the case makes: one if a single one takes long."""
        return 1 if self.predict(case, wanted).infer_s > LONG_INFERENCE_S else wanted

    def _learn(self, trial: Trial) -> None:
        load_ns, infer_ns = trial.load_ns, trial.steady_infer_ns or trial.first_infer_ns
        if trial.startup_ns is None or load_ns is None or not infer_ns:
            return
        model, speed = self._models[trial.model], self.speed(trial.arm)
        operations, megabytes = model.macs * trial.batch, _graph_mb(model)
        if megabytes >= self._heaviest.get(trial.arm, 0.0):
            self._heaviest[trial.arm] = megabytes
            speed = msgspec.structs.replace(speed, load_s_per_mb=load_ns / 1e9 / megabytes)
        if operations >= self._largest.get(trial.arm, 0):
            self._largest[trial.arm] = operations
            speed = msgspec.structs.replace(
                speed,
                startup_s=trial.startup_ns / 1e9,
                infer_s_per_gmac=infer_ns / operations,
                basis=f"{trial.model} b{trial.batch}",
            )
        self._speeds[trial.arm] = speed


def _graph_mb(model: Model) -> float:
    return model.graph_path.stat().st_size / 1e6


def guess_compile_s(arm: Arm) -> float:
    """Seconds a precompilation may take, to start from: LLVM takes minutes where others take seconds."""
    slower = 2.0 if arm.guest in UNOPTIMISED else 1.0
    return slower * (_GUESS_LLVM_JIT_STARTUP_S if arm.backend == "llvm" else _GUESS[Mode.JIT].startup_s * 2)
