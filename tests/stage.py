"""A campaign on a fake engine, from an experiment in one line to the trials it wrote."""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path

import msgspec

from lab.campaign.run import CampaignRun
from lab.campaign.session import Session
from lab.core.case import Case
from lab.core.experiment import Experiment, Matrix, Measure, Tier
from lab.core.trial import Kind, Outcome, Trial
from lab.core.want import Want
from lab.store.journal import Journal, read_trials, write_journal
from tests.fakes import FakeEngine, LoggingObserver, make_materials

CAMPAIGN = "toy-t-20250301T101500Z"
ARMS = ("native@o3", "wasmtime-jit-cranelift@o3", "wamr-interpreter-fast@o3")


def experiment(
    arms: tuple[str, ...] = ARMS,
    models: tuple[str, ...] = ("tiny",),
    batches: tuple[int, ...] = (1,),
    tier: Tier | None = None,
    **measure: object,
) -> Experiment:
    """An experiment with one tier, ``t``: three blocks, all the time in the world."""
    return Experiment(
        name="toy",
        question="Does it work?",
        matrix=(Matrix(arms=arms, models=models, batches=batches),),
        tiers={"t": tier or Tier(budget="100h", min_blocks=3, max_blocks=3, cell_budget="10h")},
        measure=msgspec.structs.replace(Measure(precision="50%"), **measure),
    )


def happenings(trials: list[Trial]) -> Counter[tuple[Kind, Case, int, Outcome]]:
    """How often each case was run, or each arm precompiled, in each block with each outcome."""
    return Counter((trial.kind, trial.case, trial.block, trial.outcome) for trial in trials)


class Stage:
    """Where campaigns of one experiment play: materials, home and journal below `directory`.

    Args:
        directory: an empty one.
        what: the experiment; its tier is ``t``.
        wants: questions that the campaign buys sets for.
    """

    def __init__(self, directory: Path, what: Experiment, wants: tuple[Want, ...] = ()) -> None:
        self.materials = make_materials(directory)
        self.home = directory / "home"
        self.path = directory / "trials.jsonl"
        self.experiment, self.wants = what, wants

    @property
    def trials(self) -> list[Trial]:
        """What the journal holds."""
        return list(read_trials(self.path))

    def play(self, engine: FakeEngine | None = None) -> list[Trial]:
        """Run, or go on with, the campaign until it ends or its engine is interrupted; the trials then written."""
        engine = engine or FakeEngine(self.materials)
        with Journal(self.path) as journal, contextlib.suppress(KeyboardInterrupt):
            tier = self.experiment.tier("t")
            session = Session(
                name=CAMPAIGN,
                materials=self.materials,
                limits=self.experiment.measure_in(tier),
                engine=engine,
                journal=journal,
                trials=read_trials(self.path),
                home=self.home,
                observer=LoggingObserver(engine.log),
            )
            CampaignRun(session, tier, self.experiment.cases("t"), self.wants).run()
        return self.trials

    def resume_from(self, kept: list[Trial]) -> list[Trial]:
        """Go on from a journal that holds these trials only; the trials then written."""
        return self.play(self.rewind(kept))

    def rewind(self, trials: list[Trial]) -> FakeEngine:
        """Put the journal back to these trials, as a kill -9 would have left it; an engine that has run them."""
        self.path.unlink(missing_ok=True)
        write_journal(self.path, trials)
        engine = FakeEngine(self.materials)
        engine.ran.update(trial.case.id for trial in trials if trial.kind == "run" and trial.total_ns is not None)
        return engine
