"""Calibrating: which differences this machine can detect, found by A/A comparisons and an injected slowdown.

A calibration's trials are ordinary trials in an ordinary journal; each carries the label under which it ran.
Blocks are numbered from 1; block 0 is one warm-up trial that enters no statistic. An interrupted calibration is
continued by the same command.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from lab.calibrate.settings import SLOWED, TIER, WARM_UP, Fingerprint, Settings
from lab.campaign.materials import Materials
from lab.campaign.outcome import OutcomeWithReason
from lab.campaign.prediction import CONTAINER_S
from lab.campaign.prepare import manifest_of
from lab.campaign.program import TrialProgram
from lab.campaign.session import Session
from lab.core.errors import DataError, NothingToReport
from lab.core.guest import GuestId
from lab.core.trial import Kind, Outcome, Trial
from lab.disk.content import decode_json
from lab.disk.whole import write_json
from lab.engines.engine import Engine

PREFIX = "calibration-"
SETTINGS_NAME = "settings.json"
RESULT_NAME = "calibration.json"
CHOOSE_ANOTHER = "choose another --arm or --model; `lab runtimes` lists all arms"


class Calibrator:
    """Runs the trials of a calibration: a schedule over a session.

    Args:
        session: runs the trials.
        settings: what to run.
    """

    def __init__(self, session: Session, settings: Settings) -> None:
        self._session, self._settings, self._case = session, settings, settings.case

    def run(self) -> list[Trial]:
        """Run every trial that is missing; returns all trials then written.

        Raises:
            NothingToReport: the case does not run here.
            EngineFailed, EngineMissing: from the engine.
        """
        self._session.remove_leftovers()
        program = self._program()
        done = {(trial.block, label_of(trial)) for trial in self._session.trials if trial.kind is Kind.RUN}
        if (0, WARM_UP) not in done:
            self._require_success(self._run_one(WARM_UP, 0, program))
        for block in range(1, self._settings.blocks + 1):
            for label in self._settings.order(block):
                if (block, label) not in done:
                    self._run_one(label, block, program)
            self._session.observer.on_block_end(block, last=block == self._settings.blocks)
        return [trial for trial in self._session.trials if trial.kind is Kind.RUN]

    def _program(self) -> TrialProgram:
        arm = self._case.arm
        if (reason := self._session.materials.unsupported(arm)) is not None:
            raise NothingToReport(f"{arm.id} cannot be calibrated with: {reason}", CHOOSE_ANOTHER)
        program = self._session.program(self._case, 0, self._left_s)
        if isinstance(program, OutcomeWithReason):
            raise NothingToReport(f"{arm.id} cannot be made: {program.outcome}, {program.why}", CHOOSE_ANOTHER)
        return program

    def _run_one(self, label: str, block: int, program: TrialProgram) -> Trial:
        return self._session.run(
            self._case,
            block=block,
            iterations=self._settings.iterations,
            left_s=self._left_s(),
            program=program,
            label=label,
            slowdown_permille=self._settings.slowdown_permille if label == SLOWED else 0,
            is_gated=self._settings.gate == "on" or label in self._settings.gated_labels,
        )

    def _left_s(self) -> float:
        """Seconds until the last trial ends, from the trials so far."""
        runs = [trial for trial in self._session.trials if trial.kind is Kind.RUN]
        spent = [trial.total_ns / 1e9 + CONTAINER_S for trial in runs if trial.total_ns]
        each = sum(spent) / len(spent) if spent else self._session.predict(self._case).total_s
        return each * max(0, 1 + self._settings.blocks * len(self._settings.order(1)) - len(runs))

    def _require_success(self, trial: Trial) -> None:
        if trial.outcome is not Outcome.OK:
            raise NothingToReport(f"{self._case.id} ended as {trial.outcome}: {trial.why}", CHOOSE_ANOTHER)


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
        guest=manifest.guests[GuestId.of(case.arm).id],
        model=manifest.models[case.model],
        argv=manifest.argv[case.arm.id],
    )


class Begun(msgspec.Struct, frozen=True):
    """``settings.json``: written before the first trial.

    Attributes:
        schema: of the settings; those of an earlier one are not resumed.
        settings: what to run.
        fingerprint: what the figures depend on.
    """

    schema: Literal[2]
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
