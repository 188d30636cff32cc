"""Tables: right numbers, right order, no cell dropped, in four notations."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import msgspec
import numpy as np
import pytest
from scipy.stats import trim_mean

from lab.core.arm import Arm, Mode
from lab.core.case import Case
from lab.core.manifest import Manifest
from lab.core.trial import Outcome
from lab.report.compose import compose
from lab.report.display import arm_name, digits, megabytes, model_name, seconds
from lab.report.document import Column, Section, Table
from lab.report.overheads import TIME, costs
from lab.report.phases import phase_parts_ns
from lab.report.precompilation import counterpart
from lab.report.results import NOT_RUN, Results
from lab.report.sections.aot import aot_section
from lab.report.sections.batch import batch_section
from lab.report.sections.cost import too_few_blocks
from lab.report.sections.data_quality import failures_section, outputs_section
from lab.report.sections.predictions import GUESS, MEASURED, predictions_section
from lab.store.columns import table_of
from tests.synthetic import MODELS, make_manifest, make_trials

ARMS = ("wasmtime-jit-cranelift@o3", "wamr-interpreter-fast@o3", "native@o3", "wasmtime-aot-cranelift@o3")
NATIVE, WASMTIME = Arm.parse("native@o3"), Arm.parse("wasmtime-jit-cranelift@o3")


def results_of(blocks: int = 6, drop_after: int | None = None, **options: float) -> Results:
    manifest = make_manifest(arms=ARMS, models=("vgg_16", "yunet", "mobilenet_v1_0.25_128"))
    return Results(manifest, table_of([list(make_trials(manifest, blocks, **options))[:drop_after]]))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def results() -> Results:
    return results_of()


def rows_of(section: Section) -> list[dict[str, str]]:
    table = section.detail or section.overview[0]
    return list(csv.DictReader(io.StringIO(table.csv())))


def test_models_go_from_small_to_large_and_native_comes_first(results: Results) -> None:
    assert results.models == ("yunet", "mobilenet_v1_0.25_128", "vgg_16")
    assert [arm.mode for arm in results.arms] == [Mode.NATIVE, Mode.JIT, Mode.INTERPRETER, Mode.AOT]


def test_a_cell_that_failed_keeps_its_reason_and_one_not_reached_says_so() -> None:
    partial = results_of(drop_after=8)
    words = {cell.status for cell in partial.cells.values()}
    assert NOT_RUN in words
    full = results_of()
    cell = full.cells[Case(Arm.parse("wamr-interpreter-fast@o3"), "vgg_16", 1)]
    assert (cell.n, cell.failed_as, cell.why) == (0, Outcome.OUT_OF_MEMORY, "killed at the memory limit of 4.0 GiB")


def test_every_case_of_the_plan_is_a_cell_even_before_it_ran() -> None:
    assert len(results_of(drop_after=1).cells) == len(ARMS) * 3 * 2


def test_an_overhead_is_the_typical_trial_of_ratios_within_blocks(results: Results) -> None:
    case = Case(WASMTIME, "yunet", 1)
    found = costs(results, TIME.name, results.cells, "test")[case]
    mine = results.by_block(results.cells[case], "single_total_ns")
    native = results.by_block(results.cells[case.baseline], "single_total_ns")
    expected = np.exp(trim_mean([np.log(mine[block] / native[block]) for block in mine], 0.2))
    assert found.overhead is not None
    assert found.overhead.value == pytest.approx(expected, rel=1e-12)
    assert found.level is not None
    assert found.level.value == pytest.approx(np.exp(trim_mean(np.log(list(mine.values())), 0.2)), rel=1e-12)


def test_a_known_slowdown_shows_in_the_overhead() -> None:
    slow = results_of(noise=0.0, slowdown={"wasmtime-jit-cranelift@o3": 1.5})  # type: ignore[arg-type]
    plain = results_of(noise=0.0)
    case = Case(WASMTIME, "vgg_16", 1)
    levels = [costs(results, TIME.name, results.cells, "test")[case].level for results in (slow, plain)]
    values = [level.value for level in levels if level is not None and level.value is not None]
    assert values[0] / values[1] == pytest.approx(1.5, rel=1e-3)  # 4 ms of output and exit are not slowed down


def test_native_has_no_overhead_and_a_failed_cell_no_level(results: Results) -> None:
    found = costs(results, TIME.name, results.cells, "test")
    assert found[Case(NATIVE, "yunet", 1)].judgement is None
    assert found[Case(Arm.parse("wamr-interpreter-fast@o3"), "vgg_16", 1)].level is None


def test_table_3_is_the_papers_ratio_of_averages_and_the_geometric_mean_of_ratios(results: Results) -> None:
    section = batch_section(results)
    assert section is not None
    row = next(row for row in rows_of(section) if row["arm"] == WASMTIME.id)
    means = np.array(
        [
            [results.values(results.cells[Case(WASMTIME, model, batch)], "single_total_ns").mean() for batch in (1, 3)]
            for model in results.models
        ]
    )
    assert float(row["time_ratio_of_averages"]) == pytest.approx(means[:, 1].mean() / means[:, 0].mean())
    assert 1 < float(row["time_geomean"]) < float(row["time_ratio_of_averages"])
    assert row["models"] == "3"


def test_one_batch_size_makes_no_table_3() -> None:
    manifest = make_manifest(arms=ARMS, models=("yunet",), batches=(1,))
    assert batch_section(Results(manifest, table_of([list(make_trials(manifest, 1))]))) is None


def test_an_aot_arm_is_compared_with_its_compilers_jit_and_shows_its_compile_cost(results: Results) -> None:
    arm = Arm.parse("wasmtime-aot-cranelift@o3")
    assert counterpart(results, arm) == WASMTIME
    section = aot_section(results)
    assert section is not None
    row = section.overview[0].rows[0]
    assert row["compile_ns_mean"] == results.values(results.compiles[Case(arm, "", 0)], "compile_ns").mean()
    assert row["over_counterpart"] < 1


def test_phases_add_up_to_the_overall_time(results: Results) -> None:
    cell = results.cells[Case(WASMTIME, "vgg_16", 1)]
    total = results.values(cell, "single_total_ns").mean()
    assert sum(phase_parts_ns(results, cell).values()) == pytest.approx(total)


def test_every_cell_without_a_number_is_listed_with_its_reason(results: Results) -> None:
    listed = {(row["arm"], row["model"], row["batch"]) for row in rows_of(failures_section(results))}
    failed = {(c.case.arm.id, c.case.model, str(c.case.batch)) for c in results.cells.values() if not c.n}
    assert failed
    assert listed == failed


def test_wasm_arms_that_disagree_are_named(results: Results) -> None:
    rows = rows_of(outputs_section(results))
    assert all(row["outputs"] == "1" and row["differ"] == "" for row in rows)
    manifest = results.manifest
    trials = [t for t in make_trials(manifest, 2) if t.model == "yunet" and t.outcome is Outcome.OK and t.batch == 1]
    wrong = [msgspec.structs.replace(t, output_sha256="f" * 64) if t.runtime == "wamr" else t for t in trials]
    found = rows_of(outputs_section(Results(manifest, table_of([wrong]))))
    assert [row["differ"] for row in found] == ["wamr-interpreter-fast@o3"]


def test_missing_is_a_dash_for_people_and_empty_for_programs() -> None:
    table = Table(
        "t", (Column("a", "A"), Column("b_ns", "B", seconds), Column("hidden", "")), [{"a": "x|y", "hidden": 0.1}]
    )
    assert "–" in table.text()
    assert "x\\|y" in table.markdown()
    assert "<td>–</td>" in table.html()
    assert table.csv() == "a,b_ns,hidden\nx|y,,0.1\n"
    assert "hidden" not in table.html()


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (seconds(1_234_567), "1.23 ms"),
        (seconds(999_600_000), "1.00 s"),
        (seconds(61e9), "61.0 s"),
        (seconds(1200e9), "20.0 min"),
        (seconds(36000e9), "10.0 h"),
        (megabytes(2.512e9), "2.51 GB"),
        (megabytes(5_600_000), "5.60 MB"),
        (digits(0.0009996), "0.00100"),
        (digits(1234.5), "1230"),
        (digits(99.96), "100"),
        (model_name("mobilenet_v1_0.25_128"), "MobileNet V1 0.25/128"),
        (model_name("vgg16"), "VGG 16"),
        (model_name("my_model"), "my_model"),
        (arm_name(WASMTIME), "Wasmtime JIT cranelift"),
    ],
)
def test_names_and_numbers_read_well(shown: str, expected: str) -> None:
    assert shown == expected


def test_table_1_comes_from_the_manifest(results: Results) -> None:
    report = compose(results, (), "0" * 64, is_finished=False)
    rows = list(csv.DictReader(io.StringIO(report.files["tables/table-1-models.csv"].decode())))
    assert {row["model"]: int(row["parameters"]) for row in rows} == {name: MODELS[name][0] for name in results.models}


def test_the_whole_report_is_made_from_data_alone(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first = compose(results, (), "0" * 64, is_finished=True)
    second = compose(results_of(), (), "0" * 64, is_finished=True)
    assert first.files == second.files
    assert list(tmp_path.iterdir()) == []


def predicted(manifest: Manifest, factors: dict[str, float]) -> Results:
    """Two blocks; the first one's measured times are those factors of what was predicted, by model."""
    trials = [
        msgspec.structs.replace(trial, predicted_ns=round(trial.total_ns / factors[trial.model]))
        if trial.block == 0 and trial.kind == "run" and trial.total_ns
        else trial
        for trial in make_trials(manifest, 2)
    ]
    return Results(manifest, table_of([trials]))


