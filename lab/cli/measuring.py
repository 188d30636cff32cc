"""A session that a command measures in: journal, engine and progress, opened and closed together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from lab.campaign.materials import Materials
from lab.campaign.session import Observer, Session
from lab.cli.progress import CampaignProgress
from lab.cli.wiring import Lab
from lab.core.experiment import Limits
from lab.engines.engine import Engine
from lab.store.journal import JOURNAL_NAME, Journal, read_trials


@contextmanager
def measuring(
    lab: Lab,
    directory: Path,
    materials: Materials,
    limits: Limits,
    engine: Engine,
    refresh: Callable[[], object] = lambda: None,
    beside: Observer | None = None,
) -> Iterator[Session]:
    """A session on a directory's journal, with progress shown; nobody else writes to that journal meanwhile.

    Args:
        lab: its home holds goldens and precompiled modules.
        directory: of the campaign or calibration; its name is the session's.
        materials: what runs.
        limits: of every trial.
        engine: runs the jobs.
        refresh: called after blocks, at most so often that it costs little.
        beside: shows the progress, of several sessions that measure by turns; None for progress of its own.

    Raises:
        DataError: the journal is damaged, or in use.
    """
    path = directory / JOURNAL_NAME
    with ExitStack() as stack:
        observer: Observer = beside or stack.enter_context(closing(CampaignProgress(refresh)))
        journal = stack.enter_context(Journal(path))
        yield Session(
            name=directory.name,
            materials=materials,
            limits=limits,
            engine=engine,
            journal=journal,
            trials=read_trials(path),
            home=lab.home,
            observer=observer,
        )
