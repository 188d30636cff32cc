from __future__ import annotations

from pathlib import Path

import pytest

from lab.campaign.prediction import CONTAINER_S, LONG_INFERENCE_S, CostModel, guess, guess_compile_s
from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.trial import Kind, Outcome, Trial
from tests.fakes import make_models

NATIVE = Arm.parse("native@o3")
WAMR = Arm.parse("wamr-interpreter-fast@o3")


def trial(case: Case, infer_s: float = 1.0, outcome: Outcome = Outcome.OK) -> Trial:
    """Starts in 2 s, loads in 4 s, then infers once."""
    return Trial.of(
        case,
        number=0,
        block=0,
        kind=Kind.RUN,
        started_at="now",
        outcome=outcome,
        startup_ns=2 * 10**9,
        read_ns=10**9,
        decode_ns=10**9,
        build_ns=10**9,
        optimise_ns=10**9,
        infer_ns=(round(infer_s * 1e9),),
    )


@pytest.fixture
def costs(tmp_path: Path) -> CostModel:
    return CostModel(make_models(tmp_path))  # 10, 100 and 5000 M multiply-accumulates; graphs of 4, 5 and 5 kB


def test_before_an_arm_was_measured_its_speed_is_a_guess_and_says_so(costs: CostModel) -> None:
    predicted = costs.predict(Case(WAMR, "large", 1), 3)
    assert "a guess for interpreter arms" in predicted.basis
    assert "5.00 G multiply-accumulates" in predicted.basis
    assert predicted.infer_s == pytest.approx(guess(WAMR).infer_s_per_gmac * 5)


def test_a_measured_arm_is_predicted_by_operations_times_its_speed(costs: CostModel) -> None:
    costs.learn([trial(Case(WAMR, "tiny", 1), infer_s=0.01)])  # 1 s per 10⁹
    predicted = costs.predict(Case(WAMR, "small", 3), 4)
    assert predicted.infer_s == pytest.approx(0.3)
    assert predicted.total_s == pytest.approx(CONTAINER_S + 2.0 + 4.0 * 5 / 4 + 0.3 * 4)
    assert predicted.basis == "0.30 G multiply-accumulates × wamr-interpreter-fast@o3's speed on tiny b1"


def test_loading_is_predicted_from_the_graphs_size_and_inference_from_its_operations(tmp_path: Path) -> None:
    models = make_models(tmp_path)
    models["large"].graph_path.write_bytes(b"x" * 1000)  # most operations, smallest graph
    costs = CostModel(models)
    costs.learn([trial(Case(WAMR, "tiny", 1), infer_s=1.0), trial(Case(WAMR, "large", 1), infer_s=5.0)])
    predicted = costs.predict(Case(WAMR, "small", 1), 1)
    assert predicted.infer_s == pytest.approx(0.1), "as on large: 1 s per 10⁹"
    assert predicted.total_s == pytest.approx(CONTAINER_S + 2.0 + 4.0 * 5 / 4 + 0.1), "as on tiny: 4 s per 4 kB"


def test_one_arms_speed_says_nothing_of_anothers(costs: CostModel) -> None:
    costs.learn([trial(Case(WAMR, "tiny", 1))])
    assert costs.speed(NATIVE) == guess(NATIVE)


def test_the_trial_with_most_operations_counts_in_whatever_order_they_come(costs: CostModel) -> None:
    large, small = trial(Case(WAMR, "small", 3), 9.0), trial(Case(WAMR, "tiny", 1), 9.0)
    costs.learn([large, small])
    assert costs.speed(WAMR).basis == "small b3"
    costs.learn([trial(Case(WAMR, "large", 1), 9.0)])
    assert costs.speed(WAMR).basis == "large b1"


@pytest.mark.parametrize("outcome", [Outcome.TIMEOUT, Outcome.CRASHED, Outcome.WRONG_OUTPUT])
def test_only_trials_that_ended_ok_teach_anything(costs: CostModel, outcome: Outcome) -> None:
    costs.learn([trial(Case(WAMR, "tiny", 1), outcome=outcome)])
    assert costs.speed(WAMR).basis is None


def test_a_long_inference_is_not_repeated(costs: CostModel) -> None:
    large = Case(WAMR, "large", 1)
    costs.learn([trial(large, infer_s=LONG_INFERENCE_S * 1.1)])
    assert costs.iterations(large, 5) == 1
    assert costs.predict(large, 5).total_s == costs.predict(large, 1).total_s
    assert costs.iterations(Case(WAMR, "small", 1), 5) == 5


def test_guesses_put_kinds_of_arms_in_their_order() -> None:
    jit, llvm = Arm.parse("wasmer-jit-cranelift@o3"), Arm.parse("wasmer-jit-llvm@o3")
    assert guess(NATIVE).infer_s_per_gmac < guess(jit).infer_s_per_gmac < guess(WAMR).infer_s_per_gmac
    assert guess(jit).startup_s < guess(llvm).startup_s
    assert guess(Arm.parse("native@o0")).infer_s_per_gmac > guess(NATIVE).infer_s_per_gmac
    cranelift, by_llvm = Arm.parse("wasmtime-aot-cranelift@o3"), Arm.parse("wavm-aot-llvm@o3")
    assert guess_compile_s(cranelift) < guess_compile_s(by_llvm) < guess_compile_s(Arm.parse("wavm-aot-llvm@o0"))
