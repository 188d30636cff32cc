"""Every experiment in the tree can be run: it reads, its arms exist, its tiers hold cases."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec
import pytest

from lab.campaign.experiment_file import cases_of, load
from lab.core.arm import Arm, Mode
from lab.core.experiment import PAPER_MODELS, Experiment, Matrix
from lab.core.names import Edition
from lab.report.results import Results
from lab.runtimes.registry import all_arms, check, unsupported
from lab.stats.evidence import paired_shortage
from lab.store.columns import table_of
from lab.store.fingerprint import fingerprint
from tests.synthetic import make_manifest

DIRECTORY = Path(__file__).parents[2] / "experiments"
FILES = sorted(DIRECTORY.glob("*.toml"))
TIERS = ("smoke", "standard", "full")
MATRIX = [
    *("native", "wasmtime-jit-cranelift", "wasmer-jit-cranelift", "wavm-jit-llvm", "wasmedge-interpreter"),
    *("wamr-interpreter-fast", "wasmtime-aot-cranelift", "wasmer-aot-cranelift", "wavm-aot-llvm", "wasmedge-aot-llvm"),
]


def as_written(path: Path) -> Experiment:
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Experiment)


def read(path: Path) -> Experiment:
    """The experiment with the arms that its patterns stand for."""
    arms = tuple(arm.id for arm in all_arms() if unsupported(arm) is None)
    return as_written(path).with_arms(arms)


def arms_of(experiment: Experiment) -> set[Arm]:
    return {Arm.parse(text) for part in experiment.matrix for text in part.arms}


def test_the_papers_experiment_and_the_four_it_leaves_open_are_there() -> None:
    assert {path.stem for path in FILES} >= {"paper", "simd", "optlevels", "loading", "eras"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_experiment_is_named_as_its_file_and_asks_a_question(path: Path) -> None:
    experiment = read(path)
    assert experiment.name == path.stem
    assert experiment.question.endswith("?")
    assert experiment.edition in tuple(Edition)
    assert path.read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_experiments_arms_and_models_exist(path: Path) -> None:
    experiment = read(path)
    for arm in arms_of(experiment):
        check(arm)
    named = {model for part in experiment.matrix for model in part.models}
    assert named <= {*PAPER_MODELS, "*"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("tier", TIERS)
def test_every_tier_holds_cases_and_a_baseline_for_each_of_them(path: Path, tier: str) -> None:
    cases = set(read(path).cases(tier))
    assert cases
    runnable = {case for case in cases if unsupported(case.arm) is None}
    assert {case.baseline for case in runnable} <= cases


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_tiers_grow_and_their_quantities_read(path: Path) -> None:
    experiment = read(path)
    smoke, standard, full = (experiment.tier(name) for name in TIERS)
    assert smoke.budget_s < standard.budget_s < full.budget_s
    assert smoke.cell_budget_s <= standard.cell_budget_s <= full.cell_budget_s
    assert {tier for part in experiment.matrix for tier in part.tiers} <= set(experiment.tiers)
    for tier in experiment.tiers.values():
        assert 3 <= tier.min_blocks <= tier.max_blocks
        assert tier.cell_budget_s <= experiment.measure.limits.timeout_s
    # that of small machines asks what fits
    assert experiment.measure.limits.making_memory_bytes >= 4 << 30
    assert path.stem == "edge" or experiment.measure.limits.memory_bytes >= 4 << 30
    assert 0 < experiment.measure.limits.precision_fraction < 0.1


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_an_experiment_can_not_run_is_there_on_purpose(path: Path) -> None:
    refused = {arm.id for arm in arms_of(read(path)) if unsupported(arm, "current")}
    # an edition whose Wasmtime has no wizer
    unprepared = {arm for arm in refused if arm.endswith("+prepared") and "wizer" in str(unsupported(Arm.parse(arm)))}
    on_purpose = {"simd": {arm for arm in refused if arm.endswith("@o3-simd")}, "arms": {"wasmedge-jit-llvm@o3"}}
    on_purpose |= {"prepared": unprepared, "decomposition": unprepared}
    assert refused == on_purpose.get(path.stem, set())


def test_smoke_runs_all_models_natively_and_small_ones_under_three_runtimes() -> None:
    cases = read(DIRECTORY / "paper.toml").cases("smoke")
    assert {case.model for case in cases if case.arm.is_native} == set(PAPER_MODELS)
    for runtime in ("wasmtime", "wasmedge", "wamr"):
        models = {case.model for case in cases if case.arm.runtime == runtime}
        assert "mobilenet_v1_0.25_128" in models
    assert not [case for case in cases if case.arm.mode is Mode.AOT], "nothing is precompiled in a smoke test"


def test_smoke_gives_cheap_cells_the_blocks_that_a_verdict_needs() -> None:
    tier = read(DIRECTORY / "paper.toml").tier("smoke")
    enough = paired_shortage(tier.min_blocks, 0.05) is None
    assert enough
    assert not tier.claims_first, "sets of cases would come before blocks of every cell"


@pytest.mark.parametrize("tier", ["standard", "full"])
def test_the_papers_whole_matrix_is_planned_at_its_optimisation_level_and_at_ours(tier: str) -> None:
    cases = {case.id for case in read(DIRECTORY / "paper.toml").cases(tier)}
    wanted = {
        f"{system}@{guest} {model} b{batch}"
        for system in MATRIX
        for guest in ("o0", "o3")
        for model in PAPER_MODELS
        for batch in (1, 3)
    }
    assert wanted <= cases


def test_eras_runs_in_either_edition() -> None:
    experiment = read(DIRECTORY / "eras.toml")
    assert experiment.edition == "paper"
    for arm in arms_of(experiment):
        assert unsupported(arm, "paper") is None
        assert unsupported(arm, "current") is None


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("imported", [(), ("mine",)], ids=["as it is", "with an imported model"])
def test_the_report_plans_the_cases_that_the_campaign_plans(path: Path, imported: tuple[str, ...]) -> None:
    experiment = load(path)
    extra = tuple(Matrix(arms=("native@o3",), models=(name,)) for name in imported)
    planned = msgspec.structs.replace(experiment, matrix=(*experiment.matrix, *extra))
    model = next(iter(make_manifest().models.values()))
    for tier in planned.tiers:
        cases = cases_of(planned, tier)
        models = {case.model: model for case in cases}
        manifest = msgspec.structs.replace(make_manifest(), experiment=planned, tier=tier, models=models)
        assert set(Results(manifest, table_of([])).cells) == set(cases)


def test_a_manifest_from_before_stars_were_written_out_opens_with_the_same_cases() -> None:
    old = msgspec.structs.replace(make_manifest(), experiment=as_written(DIRECTORY / "paper.toml"), tier="full")
    new = msgspec.structs.replace(old, experiment=load(DIRECTORY / "paper.toml"))
    assert "*" in old.experiment.matrix[0].models
    assert "*" not in {name for part in new.experiment.matrix for name in part.models}
    assert old.experiment.cases("full") == new.experiment.cases("full")
    assert fingerprint(old) == fingerprint(new)


def test_engines_holds_every_arm_that_runs_with_its_guests_whatever_is_added() -> None:
    cases = load(DIRECTORY / "engines.toml").cases("full")
    runnable = {arm for arm in all_arms() if unsupported(arm) is None and arm.guest in ("o3", "o3-simd")}
    assert {case.arm for case in cases} == runnable
    assert len({case.model for case in cases}) == 3
    small = {case.arm for case in load(DIRECTORY / "engines.toml").cases("smoke")}
    assert small == {arm for arm in runnable if arm.guest == "o3"}
