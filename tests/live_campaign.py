"""A campaign on the real engine, from arms and models to the trials it wrote."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from lab.campaign.materials import Materials
from lab.campaign.run import CampaignRun
from lab.campaign.session import Session
from lab.core.experiment import Experiment, Matrix, Measure, Tier
from lab.core.trial import Trial
from lab.engines.containers import ContainerEngine
from lab.store.journal import Journal, read_trials
from tests.fakes import LoggingObserver


def measure(
    directory: Path,
    materials: Materials,
    arms: tuple[str, ...],
    models: tuple[str, ...],
    *,
    edition: str = "current",
    blocks: int = 1,
    home: Path | None = None,
    **limits: object,
) -> list[Trial]:
    """The trials of a campaign in containers."""
    tier = Tier("1h", min_blocks=blocks, max_blocks=blocks, cell_budget="1h")
    limits_of = msgspec.structs.replace(Measure(iterations=2, timeout="120s", memory="6GiB"), **limits)
    matrix = (Matrix(arms=arms, models=models),)
    what = Experiment(
        name="live", question="Does it work?", matrix=matrix, tiers={"t": tier}, measure=limits_of, edition=edition
    )
    directory.mkdir(parents=True, exist_ok=True)
    with Journal(directory / "trials.jsonl") as journal:
        session = Session(
            name=f"live-t-{hashlib.sha256(str(directory).encode()).hexdigest()[:12]}",
            materials=materials,
            limits=what.measure_in(tier),
            engine=ContainerEngine(),
            journal=journal,
            trials=[],
            home=directory / "home" if home is None else home,
            observer=LoggingObserver([]),
        )
        CampaignRun(session, tier, what.cases("t")).run()
    return list(read_trials(directory / "trials.jsonl"))
