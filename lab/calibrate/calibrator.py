"""Calibrating: what this machine can tell apart, found by comparing the same with the same, and with a known handicap.

A calibration's trials are ordinary trials in an ordinary journal; each carries the label under which it ran.
Blocks are numbered from 1; block 0 is one warm-up trial that enters no statistic. An interrupted calibration is
continued by the same command.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from lab.calibrate.settings import HANDICAPPED, TIER, WARM_UP, Fingerprint, Settings
from lab.campaign.materials import Materials
from lab.campaign.precompiled import Artifacts
from lab.campaign.prediction import CONTAINER_S, CostModel
from lab.campaign.prepare import manifest_of
from lab.campaign.run import Observer
from lab.campaign.trial_runner import TrialRunner, utc_now
from lab.core.arm import Mode
from lab.core.errors import DataError, NothingToReport
from lab.core.trial import Kind, Outcome, Trial
from lab.disk.content import decode_json
from lab.disk.whole import write_json
from lab.engines.engine import Engine
from lab.store.journal import Journal

PREFIX = "calibration-"
SETTINGS_NAME = "settings.json"
RESULT_NAME = "calibration.json"
CHOOSE_ANOTHER = "choose another --arm or --model; `lab runtimes` lists all arms"


class Calibrator:
    """Runs the trials of a calibration.

    Args:
        name: of the calibration; also the label of its containers.
        settings: what to run.
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
        settings: Settings,
        materials: Materials,
        engine: Engine,
        journal: Journal,
        trials: Iterable[Trial],
        home: Path,
        observer: Observer,
    ) -> None:
        self._name, self._settings, self._case = name, settings, settings.case
        self._materials, self._engine, self._journal, self._observer = materials, engine, journal, observer
        self._artifacts = Artifacts(home / "artifacts", materials)
        self._measure = settings.experiment.measure.limits
        self._runner = TrialRunner(name, materials, engine, self._measure, home)
        self._trials = list(trials)

    def run(self) -> list[Trial]:
        """Every trial that is missing; all trials then written.

        Raises:
            NothingToReport: the case does not run here.
            EngineFailed, EngineMissing: from the engine.
        """
        self._engine.remove_leftovers(self._name)
        self._artifacts.remove_leftovers(self._name)
        artifact = self._artifact()
        done = {(trial.block, label_of(trial)) for trial in self._trials}
        if (0, WARM_UP) not in done:
            self._check(self._run_one(WARM_UP, 0, artifact))
        for block in range(1, self._settings.blocks + 1):
            for label in self._settings.order(block):
                if (block, label) not in done:
                    self._run_one(label, block, artifact)
            self._observer.on_block_end(block, last=block == self._settings.blocks)
        return self._trials

    def _artifact(self) -> Path | None:
        arm = self._case.arm
        if (reason := self._materials.unsupported(arm)) is not None:
            raise NothingToReport(f"{arm.id} cannot be calibrated with: {reason}", CHOOSE_ANOTHER)
        if arm.mode is not Mode.AOT:
            return None
        if (found := self._artifacts.find(arm)) is None:
            self._observer.on_trial_start(f"{arm.id} precompilation", 0, self._left_s())
            made = self._artifacts.make(arm, self._engine, self._measure, campaign=self._name, started_at=utc_now())
            self._check(made)
            found = self._artifacts.find(arm)
        if found is None:
            raise NothingToReport(f"{arm.id} has no precompiled module", CHOOSE_ANOTHER)
        return found[0]

    def _run_one(self, label: str, block: int, artifact: Path | None) -> Trial:
        self._observer.on_trial_start(f"{label} of {self._case.id}", block, self._left_s())
        trial = self._runner.run(
            self._case,
            number=self._journal.next_number,
            block=block,
            iterations=self._settings.iterations,
            artifact=artifact,
            handicap_permille=self._settings.handicap_permille if label == HANDICAPPED else 0,
        )
        trial = self._journal.append(msgspec.structs.replace(trial, label=label))
        self._trials.append(trial)
        self._observer.on_trial_end(trial)
        return trial

    def _left_s(self) -> float:
        """Seconds until the last trial ends, from the trials so far."""
        spent = [trial.total_ns / 1e9 + CONTAINER_S for trial in self._trials if trial.total_ns]
        guess = CostModel(self._materials.models).predict(self._case, self._settings.iterations).total_s
        each = sum(spent) / len(spent) if spent else guess
        return each * max(0, 1 + self._settings.blocks * (self._settings.twins + 1) - len(self._trials))

    def _check(self, trial: Trial) -> None:
        if trial.outcome is not Outcome.OK:
            what = "precompilation" if trial.kind is Kind.COMPILE else self._case.id
            raise NothingToReport(f"{what} ended as {trial.outcome}: {trial.why}", CHOOSE_ANOTHER)


def label_of(trial: Trial) -> str:
    """Under which label it ran; journals from before trials had a label hold it as the first flag."""
    return trial.label or trial.flags[0]


def fingerprint_of(settings: Settings, materials: Materials, engine: Engine) -> Fingerprint:
    """What the figures depend on."""
    case = settings.case
    manifest = manifest_of(materials, settings.experiment, TIER, [case], engine, name="", created_at="")
    return Fingerprint(
        host=manifest.host,
        isolation=manifest.isolation,
        runtime=manifest.runtimes[case.arm.runtime],
        guest=manifest.guests[f"{case.arm.target}/{case.arm.guest}"],
        model=manifest.models[case.model],
        argv=manifest.argv[case.arm.id],
    )


class Begun(msgspec.Struct, frozen=True):
    """``settings.json``: written before the first trial."""

    settings: Settings
    fingerprint: Fingerprint


def begin(results: Path, begun: Begun, *, new: bool) -> tuple[Path, bool]:
    """The directory of the newest unfinished calibration of that kind, or a fresh one; and whether it is resumed."""
    found = None if new else _unfinished(results, begun)
    if found is not None:
        return found, True
    directory = results / f"{PREFIX}{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    directory.mkdir(parents=True)
    write_json(directory / SETTINGS_NAME, begun)
    return directory, False


def read_begun(directory: Path) -> Begun:
    """What a calibration was begun with.

    Raises:
        DataError: there is no such file, or it is damaged.
    """
    return decode_json(directory / SETTINGS_NAME, Begun, "start a new calibration with --new")


def _unfinished(results: Path, begun: Begun) -> Path | None:
    for directory in sorted(results.glob(f"{PREFIX}*"), reverse=True):
        if not (directory / RESULT_NAME).exists():
            try:
                if read_begun(directory) == begun:
                    return directory
            except DataError:
                continue
    return None
