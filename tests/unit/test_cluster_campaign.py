"""A campaign on several hosts: the same trials as on one, each begun once, whatever ends meanwhile."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from lab.cluster.host_side import ENDED_MEANWHILE
from lab.core.experiment import Tier
from lab.core.names import Flag
from lab.core.trial import Kind, Outcome, Trial
from lab.store.journal import JOURNAL_NAME
from lab.store.spread import host_directories
from tests import faults as fault_counts
from tests.hosts import Faults, SpreadStage
from tests.stage import Stage, experiment

ARMS = ("native@o3", "wasmtime-jit-cranelift@o3", "wasmtime-aot-cranelift@o3", "wamr-interpreter-fast@o3")
TOY = experiment(
    arms=ARMS, models=("tiny", "small"), tier=Tier(budget="100h", min_blocks=4, max_blocks=4, cell_budget="10h")
)


def good(trials: list[Trial]) -> Counter[tuple[str, str | None]]:
    """How often each case ended well, with which output."""
    return Counter(
        (trial.case.id, trial.output_sha256)
        for trial in trials
        if trial.kind is Kind.RUN and trial.outcome is Outcome.OK
    )


def check_complete(stage: SpreadStage) -> None:
    """Every case has its four blocks, with one output; baselines run along in the blocks that make up for others."""
    found = good(everything(stage))
    assert len(found) == len(TOY.cases("t"))
    assert {count for (case, _), count in found.items() if not case.startswith("native")} == {4}
    assert min(found.values()) == 4


def everything(stage: SpreadStage) -> list[Trial]:
    return [trial for trials in stage.by_host.values() for trial in trials]


def play(stage: SpreadStage, *names: str) -> None:
    for name in names:
        stage.port.come(name)
    stage.coordinator().run()


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_hosts_together_measure_what_one_machine_measures(tmp_path: Path, count: int) -> None:
    names = [f"host-{number}" for number in range(count)]
    stage = SpreadStage(tmp_path / "spread", TOY, names)
    play(stage, *names)
    alone = Stage(tmp_path / "alone", TOY).play()
    assert good(everything(stage)) == good(alone)
    assert len(stage.by_host) == count
    runs = [(trial.case, trial.block) for trial in everything(stage) if trial.kind is Kind.RUN]
    assert Counter(runs) == Counter((trial.case, trial.block) for trial in alone if trial.kind is Kind.RUN)


def test_a_block_stays_on_one_host(tmp_path: Path) -> None:
    stage = SpreadStage(tmp_path, TOY)
    play(stage, "alpha", "beta")
    blocks = {name: {trial.block for trial in trials} for name, trials in stage.by_host.items()}
    assert blocks["alpha"] | blocks["beta"] == {0, 1, 2, 3}
    assert not blocks["alpha"] & blocks["beta"]


def test_the_copy_of_a_hosts_journal_is_its_journal_byte_by_byte(tmp_path: Path) -> None:
    stage = SpreadStage(tmp_path, TOY)
    play(stage, "alpha", "beta")
    for place in host_directories(stage.results / "toy-t-1"):
        own = stage.home(place.name) / "campaigns" / "toy-t-1" / JOURNAL_NAME
        assert own.read_bytes() == (place / JOURNAL_NAME).read_bytes() != b""


def test_files_reach_a_host_by_content_and_are_used_from_its_cache(tmp_path: Path) -> None:
    stage = SpreadStage(tmp_path, TOY, ["alpha"])
    play(stage, "alpha")
    kept = stage.home("alpha") / "shared"
    mounted = {mount.source for job in stage.port.engines["alpha"].jobs for mount in job.mounts}
    assert mounted
    assert all(kept in source.parents or stage.home("alpha") in source.parents for source in mounted)


def test_a_host_that_joins_late_is_used(tmp_path: Path) -> None:
    stage = SpreadStage(tmp_path, TOY)
    stage.share(tmp_path / "share")
    stage.port.come("alpha")
    wait = stage.port.wait

    def join(timeout_s: float) -> object:
        if "beta" not in stage.port.sides and stage.port.starts["alpha"]:
            stage.port.come("beta")
        return wait(timeout_s)

    stage.port.wait = join  # type: ignore[method-assign,assignment]
    stage.coordinator().run()
    assert all(stage.by_host.values())
    check_complete(stage)


def test_others_make_up_for_the_block_of_a_host_that_stays_away(tmp_path: Path) -> None:
    stage = SpreadStage(tmp_path, TOY)
    stage.port.come("alpha")
    stage.port.come("beta")
    wait = stage.port.wait

    def end_beta(timeout_s: float) -> object:
        if "beta" in stage.port.sides and sum(stage.port.starts["beta"].values()) == 3:
            stage.port.go("beta")
        return wait(timeout_s)

    stage.port.wait = end_beta  # type: ignore[method-assign,assignment]
    stage.coordinator().run()
    check_complete(stage)
    assert any("others make up for its block" in note for note in stage.watcher.notes)


def test_a_campaign_asked_to_stop_writes_down_what_runs_and_begins_nothing(tmp_path: Path) -> None:
    stage = SpreadStage(tmp_path, TOY)
    coordinator = stage.coordinator()
    stage.port.come("alpha")
    wait = stage.port.wait

    def stop(timeout_s: float) -> object:
        if sum(stage.port.starts["alpha"].values()) == 3:
            coordinator.drain()
        return wait(timeout_s)

    stage.port.wait = stop  # type: ignore[method-assign,assignment]
    coordinator.run()
    # one more had been ordered by then
    assert len(everything(stage)) == sum(stage.port.starts["alpha"].values()) == 4


def test_another_machine_of_the_same_name_is_refused(tmp_path: Path) -> None:
    stage = SpreadStage(tmp_path, TOY, ["alpha"])
    play(stage, "alpha")
    (stage.home("alpha") / "host-id").write_text("another")
    stage.port.come("alpha")
    coordinator = stage.coordinator()
    wait, waits = stage.port.wait, 0

    def stop(timeout_s: float) -> object:
        nonlocal waits
        waits += 1
        if waits > 20:
            coordinator.drain()
        return wait(timeout_s)

    stage.port.wait = stop  # type: ignore[method-assign,assignment]
    coordinator.run()
    assert any("another machine measures as alpha" in note for note in stage.watcher.notes)


FAULTS = {
    "a host killed before a trial": Faults(killed_before=0.1),
    "a host killed in a trial": Faults(killed_in=0.1),
    "a host killed after a trial, before its answer": Faults(killed_after=0.1),
    "a host cut off while it measures": Faults(answer_lost=0.1),
    "all of that to three hosts": Faults(0.04, 0.04, 0.04, 0.04),
}


def check_exactly_once(stage: SpreadStage) -> None:
    """No trial began twice: each run that an engine saw is a trial of a journal, of its own block."""
    for name, trials in stage.by_host.items():
        runs = [trial for trial in trials if trial.kind is Kind.RUN]
        assert all(count == 1 for count in Counter((trial.case, trial.block) for trial in runs).values())
        began = stage.port.starts[name]
        for case in {trial.case.id for trial in runs}:
            of_case = [trial for trial in runs if trial.case.id == case]
            lost = [trial for trial in of_case if Flag.ENGINE_FAILURE in trial.flags]
            assert all(trial.why == ENDED_MEANWHILE for trial in lost)
            # one that was lost in its precompilation did not begin itself
            assert len(of_case) - len(lost) <= began[case] <= len(of_case)


@pytest.mark.fault("hosts of a campaign that end, or are cut off")
@pytest.mark.parametrize("kind", FAULTS)
def test_whatever_ends_hosts_no_trial_begins_twice_and_none_is_missing(
    tmp_path: Path, kind: str, faults: fault_counts.Faults
) -> None:
    for seed in range(faults.rounds):
        stage = SpreadStage(tmp_path / str(seed), TOY, ("a", "b", "c"), FAULTS[kind], seed)
        play(stage, "a", "b", "c")
        check_exactly_once(stage)
        check_complete(stage)
        for _ in range(stage.port.struck):
            faults.injected()


def end_after(stage: SpreadStage, events: int) -> None:
    """Have the campaign's machine end after so many events, once."""
    wait, left = stage.port.wait, events

    def end(timeout_s: float) -> object:
        nonlocal left
        left -= 1
        if left == 0:
            raise ConnectionAbortedError
        return wait(timeout_s)

    stage.port.wait = end  # type: ignore[method-assign,assignment]


@pytest.mark.fault("the machine of a campaign of several hosts restarted")
def test_a_campaign_goes_on_from_its_journals_after_its_machine_restarted(
    tmp_path: Path, faults: fault_counts.Faults
) -> None:
    for seed in range(faults.rounds):
        stage = SpreadStage(tmp_path / str(seed), TOY, ("a", "b"), Faults(killed_in=0.03, answer_lost=0.03), seed)
        end_after(stage, 20 + 3 * (seed % 20))  # a campaign has more events than that
        with pytest.raises(ConnectionAbortedError):
            play(stage, "a", "b")
        faults.injected()
        stage.port.restart()
        stage.coordinator().run()
        check_exactly_once(stage)
        assert len(good(everything(stage))) == len(TOY.cases("t"))
        assert min(good(everything(stage)).values()) >= 4
