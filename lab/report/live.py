"""How far a running campaign is, from its files alone: what `lab serve` shows, and writes nothing for."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from lab.core.case import Case
from lab.core.plain_text import printable_line
from lab.core.trial import Kind, Outcome, Trial
from lab.store.campaigns import REPORT_NAME, finished, read_manifest
from lab.store.journal_format import JOURNAL_NAME, read_trials

_LATEST = 8


class CampaignState(msgspec.Struct, frozen=True):
    """How far a campaign is.

    Attributes:
        campaign, question: its name, and what it asks.
        finished: whether the plan is done.
        trials: in the journal.
        block: of the latest trial; None before the first.
        cases: of the plan.
        visited: of those, how many have a trial.
        measured: of those, how many have a good one.
        spent_s: seconds of trials so far, container starts left out.
        budget_s: seconds that the campaign may measure.
        left_s: seconds until the budget is spent, at most; None once it is finished.
        quiet_s: seconds since the latest trial began; None before the first.
        latest: the latest trials, newest first: what ran and how it ended.
        report: when the report was made, as a version for the browser; None while there is none.
    """

    campaign: str
    question: str
    finished: bool
    trials: int
    block: int | None
    cases: int
    visited: int
    measured: int
    spent_s: float
    budget_s: float
    left_s: float | None
    quiet_s: float | None
    latest: tuple[str, ...]
    report: int | None


def progress_of(directory: Path, now: datetime | None = None) -> CampaignState:
    """The progress of the campaign in a directory, at a time that knows its zone; now by default.

    Raises:
        DataError: manifest or journal is missing or damaged.
    """
    manifest = read_manifest(directory)
    tier = manifest.experiment.tier(manifest.tier)
    planned = set(manifest.experiment.cases(manifest.tier))
    latest: deque[Trial] = deque(maxlen=_LATEST)
    visited: set[Case] = set()
    measured: set[Case] = set()
    trials, spent_ns = 0, 0
    for trial in read_trials(directory / JOURNAL_NAME):
        trials += 1
        latest.appendleft(trial)
        spent_ns += trial.total_ns or 0
        if trial.kind is Kind.RUN:
            visited.add(trial.case)
            if trial.outcome is Outcome.OK:
                measured.add(trial.case)
    is_finished = finished(directory) is not None
    spent_s = spent_ns / 1e9
    page = directory / REPORT_NAME / "index.html"
    return CampaignState(
        campaign=manifest.campaign,
        question=manifest.experiment.question,
        finished=is_finished,
        trials=trials,
        block=latest[0].block if latest else None,
        cases=len(planned),
        visited=len(visited & planned),
        measured=len(measured & planned),
        spent_s=spent_s,
        budget_s=tier.budget_s,
        left_s=None if is_finished else max(0.0, tier.budget_s - spent_s),
        quiet_s=_seconds_since(latest[0].started_at, now or datetime.now(UTC)) if latest else None,
        latest=tuple(_line(trial) for trial in latest),
        report=page.stat().st_mtime_ns if page.is_file() else None,
    )


def _seconds_since(moment: str, now: datetime) -> float:
    return max(0.0, (now - datetime.fromisoformat(moment)).total_seconds())


def _line(trial: Trial) -> str:
    what = trial.case.id if trial.kind is Kind.RUN else f"{trial.arm.id} {trial.kind.noun}"
    time = "" if trial.total_ns is None else f", {trial.total_ns / 1e9:.3g} s"
    return printable_line(f"{trial.number}: {what}: {trial.outcome}{time}")