def test_predictions_are_compared_with_measurements_by_what_they_rest_on() -> None:
    manifest = make_manifest(arms=ARMS[::2], models=("yunet", "vgg_16"), batches=(1,))
    section = predictions_section(predicted(manifest, {"yunet": 2.0, "vgg_16": 0.2}))
    assert section is not None
    rows = rows_of(section)
    assert [(row["arm"], row["model"]) for row in rows] == [
        (arm, model) for arm in ("native@o3", "wasmtime-jit-cranelift@o3") for model in ("yunet", "vgg_16")
    ]
    assert [float(row["off"]) for row in rows] == pytest.approx([2, 5, 2, 5])
    by_arm = {arm: {row["rests_on"] for row in rows if row["arm"] == arm} for arm in ARMS[::2]}
    assert set(map(frozenset, by_arm.values())) == {frozenset({GUESS, MEASURED})}, "an arm's first trial is a guess"
    assert sum(int(row["cells"]) for row in section.overview[0].rows) == 4
    assert section.overview[2].rows[0]["off"] == pytest.approx(5)


def test_a_cell_that_was_over_budget_at_first_is_marked_and_keeps_its_verdict() -> None:
    manifest = make_manifest(arms=ARMS[:1], models=("yunet",), batches=(1,))
    ran = next(iter(make_trials(manifest, 1)))
    expensive = msgspec.structs.replace(
        ran, outcome=Outcome.OVER_BUDGET, why="too long", total_ns=None, infer_ns=(), predicted_ns=9_000_000_000
    )
    results = Results(manifest, table_of([[expensive, msgspec.structs.replace(ran, number=1)]]))
    section = predictions_section(results)
    assert section is not None
    assert "Checked: 1, 1 of them of cells that were over budget at first" in section.lead
    assert next(iter(results.cells.values())).predicted_ns == 9_000_000_000


