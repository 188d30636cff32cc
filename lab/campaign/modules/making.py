"""A measured trial that makes a module: run once, the file it returned is judged by itself."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from lab.campaign.outcome import OutcomeWithReason, judge_exit, returned_file, trial_of
from lab.campaign.patience import run_patiently
from lab.core.case import Case
from lab.core.trial import Kind, Outcome, Trial
from lab.disk.content import sha256
from lab.engines.engine import Engine, Job

Judge = Callable[[bytes], OutcomeWithReason]


def make_module(
    engine: Engine, job: Job, case: Case, kind: Kind, started_at: str, judge: Judge | None = None
) -> tuple[Trial, bytes | None]:
    """Run a job that makes a module; its trial, numbered 0, and the module, None unless the outcome is ok.

    Args:
        engine: runs it.
        job: returns the module as its output file.
        case: of the trial.
        kind: of the trial.
        started_at: of the trial.
        judge: what to make of a module that is there.
    """
    result = run_patiently(engine, job)
    judged = judge_exit(result, job.timeout_s)
    module = None if result.report is None else returned_file(result.report)
    # Some compilers exit with 0 after a failure: the file itself is the proof.
    if judged.outcome is Outcome.OK and not module:
        why = result.report.file_error if result.report is not None else None
        maker = "compiler" if kind is Kind.COMPILE else "preparation"
        judged = OutcomeWithReason(
            Outcome.CRASHED, f"the {maker} ended well but left no module: {why or 'it is empty'}"
        )
    elif judged.outcome is Outcome.OK and module and judge is not None:
        judged = judge(module)
    trial = trial_of(result, judged, case, kind=kind, block=0, started_at=started_at)
    if trial.outcome is not Outcome.OK or not module:
        return trial, None
    made = msgspec.structs.replace(trial, artifact_bytes=len(module), output_sha256=sha256(module))
    return made, module
