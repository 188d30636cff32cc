"""The report's stability section: what a series of blocks shows, and where its noise comes from."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
import pytest

from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.trial import Outcome, Trial
from lab.report.overheads import TIME, costs
from lab.report.results import Results
from lab.report.sections.stability import stability_section, thinned
from lab.store.columns import table_of
from tests.synthetic import make_manifest, make_trials

WASMTIME = Arm.parse("wasmtime-jit-cranelift@o3")


@pytest.fixture(scope="module")
def results() -> Results:
    manifest = make_manifest(arms=(WASMTIME.id, "native@o3"), models=("yunet", "mobilenet_v1_0.25_128"))
    return Results(manifest, table_of([list(make_trials(manifest, 6))]))


def test_a_long_series_is_thinned_to_means_of_neighbours_and_a_short_one_is_kept() -> None:
    assert thinned(np.arange(200.0)).tolist() == list(range(200))
    assert thinned(np.arange(1000.0)).tolist() == [2.0 + 5 * place for place in range(200)]


def test_a_drift_is_flagged_and_a_steady_cell_is_not(results: Results) -> None:
    trials = [t for t in make_trials(results.manifest, 12, noise=0.001) if t.runtime == "native" and t.model == "yunet"]
    drifting = [
        msgspec.structs.replace(t, total_ns=round((t.total_ns or 0) * 1.05**t.block)) if t.batch == 1 else t
        for t in trials
    ]
    section = stability_section(Results(results.manifest, table_of([drifting])))
    flagged = {(row["arm"], row["batch"]) for row in section.overview[0].rows if row["drift"]}
    assert flagged == {("native@o3", 1)}


def slowed(results: Results, hit: Callable[[Trial], bool], factor: float) -> Results:
    """Twenty blocks of one model; trials that are hit take that many times as long."""
    trials = [
        msgspec.structs.replace(trial, total_ns=round((trial.total_ns or 0) * factor)) if hit(trial) else trial
        for trial in make_trials(results.manifest, 20, noise=0.01)
        if trial.model == "yunet"
    ]
    return Results(results.manifest, table_of([trials]))


def test_a_mode_that_slows_one_process_in_five_stands_in_the_report(results: Results) -> None:
    case = Case(WASMTIME, "yunet", 1)
    hit = {2, 9, 10, 16}
    found = slowed(results, lambda trial: trial.case == case and trial.block in hit, 1.3)
    rows = {(row["arm"], row["batch"]): row for row in stability_section(found).overview[0].rows}
    assert "4 of 20 blocks lie apart" in rows[WASMTIME.id, 1]["parting"]
    assert rows[WASMTIME.id, 1]["parting"].startswith("typical and mean trial part: ")
    cost = costs(found, TIME.name, [case], "test")[case]
    assert cost.judgement is not None
    assert "(mean trial " in cost.judgement.sentence


def test_trials_that_depend_on_the_block_before_are_flagged(results: Results) -> None:
    found = slowed(results, lambda trial: trial.arm == WASMTIME and trial.block < 10, 1.05)
    rows = stability_section(found).overview[0].rows
    assert {row["arm"] for row in rows if row["dependence"]} == {WASMTIME.id}


def test_a_long_warm_up_is_flagged_and_noise_is_split_by_level(results: Results) -> None:
    rng = np.random.default_rng(4)

    def warmed(trial: Trial) -> Trial:
        if trial.kind != "run" or trial.outcome is not Outcome.OK:
            return trial
        slow = 2.0 if trial.arm == WASMTIME else 1.0
        trial_level = np.exp(rng.normal(0, 0.05))
        infer = [slow, slow, 1.0, 1.0, 1.0, 1.0] * np.exp(rng.normal(0, 0.01, 6)) * trial_level
        return msgspec.structs.replace(trial, infer_ns=tuple(np.round(1e8 * infer).astype(int).tolist()))

    trials = [warmed(trial) for trial in make_trials(results.manifest, 12, noise=0.01)]
    found = Results(results.manifest, table_of([trials]))
    assert found.inferences_ns(found.cells[Case(WASMTIME, "yunet", 1)]).shape == (12, 6)
    shown, levels = stability_section(found).overview
    assert {row["arm"]: row["warm_up"] for row in shown.rows if row["warm_up"]} == {
        WASMTIME.id: "warm-up up to inference 2"
    }
    native = next(row for row in levels.rows if row["arm"] == "native@o3")
    # twelve trials give a standard deviation to about 20 %, the median over cells to less
    assert native["between_trials"] == pytest.approx(0.05, rel=0.3)
    assert native["within_trial"] == pytest.approx(0.01, rel=0.1)
