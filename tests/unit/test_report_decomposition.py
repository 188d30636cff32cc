from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest

from lab.core.arm import Arm
from lab.core.case import Case
from lab.report.decomposition import BOTH, FRAMEWORK, KERNELS, LOADING, RUNTIME, STARTUP, TakenApart, taken_apart
from lab.report.render import render
from lab.report.results import Results, load_results
from tests.synthetic import make_manifest, write_campaign

WASM = ("wasmtime-aot-cranelift@o3", "wasmtime-jit-cranelift@o3")
ALL = ("native@o3", "native-generic@o3", "litert-framework@python", *WASM, "native@o0")
MODELS = ("mobilenet_v1_0.25_128", "mobilenet_v1_1.0_224")


def campaign(directory: Path, arms: tuple[str, ...] = ALL, noise: float = 0.02) -> Path:
    return write_campaign(directory, 6, make_manifest(arms, MODELS, (1,)), noise=noise)


def results_of(directory: Path, arms: tuple[str, ...] = ALL, noise: float = 0.02) -> Results:
    return load_results(campaign(directory, arms, noise))


def row_of(rows: list[TakenApart], arm: str, model: str = MODELS[1]) -> TakenApart:
    return next(row for row in rows if row.case == Case(Arm.parse(arm), model, 1))


def values(row: TakenApart) -> dict[str, float | None]:
    return {name: factor.value for name, factor in row.parts.factors.items()}


def test_each_factor_is_the_one_that_was_put_in(tmp_path: Path) -> None:
    found = values(row_of(taken_apart(results_of(tmp_path, noise=1e-4)), "wasmtime-aot-cranelift@o3"))
    assert found[FRAMEWORK] == pytest.approx(1 / 0.64, rel=1e-3)
    assert found[KERNELS] == pytest.approx(1.9, rel=1e-3)
    assert found[RUNTIME] == pytest.approx(2.4 / 1.9, rel=1e-3)


def test_rows_multiply_to_the_whole_trial_over_the_best_native_inference(tmp_path: Path) -> None:
    results = results_of(tmp_path)
    best = results.cells[Case(Arm.parse("litert-framework@python"), MODELS[1], 1)]
    for arm in WASM:
        row = row_of(taken_apart(results), arm)
        product = math.prod(factor or math.nan for factor in values(row).values())
        ratios = [
            results.by_block(results.cells[row.case], "single_total_ns")[block] / steady
            for block, steady in results.by_block(best, "steady_infer_ns").items()
        ]
        assert row.best.id == "litert-framework@python"
        assert product == pytest.approx(math.prod(ratios) ** (1 / len(ratios)), rel=1e-9)


def test_a_jit_differs_from_the_same_compiler_ahead_of_time_in_start_up(tmp_path: Path) -> None:
    rows = taken_apart(results_of(tmp_path))
    aot, jit = (values(row_of(rows, arm)) for arm in WASM)
    assert (jit[STARTUP] or 0) > 5 * (aot[STARTUP] or 0)
    assert jit[RUNTIME] == pytest.approx(aot[RUNTIME], rel=0.1)


def test_each_kind_of_arm_has_the_links_that_apply_to_it(tmp_path: Path) -> None:
    rows = taken_apart(results_of(tmp_path))
    links = {row.case.arm.id: [*row.parts.factors] for row in rows if row.case.model == MODELS[0]}
    assert links == {
        "litert-framework@python": [FRAMEWORK, STARTUP, LOADING],
        "native@o3": [FRAMEWORK, STARTUP, LOADING],
        "native-generic@o3": [FRAMEWORK, KERNELS, STARTUP, LOADING],
        **{arm: [FRAMEWORK, KERNELS, RUNTIME, STARTUP, LOADING] for arm in WASM},
    }, "and level 0 is left out"
    assert values(row_of(rows, "litert-framework@python"))[FRAMEWORK] == 1.0


def test_without_generic_kernels_runtime_and_kernels_are_one_factor(tmp_path: Path) -> None:
    rows = taken_apart(results_of(tmp_path, ("native@o3", "litert-framework@python", WASM[0])))
    assert [*row_of(rows, WASM[0]).parts.factors] == [FRAMEWORK, BOTH, STARTUP, LOADING]


def test_without_another_framework_native_tract_is_the_best(tmp_path: Path) -> None:
    rows = taken_apart(results_of(tmp_path, ("native@o3", "native-generic@o3", WASM[0])))
    assert row_of(rows, WASM[0]).best.id == "native@o3"
    assert values(row_of(rows, WASM[0]))[FRAMEWORK] == 1.0


def test_a_campaign_with_neither_has_no_such_section(tmp_path: Path) -> None:
    assert taken_apart(results_of(tmp_path, ("native@o3", WASM[0]))) == []


def test_the_report_has_a_table_per_model_whose_file_multiplies_and_a_figure(tmp_path: Path) -> None:
    report = render(campaign(tmp_path))
    with (report.directory / "tables" / "decomposition.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["model"] for row in rows} == set(MODELS)
    for row in rows:
        parts = [float(row[name]) for name in ("framework", "kernels", "runtime", "startup", "loading") if row[name]]
        assert math.prod(parts) == pytest.approx(float(row["total"]), rel=1e-9)
        assert float(row["macs_per_s"]) > 0
    text = (report.directory / "tables" / "decomposition.md").read_text(encoding="utf-8")
    assert "best native inference: LiteRT (python)" in text
    assert (report.directory / "figures" / "decomposition.svg").stat().st_size > 10_000
