"""Campaigns of several worlds, and such as stop at sequential bounds: from the schedule to verdicts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.campaign.prepare import manifest_of
from lab.campaign.run import CampaignRun
from lab.campaign.session import Session
from lab.core.experiment import Experiment, Matrix, Measure, Tier
from lab.core.trial import Kind
from lab.report.compare.comparison import compare
from lab.report.overheads import costs
from lab.report.results import load_results
from lab.report.sections.stability import stability_section
from lab.stats.verdicts import Judgement, State
from lab.store.campaigns import create
from lab.store.journal import JOURNAL_NAME, Journal
from tests.fakes import FakeEngine, LoggingObserver, make_materials

ARMS = ("native@o3", "wasmtime-jit-cranelift@o3", "wasmtime-aot-cranelift@o3")
Measured = tuple[Path, Session, FakeEngine]
Run = Callable[[str, int, Measure], Measured]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    materials = make_materials(tmp_path / "materials", ("tiny",))

    def campaign(name: str, blocks: int, measure: Measure) -> Measured:
        tier = Tier("10h", min_blocks=2, max_blocks=blocks)
        experiment = Experiment("mine", "Does it run?", (Matrix(ARMS, ("tiny",)),), {"smoke": tier}, measure)
        engine, cases = FakeEngine(materials), experiment.cases("smoke")
        made = manifest_of(materials, experiment, "smoke", cases, engine, name=name, created_at="2026-01-01T00:00:00")
        directory = create(tmp_path / "results", made)
        with Journal(directory / JOURNAL_NAME) as journal:
            session = Session(
                name=name,
                materials=materials,
                limits=experiment.measure_in(tier),
                engine=engine,
                journal=journal,
                trials=(),
                home=tmp_path / "home",
                observer=LoggingObserver([]),
            )
            CampaignRun(session, tier, cases).run()
            session.remove_worlds()
        return directory, session, engine

    return campaign


def _judged(directory: Path) -> list[Judgement]:
    results = load_results(directory)
    found = costs(results, "single_total_ns", results.cells, "overall time")
    return [cost.judgement for cost in found.values() if cost.judgement is not None]


def test_blocks_run_in_worlds_by_turns_from_copies_that_are_gone_at_the_end(run: Run) -> None:
    _, session, engine = run("mine-smoke-a", 12, Measure(precision="0.01%", replicates=6))
    runs = {(trial.block, trial.replicate) for trial in session.trials if trial.kind is Kind.RUN}
    assert len(runs) == 12
    assert sorted(str(world) for _, world in runs) == sorted(str(world) for world in [*range(6)] * 2)
    sources = {mount.source for job in engine.jobs for mount in job.mounts if "worlds" in mount.source.parts}
    assert len({source.parent.parent for source in sources}) == 6
    assert not any(source.exists() for source in sources)
    assert all(trial.replicate is None for trial in session.trials if trial.kind is Kind.COMPILE)


def test_the_world_is_the_unit_of_verdicts_and_of_the_stability_section(run: Run) -> None:
    directory, *_ = run("mine-smoke-a", 12, Measure(precision="0.01%", replicates=6))
    assert {judgement.estimate.n for judgement in _judged(directory)} == {6}
    assert {judgement.state for judgement in _judged(directory)} == {State.DIFFERS}
    tables = {table.title: table.rows for table in stability_section(load_results(directory)).tables}
    (rows,) = (rows for title, rows in tables.items() if title.startswith("where the noise of the ratio"))
    assert [row["arm"] for row in rows] == list(ARMS[1:])
    assert {row["buy"] for row in rows} <= {"worlds", "blocks", "inferences"}


def test_three_worlds_show_nothing_and_say_how_many_are_missing(run: Run) -> None:
    directory, *_ = run("mine-smoke-a", 6, Measure(precision="0.01%", replicates=3))
    reasons = [judgement.reason for judgement in _judged(directory)]
    assert all("3 worlds can never reach 0.05; run 3 more" in str(reason) for reason in reasons)


def test_campaigns_of_worlds_are_compared_by_worlds_and_others_by_blocks(run: Run) -> None:
    several, *_ = run("mine-smoke-a", 12, Measure(precision="0.01%", replicates=6))
    single, *_ = run("mine-smoke-b", 12, Measure(precision="0.01%"))
    by_worlds = compare(several, several, 0.02)
    assert by_worlds.unit == "world"
    assert {(line.judgement.unit, line.judgement.estimate.n) for line in by_worlds.cases} == {("world", 6)}
    by_blocks = compare(several, single, 0.02)
    assert by_blocks.unit == "block"
    assert any("run both with --replicates" in note for note in by_blocks.notes)


def test_a_sequential_campaign_stops_at_the_look_that_knows_its_verdicts(run: Run) -> None:
    directory, session, _ = run("mine-smoke-a", 40, Measure(precision="0.01%", stop="sequential"))
    # arms that differ by a factor need no more than the first look
    assert {trial.block for trial in session.trials} == set(range(10))
    judged = _judged(directory)
    assert {judgement.state for judgement in judged} == {State.DIFFERS}
    # the interval is that of the look, far beyond 95 %
    assert all(judgement.estimate.level > 0.999 for judgement in judged)
