"""Arms ranked over models: by the right numbers, drawn the same every time, and refused where they mean nothing."""

from __future__ import annotations

from itertools import combinations

import pytest

from lab.report.compose import compose
from lab.report.figures.rank_diagram import draw_ranking
from lab.report.figures.style import save
from lab.report.overheads import TIME, CostFigure, costs
from lab.report.rankings import GuestRanking, rankings
from lab.report.results import Results
from lab.report.sections.ranking import ranking_section
from lab.stats.rankings import rank_arms
from lab.store.columns import table_of
from tests.synthetic import MODELS, make_manifest, make_trials

ARMS = ("native@o3", "wasmtime-jit-cranelift@o3", "wavm-jit-llvm@o3", "wasmtime-aot-cranelift@o3")


def results_of(arms: tuple[str, ...] = ARMS, models: tuple[str, ...] = tuple(MODELS)) -> Results:
    manifest = make_manifest(arms=arms, models=models, batches=(1, 3))
    return Results(manifest, table_of([list(make_trials(manifest, 3))]))


def ranked(results: Results) -> list[GuestRanking]:
    return rankings(results, [CostFigure("time", "Time", TIME, costs(results, TIME.name, results.cells, "time"))])


@pytest.fixture(scope="module")
def results() -> Results:
    return results_of()


def test_arms_are_ranked_by_their_geometric_means_at_the_smallest_batch(results: Results) -> None:
    (ranked_arms,) = ranked(results)
    by_case = costs(results, TIME.name, results.cells, "time")
    levels = {
        arm.id: {
            case.model: cost.level.value
            for case, cost in by_case.items()
            if case.arm == arm and case.batch == 1 and cost.level is not None and cost.level.value is not None
        }
        for arm in results.arms
    }
    assert ranked_arms.ranking == rank_arms(levels)
    assert ranked_arms.ranking is not None
    assert next(iter(ranked_arms.ranking.mean_ranks)) == "native@o3"
    assert list(ranked_arms.ranking.mean_ranks)[-1] == "wavm-jit-llvm@o3", "it compiles for 24 s"


def test_the_table_says_who_is_alike_and_what_it_rests_on(results: Results) -> None:
    section = ranking_section(ranked(results))
    (table,) = section.overview
    assert table.title.startswith("guest o3: 4 arms on 8 models; Friedman p = ")
    letters = {row["arm"]: set(row["alike"] or "") for row in table.rows}
    (ranked_arms,) = ranked(results)
    assert ranked_arms.ranking is not None
    for (arm, mine), (other, theirs) in combinations(letters.items(), 2):
        together = any({arm, other} <= set(group) for group in ranked_arms.ranking.groups)
        assert bool(mine & theirs) == together, (arm, other)
    assert section.figures == ["ranking-o3"]


def test_an_arm_with_gaps_is_left_out_by_name_and_costs_the_others_no_model() -> None:
    (ranked_arms,) = ranked(results_of((*ARMS, "wamr-interpreter-fast@o3")))
    assert [arm.runtime for arm in ranked_arms.arms_left_out] == ["wamr"], "it runs out of memory on both VGGs"
    assert ranked_arms.ranking is not None
    assert len(ranked_arms.ranking.models) == 8
    assert "left out, for want of cells: WAMR interpreter fast" in ranking_section([ranked_arms]).overview[0].title


@pytest.mark.parametrize(("arms", "models"), [(ARMS[:2], tuple(MODELS)), (ARMS, ("yunet", "vgg_16"))])
def test_too_little_to_rank_is_said_and_nothing_is_drawn(arms: tuple[str, ...], models: tuple[str, ...]) -> None:
    results = results_of(arms, models)
    section = ranking_section(ranked(results))
    assert "Guest o3 has no ranking: it takes 3 arms that were measured on the same 3 models" in section.lead
    assert section.overview == []
    report = compose(results, (), "0" * 64, is_finished=True)
    assert not [name for name in report.files if "ranking-" in name]
    assert "has no ranking" in report.files["report.md"].decode()


def test_a_diagram_drawn_twice_has_the_same_bytes_and_names_every_arm(results: Results) -> None:
    (ranked_arms,) = ranked(results)
    assert ranked_arms.ranking is not None
    first, second = (save(draw_ranking("Ranks", ranked_arms.ranking, ranked_arms.arms)) for _ in range(2))
    assert first == second
    texts = [text.get_text() for text in draw_ranking("Ranks", ranked_arms.ranking, ranked_arms.arms).axes[0].texts]
    assert {"native", "Wasmtime JIT cranelift", "WAVM JIT llvm", "Wasmtime AOT cranelift"} <= set(texts)
    assert any(text.startswith("critical difference") for text in texts)


def test_the_diagram_is_in_the_report(results: Results) -> None:
    report = compose(results, (), "0" * 64, is_finished=True)
    assert {"figures/ranking-o3.svg", "figures/ranking-o3.png", "tables/ranking.csv"} <= set(report.files)
    assert b'id="ranking-o3-' in report.files["index.html"]
