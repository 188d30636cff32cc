"""A tournament's report: who ranks where, what is traded for what, and which arm for how many inferences per start."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping

import msgspec
import pytest
from matplotlib.figure import Figure

from lab.core.case import Case
from lab.core.trial import Trial
from lab.report.break_even import NUMBERS, ModelTotals, model_totals
from lab.report.compose import compose
from lab.report.document import Column, Section, Table
from lab.report.figures.labels import Label, place_labels
from lab.report.figures.style import house_style
from lab.report.page.page import MOST_ROWS, Content, page
from lab.report.rankings import tournaments
from lab.report.results import Results
from lab.report.sections.break_even import break_even_section, interval_text, reading
from lab.report.sections.ranking import tournament_section
from lab.report.sections.tradeoffs import tradeoffs_section
from lab.report.tradeoffs import tradeoffs
from lab.stats.break_even import Ahead, BreakEven
from lab.store.columns import table_of
from tests.synthetic import make_manifest, make_trials

SYSTEMS = ("wasmtime-jit-cranelift", "wasmtime-aot-cranelift", "wavm-jit-llvm", "wasmedge-aot-llvm")
ARMS = ("native@o3", *(f"{system}@o3" for system in SYSTEMS), "wasmedge-aot-llvm@o3-simd")
MODELS = ("yunet", "mobilenet_v1_0.25_128")


@pytest.fixture(scope="module")
def results() -> Results:
    manifest = make_manifest(arms=ARMS, models=MODELS, batches=(1,))
    return Results(manifest, table_of([list(make_trials(manifest, 8))]))


@pytest.fixture(scope="module")
def files(results: Results) -> Mapping[str, bytes]:
    return compose(results, (), "0" * 64, is_finished=True).files


@pytest.fixture(scope="module")
def totals(results: Results) -> list[ModelTotals]:
    return model_totals(results)


def test_the_best_at_a_number_of_inferences_is_who_takes_least_in_all(totals: list[ModelTotals]) -> None:
    for model in totals:
        contenders = {case: line for case, line in model.lines.items() if not case.arm.is_native}
        for best in model.best:
            least = min(contenders, key=lambda case: contenders[case][0] + (best.inferences - 1) * contenders[case][1])
            assert best.case == least or least in (best.alike or ())
        assert [best.inferences for best in model.best] == list(NUMBERS)


def test_stretches_begin_with_one_inference_and_follow_each_other(totals: list[ModelTotals]) -> None:
    for model in totals:
        firsts = [stretch.first for stretch in model.stretches]
        assert firsts[0] == 1
        assert firsts == sorted(set(firsts))
        assert [stretch.over is None for stretch in model.stretches] == [place == 0 for place in range(len(firsts))]
        assert not any(stretch.case.arm.is_native for stretch in model.stretches)


def test_every_two_arms_of_a_model_are_a_pair_once(totals: list[ModelTotals]) -> None:
    assert [model.model for model in totals] == ["yunet", "mobilenet_v1_0.25_128"]
    for model in totals:
        assert len(model.lines) == len(ARMS)
        assert len({frozenset((pair.first, pair.second)) for pair in model.pairs}) == math.comb(len(ARMS), 2)
        assert all(model.lines[pair.first][0] <= model.lines[pair.second][0] for pair in model.pairs)


def test_an_arm_that_no_other_beats_is_on_the_front_and_native_is_not(results: Results) -> None:
    for trade in tradeoffs(results):
        assert not any(case.arm.is_native for case in (*trade.start_front, *trade.memory_front))
        for case in trade.start_front:
            mine = trade.standings[case].start_and_steady
            others = [s.start_and_steady for c, s in trade.standings.items() if c != case and not c.arm.is_native]
            assert mine is not None
            assert not any(other[0] <= mine[0] and other[1] < mine[1] for other in others if other is not None)


def test_a_precompiled_arm_has_a_size_on_disk_and_no_other_has(results: Results) -> None:
    for trade in tradeoffs(results):
        for case, standing in trade.standings.items():
            assert (standing.artifact_bytes is not None) == (case.arm.mode == "aot")


def test_a_start_is_a_cold_run_less_one_steady_inference(results: Results) -> None:
    (trade, *_) = tradeoffs(results)
    standing = trade.standings[Case.parse("wavm-jit-llvm@o3 yunet b1")]
    assert standing.start_ns == pytest.approx(24e9, rel=0.05), "it compiles for 24 s"


def test_arms_of_both_builds_are_ranked_together_by_cold_run_and_by_steady_inference(results: Results) -> None:
    cold, steady = tournaments(results)
    assert (cold.figure_name, steady.figure_name) == ("tournament-cold-o3", "tournament-steady-o3")
    assert next(iter(cold.found.mean_ranks)) == "native@o3"
    assert list(cold.found.mean_ranks)[-1] == "wavm-jit-llvm@o3"
    assert list(steady.found.mean_ranks)[-1] != "wavm-jit-llvm@o3", "what it compiles is quick"
    assert set(cold.arms) == set(ARMS)


def test_the_ranking_says_how_far_each_arm_is_from_the_first(results: Results) -> None:
    section = tournament_section(tournaments(results))
    assert section is not None
    first, *others = section.overview[0].rows
    assert first.get("over_first") is None
    assert all(row["over_first"] > 1 for row in others)
    assert section.overview[0].title.startswith("level o3, by a cold run: 6 arms on 2 models; 8 blocks hold them all")


def test_tables_pictures_and_json_are_in_the_report(files: Mapping[str, bytes]) -> None:
    for name in ("break-even-o3", "pareto-start-o3", "pareto-memory-o3", "tournament-cold-o3", "tournament-steady-o3"):
        assert {f"figures/{name}.svg", f"figures/{name}.png"} <= set(files), name
    for name in ("break-even", "trade-offs", "tournament"):
        assert {f"tables/{name}.csv", f"tables/{name}.md"} <= set(files), name
    rows = json.loads(files["break-even.json"])
    assert len(rows) == 2 * math.comb(len(ARMS), 2)
    in_table = list(csv.DictReader(io.StringIO(files["tables/break-even.csv"].decode())))
    assert [row["reading"] for row in rows] == [row["reading"] for row in in_table]


def test_a_campaign_of_single_inferences_has_no_break_even_and_says_nothing_of_it() -> None:
    manifest = make_manifest(arms=ARMS[:2], models=("yunet",), batches=(1,))
    trials = [_with_one_inference(trial) for trial in make_trials(manifest, 2)]
    found = Results(manifest, table_of([trials]))
    assert model_totals(found) == []
    assert break_even_section([]) is None
    section = tradeoffs_section(tradeoffs(found))
    assert section is not None
    assert section.detail is not None
    assert all(row["start_ns"] is None for row in section.detail.rows)


def _with_one_inference(trial: Trial) -> Trial:
    return msgspec.structs.replace(trial, infer_ns=trial.infer_ns[:1])


CROSSES = BreakEven(8.5, 7.9, 9.2, Ahead.FIRST, Ahead.SECOND, 12)


@pytest.mark.parametrize(
    ("found", "text", "interval"),
    [
        (CROSSES, "a takes less below 7, b above 10", "8.5 [7.9, 9.2]"),
        (BreakEven(None, None, None, Ahead.SECOND, Ahead.SECOND, 12), "b takes less, however many", "never"),
        (BreakEven(None, 1.0, math.inf, None, None, 12), "cannot be distinguished", "never [1, ∞]"),
        (
            BreakEven(40000.0, 812.0, math.inf, Ahead.FIRST, None, 12),
            "a takes less for up to 812; beyond, they cannot be distinguished",
            "40,000 [812, ∞]",
        ),
        (
            BreakEven(None, 1.0, 3.5, None, Ahead.FIRST, 12),
            "a takes less from 4 on; below, they cannot be distinguished",
            "never [1, 3.5]",
        ),
        (
            BreakEven(8.5, None, None, None, None, 1, "one block has no spread to make an interval from"),
            "undetermined: one block has no spread to make an interval from",
            "8.5 (one block has no spread to make an interval from)",
        ),
    ],
)
def test_a_break_even_is_read_out_in_words(found: BreakEven, text: str, interval: str) -> None:
    assert reading(found, "a", "b") == text
    assert interval_text(found) == interval


def test_labels_of_crowded_points_do_not_cover_each_other() -> None:
    with house_style():
        figure = Figure(figsize=(5, 4))
        axes = figure.subplots()
        axes.set_xlim(0, 10)
        axes.set_ylim(0, 10)
        labels = [Label(5 + 0.1 * (place % 4), 5 + 0.1 * (place // 4), f"label {place}") for place in range(12)]
        figure.draw_without_rendering()
        place_labels(axes, labels)
        boxes = [text.get_window_extent() for text in axes.texts if text.get_text()]
    assert len(boxes) == 12
    assert not any(a.overlaps(b) for place, a in enumerate(boxes) for b in boxes[:place])


@pytest.mark.parametrize(("rows", "is_there"), [(MOST_ROWS, True), (MOST_ROWS + 1, False)])
def test_a_table_too_long_for_the_page_is_named_there_with_its_file(rows: int, is_there: bool) -> None:
    detail = Table("every two arms", (Column("name", "name"),), [{"name": "pair"}] * rows)
    sections = [Section("break-even", "Break-even", "…", [], detail)]
    text = page(make_manifest(), Content("…", "{}", sections, {}, [], "…"))
    assert ("<td>pair</td>" in text) == is_there
    assert ("tables/break-even.csv" in text) != is_there