def test_a_measured_cells_prediction_is_no_predicted_cost_of_a_missing_one(results: Results) -> None:
    assert all(cell.predicted_ns is None for cell in results.cells.values() if cell.n)


def test_without_any_prediction_there_is_no_section_of_them() -> None:
    manifest = make_manifest(arms=ARMS[:1], models=("yunet",), batches=(1,))
    trials = [msgspec.structs.replace(trial, predicted_ns=None) for trial in make_trials(manifest, 1)]
    assert predictions_section(Results(manifest, table_of([trials]))) is None


def reason_for_question_marks(blocks: int) -> str | None:
    results = results_of(blocks)
    return too_few_blocks(costs(results, TIME.name, results.cells, "test"))


def test_too_few_blocks_are_reported_above_the_table_not_in_its_last_column() -> None:
    whole = "No ratio can be shown to differ yet, however far from 1, hence the `?`: "
    assert reason_for_question_marks(3) == f"{whole}3 blocks can never reach 0.05; run 3 more."
    assert reason_for_question_marks(5) == f"{whole}5 blocks can never reach 0.05; run 1 more."
    assert reason_for_question_marks(6) is None


def test_where_only_some_ratios_lack_blocks_they_are_counted() -> None:
    manifest = make_manifest(arms=ARMS[:3], models=("yunet",), batches=(1,))
    trials = [trial for trial in make_trials(manifest, 7) if trial.block < 4 or trial.runtime != "wamr"]
    results = Results(manifest, table_of([trials]))
    found = too_few_blocks(costs(results, TIME.name, results.cells, "test"))
    assert found is not None
    assert found.startswith("1 of 2 ratios cannot be shown to differ yet")
    assert "4 blocks can never reach 0.05; run 2 more" in found
    lead = compose(results, (), "0" * 64, is_finished=True).files["tables/figure-1a-time.md"].decode()
    assert found in lead
