"""`lab calibrate`: which differences this machine can detect."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lab.calibrate.assess import judge_calibration
from lab.calibrate.calibration_report import page, summary
from lab.calibrate.calibrator import RESULT_NAME, Begun, Calibrator, begin, fingerprint_of
from lab.calibrate.findings import Calibration
from lab.calibrate.settings import TIER, Settings, checked
from lab.campaign.experiment_file import check_obtainable
from lab.campaign.materials import Materials
from lab.cli.alone import Wait, alone
from lab.cli.build_progress import build_progress
from lab.cli.engines import EngineName, EngineOption
from lab.cli.measuring import measuring
from lab.cli.options import Edition, Json, Results
from lab.cli.output import note, say, say_json
from lab.cli.wiring import Lab, lab_of
from lab.core.errors import EXIT_NEGATIVE
from lab.core.trial import Trial
from lab.core.units import parse_fraction
from lab.disk.measuring_lock import MeasuringLock
from lab.disk.paths import RESULTS
from lab.disk.whole import write_json, write_whole
from lab.engines.engine import Engine
from lab.engines.host import misfits

DEFAULTS = Settings()


class GateChoice(StrEnum):
    """Whether the trials of a calibration wait for a quiet machine."""

    OFF = "off"
    ON = "on"
    BOTH = "both"


def calibrate(
    context: typer.Context,
    blocks: Annotated[int, typer.Option(help="Blocks; each runs every label once.", min=2)] = DEFAULTS.blocks,
    slowdown: Annotated[str, typer.Option(help="By how much the slowed inferences are longer.")] = "5%",
    model: Annotated[str, typer.Option(help="Model to run.")] = DEFAULTS.model,
    arm: Annotated[str, typer.Option(help="Arm to run.")] = DEFAULTS.arm,
    aa_arms: Annotated[int, typer.Option(help="Labels under which the same is run.", min=2)] = DEFAULTS.aa_arms,
    iterations: Annotated[int, typer.Option(help="Inferences per trial.", min=2)] = DEFAULTS.iterations,
    margin: Annotated[str, typer.Option(help="Margin of the verdicts.")] = "2%",
    gate: Annotated[GateChoice, typer.Option(help="Wait for a quiet machine; both: compare.")] = GateChoice.OFF,
    replicates: Annotated[int, typer.Option(help="Worlds that blocks run in by turns.", min=1)] = DEFAULTS.replicates,
    edition: Edition = DEFAULTS.edition,
    engine: EngineOption = EngineName.CONTAINER,
    results: Results = RESULTS,
    new: Annotated[bool, typer.Option("--new", help="Leave an unfinished calibration; begin a new one.")] = False,
    wait: Wait = False,
    json: Json = False,
) -> None:
    """Compare an arm with itself, and with an injected slowdown: false positives, coverage, the noise floor.

    Writes results/calibration-TIME/ with settings.json, trials.jsonl, calibration.json and report.md. Interrupted,
    the same command resumes. Exit code 1 if something speaks against trusting verdicts from this machine.
    """
    settings = checked(
        Settings(
            arm=arm,
            model=model,
            blocks=blocks,
            aa_arms=aa_arms,
            slowdown=parse_fraction(slowdown),
            iterations=iterations,
            margin=parse_fraction(margin),
            edition=edition,
            gate=gate.value,
            replicates=replicates,
        )
    )
    lab = lab_of(context)
    check_obtainable(settings.experiment, TIER, lab.home)
    with alone("calibration", wait=wait) as held:
        found = _calibrate(lab, settings, lab.engine(engine), held, results=results, new=new, json=json)
    if found.problems:
        raise typer.Exit(EXIT_NEGATIVE)


def _calibrate(
    lab: Lab, settings: Settings, chosen: Engine, held: MeasuringLock, *, results: Path, new: bool, json: bool
) -> Calibration:
    """Build what is missing, measure, judge and print."""
    for misfit in misfits(settings.experiment.measure.limits):
        note(f"warning: {misfit}")
    with build_progress() as progress:
        materials = lab.gather([settings.case], settings.experiment, progress)
    begun = Begun(2, settings, fingerprint_of(settings, materials, chosen))
    directory, resumed = begin(results, begun, new=new)
    held.describe(directory.name)
    note(f"{'resuming' if resumed else 'measuring into'} {directory}")
    found = judge_calibration(begun, _measure(lab, directory, settings, materials, chosen))
    _write(directory, found)
    if json:
        say_json(found)
    else:
        say("\n".join(summary(found)))
        say(f"report: {directory / 'report.md'}")
    return found


def _measure(lab: Lab, directory: Path, settings: Settings, materials: Materials, engine: Engine) -> list[Trial]:
    with measuring(lab, directory, materials, settings.experiment.measure.limits, engine) as session:
        trials = Calibrator(session, settings).run()
        session.remove_worlds()
        return trials


def _write(directory: Path, found: Calibration) -> None:
    write_whole(directory / "report.md", page(found).encode())
    # last: it is what says that the calibration is complete
    write_json(directory / RESULT_NAME, found)
