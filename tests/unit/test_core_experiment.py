from __future__ import annotations

from typing import Any

import msgspec
import pytest

from lab.core.errors import ExperimentError
from lab.core.experiment import PAPER_MODELS, Experiment, Matrix, Measure, Tier

TWO_TIERS = Experiment(
    name="x",
    question="?",
    matrix=(
        Matrix(arms=("native@o3", "wavm-jit-llvm@o3"), models=("*",), batches=(1, 3)),
        Matrix(arms=("native@o3",), models=("yunet", "vgg_16"), tiers=("full",)),
    ),
    tiers={"smoke": Tier("10m"), "full": Tier("2h", cell_budget="90s")},
)


def test_a_tier_holds_every_case_of_its_entries_once_in_the_order_of_the_file() -> None:
    smoke = [case.id for case in TWO_TIERS.cases("smoke")]
    full = [case.id for case in TWO_TIERS.cases("full")]
    assert smoke[:2] == ["native@o3 mobilenet_v1_0.25_128 b1", "native@o3 mobilenet_v1_0.25_128 b3"]
    assert len(smoke) == 2 * 8 * 2
    assert full == smoke, "the second entry adds only models that the first has already"


def test_a_star_is_the_papers_eight_models_whatever_else_is_listed() -> None:
    matrix = (Matrix(arms=("native@o3",), models=("mine", "*", "yunet")),)
    written_out = msgspec.structs.replace(TWO_TIERS, matrix=matrix).with_models()
    assert written_out.matrix[0].models == ("mine", *PAPER_MODELS)
    assert written_out.with_models() == written_out


def test_a_timeout_within_a_tier_keeps_every_digit() -> None:
    long = msgspec.structs.replace(TWO_TIERS, measure=Measure(timeout="300h", compile_timeout="1234567s"))
    limits = long.measure_in(Tier("500h", cell_budget="400h"))
    assert (limits.timeout_s, limits.compile_timeout_s) == (1_080_000, 1_234_567)
    assert long.measure_in(Tier("10m", cell_budget="0.5s")).timeout_s == 1.5


def test_quantities_are_stored_as_they_were_written() -> None:
    written = Measure(timeout="90.0 s", memory="4096MiB", precision="2.50%")
    stored = msgspec.json.decode(msgspec.json.encode(written), type=Measure)
    assert stored == written
    assert stored.memory == "4096MiB"


NONSENSE: list[tuple[dict[str, Any], str]] = [
    ({"measure": Measure(timeout="0s")}, "timeout"),
    ({"measure": Measure(compile_timeout="0.0m")}, "compile_timeout"),
    ({"measure": Measure(memory="0B")}, "memory"),
    ({"measure": Measure(memory="63MiB")}, "memory"),
    ({"measure": Measure(memory=f"{'9' * 400}GiB")}, "too large"),
    ({"measure": Measure(precision="0%")}, "precision"),
    ({"measure": Measure(precision="100%")}, "precision"),
    ({"measure": Measure(timeout="１２m")}, "not a quantity"),
    ({"measure": Measure(iterations=10**6 + 1)}, "iterations"),
    ({"tiers": {"t": Tier("0s")}}, "budget"),
    ({"tiers": {"t": Tier("1h", cell_budget="0h")}}, "cell_budget"),
    ({"tiers": {"a/b": Tier("1h")}}, "cannot be the name"),
    ({"tiers": {"": Tier("1h")}}, "cannot be the name"),
    ({"tiers": {"t\n": Tier("1h")}}, "cannot be the name"),
    ({"tiers": {"x" * 101: Tier("1h")}}, "cannot be the name"),
    ({"name": "x\n"}, "cannot be the name"),
    ({"question": "what\x1b[2J?"}, "control characters"),
    ({"matrix": (Matrix(arms=("native@o3",), models=("yunet",), batches=(4097,)),)}, "batch"),
]


@pytest.mark.parametrize(("change", "complaint"), NONSENSE)
def test_an_experiment_out_of_range_is_refused_in_one_line(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ExperimentError, match=complaint) as caught:
        msgspec.structs.replace(TWO_TIERS, **change).check()
    assert "\n" not in caught.value.message


def test_the_least_and_the_largest_that_can_be_measured_are_accepted() -> None:
    measure = Measure(timeout="1ms", memory="64MiB", precision="99%", iterations=10**6)
    msgspec.structs.replace(TWO_TIERS, measure=measure).check()


def test_a_tier_that_does_not_exist_is_answered_with_those_that_do() -> None:
    with pytest.raises(ExperimentError) as caught:
        TWO_TIERS.tier("standard")
    assert "no tier 'standard'" in caught.value.message
    assert "smoke, full" in caught.value.remedy


def test_quantities_are_read_in_their_units() -> None:
    measure = Measure(timeout="2m", compile_timeout="1h", memory="512MiB", precision="1%").limits
    assert (measure.timeout_s, measure.compile_timeout_s) == (120, 3600)
    assert (measure.memory_bytes, measure.precision_fraction) == (512 << 20, 0.01)
    assert (TWO_TIERS.tier("full").budget_s, TWO_TIERS.tier("full").cell_budget_s) == (7200, 90)


def test_an_experiment_survives_its_manifest() -> None:
    assert msgspec.json.decode(msgspec.json.encode(TWO_TIERS), type=Experiment) == TWO_TIERS
