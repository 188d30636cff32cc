"""What a tier will cost, predicted from defaults or from the latest campaign."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from lab.campaign.plan_estimate import CaseEstimate, PlanEstimate, estimate, inferences_that_pay
from lab.campaign.prediction import CostModel
from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.errors import ExperimentError
from lab.core.experiment import Experiment, Tier
from lab.core.trial import Kind, Outcome, Trial
from lab.store.campaigns import create
from lab.store.journal import JOURNAL_NAME, write_journal
from tests.fakes import make_models
from tests.imported import import_made_up
from tests.stage import Stage, experiment
from tests.synthetic import make_manifest

PLAN = experiment(models=("tiny", "small"))


def predict(what: Experiment, directory: Path, precision: str | None = None) -> PlanEstimate:
    cases = what.cases("t")
    return estimate(what, "t", cases, directory / "home", directory / "results", precision)


def by_case(found: PlanEstimate) -> dict[str, CaseEstimate]:
    return {case.case: case for case in found.cases}


def measure(what: Experiment, directory: Path) -> list[Trial]:
    """Play the experiment, and leave it as the latest campaign."""
    trials = Stage(directory / "stage", what).play()
    latest = create(directory / "results", make_manifest())
    (latest / JOURNAL_NAME).unlink()
    write_journal(latest / JOURNAL_NAME, trials)
    return trials


def test_without_any_campaign_estimates_are_guesses_and_say_so(tmp_path: Path) -> None:
    import_made_up(tmp_path / "home")
    found = predict(PLAN, tmp_path)
    assert [case.case for case in found.cases] == [case.id for case in PLAN.cases("t")]
    assert all("a guess for " in case.basis for case in found.cases)
    assert all(case.blocks_for_precision is None for case in found.cases)
    assert (found.min_blocks, found.max_blocks, found.budget_s) == (3, 3, 360_000)
    assert found.memory_bytes == PLAN.measure.limits.memory_bytes


def test_the_latest_campaign_is_what_estimates_rest_on(tmp_path: Path) -> None:
    import_made_up(tmp_path / "home")
    trials = measure(PLAN, tmp_path)
    costs = CostModel(make_models(tmp_path / "same"))
    costs.learn(trials)
    for case in PLAN.cases("t"):
        estimated = by_case(predict(PLAN, tmp_path))[case.id]
        assert f"{case.arm.id}'s speed on small b1" in estimated.basis
        assert estimated.trial_s == pytest.approx(costs.predict(case, PLAN.measure.iterations).total_s)


def test_the_minimum_is_the_blocks_of_every_case_that_its_cell_budget_affords(tmp_path: Path) -> None:
    import_made_up(tmp_path / "home")
    tier = Tier("10h", min_blocks=4, max_blocks=9, cell_budget="60s")
    found = predict(msgspec.structs.replace(experiment(models=("tiny", "large")), tiers={"t": tier}), tmp_path)
    times = {case.case: case.trial_s or 0.0 for case in found.cases}
    expensive = "wamr-interpreter-fast@o3 large b1"
    assert times[expensive] > 60
    assert found.minimum_s == pytest.approx(4 * sum(time for case, time in times.items() if case != expensive))


def test_a_finer_precision_takes_more_blocks(tmp_path: Path) -> None:
    import_made_up(tmp_path / "home")
    measure(PLAN, tmp_path)
    case = "wasmtime-jit-cranelift@o3 small b1"
    coarse, fine = (by_case(predict(PLAN, tmp_path, width))[case].blocks_for_precision for width in ("5%", "0.5%"))
    assert coarse is not None
    assert fine is not None
    assert 2 <= coarse < fine


def test_a_half_width_that_is_none_is_refused(tmp_path: Path) -> None:
    import_made_up(tmp_path / "home")
    with pytest.raises(ExperimentError, match="'fine' is not a quantity"):
        predict(PLAN, tmp_path, "fine")


def test_models_still_to_be_frozen_have_no_estimate_but_a_size_on_disk(tmp_path: Path) -> None:
    what = experiment(arms=("native@o3",), models=("yunet", "vgg_19", "tiny"))
    import_made_up(tmp_path / "home", ("tiny",))
    found = predict(what, tmp_path)
    assert found.unfrozen == ("yunet", "vgg_19")
    assert [case.trial_s is None for case in found.cases] == [True, True, False]
    assert found.cases[0].basis == "its model is not frozen yet"
    assert 500e6 < found.disk_bytes < 700e6, "VGG 19 has 143 M parameters of 4 bytes"


def test_an_arm_that_cannot_run_says_why_and_costs_nothing(tmp_path: Path) -> None:
    import_made_up(tmp_path / "home")
    arm = "wasmer-jit-singlepass@o3-simd"
    with_it, without = (predict(experiment(arms=arms), tmp_path) for arms in (("native@o3", arm), ("native@o3",)))
    refused = by_case(with_it)[f"{arm} tiny b1"]
    assert refused.trial_s is None
    assert "singlepass" in (refused.unsupported_because or "")
    assert with_it.minimum_s == without.minimum_s


def test_a_damaged_latest_campaign_is_no_reason_not_to_plan(tmp_path: Path) -> None:
    import_made_up(tmp_path / "home")
    measure(PLAN, tmp_path)
    journal = tmp_path / "results" / "latest" / JOURNAL_NAME
    journal.write_bytes(b"not a trial\n" + journal.read_bytes())
    assert all("a guess for " in case.basis for case in predict(PLAN, tmp_path).cases)


def made_up(between: float, within: float, inferences: int) -> tuple[Case, list[Trial]]:
    """Forty trials of a second that scatter as given, with inferences of 50 ms."""
    rng, case = np.random.default_rng(3), Case(Arm.parse("wasmtime-jit-cranelift@o3"), "small", 1)
    trials = []
    for block in range(40):
        times = 5e7 * np.exp(rng.normal(0, between) + rng.normal(0, within, inferences))
        infer_ns = tuple(np.round(times).astype(int).tolist())
        total_ns = 1_000_000_000 + sum(infer_ns[1:])
        common = {"block": block, "kind": Kind.RUN, "started_at": "now", "outcome": Outcome.OK}
        trials.append(Trial.of(case, total_ns=total_ns, infer_ns=infer_ns, **common))
    return case, trials


def test_more_inferences_pay_where_they_scatter_more_than_trials_do() -> None:
    # Kalibera & Jones: sqrt(1.7 s / 0.05 s × within / between) steady ones, and the cold one before them
    assert inferences_that_pay(*made_up(between=0.02, within=0.02, inferences=6)) == pytest.approx(7, abs=1)
    assert inferences_that_pay(*made_up(between=0.06, within=0.01, inferences=6)) == 2
    assert (inferences_that_pay(*made_up(between=0.01, within=0.06, inferences=6)) or 99) > 15


def test_without_repeats_or_with_another_case_nothing_is_advised() -> None:
    case, trials = made_up(0.02, 0.02, inferences=2)
    assert inferences_that_pay(case, trials) is None
    assert inferences_that_pay(case, []) is None
    assert inferences_that_pay(Case(case.arm, "small", 2), made_up(0.02, 0.02, inferences=6)[1]) is None
