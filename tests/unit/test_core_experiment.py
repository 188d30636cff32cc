from __future__ import annotations

import msgspec
import pytest

from lab.core.errors import ExperimentError
from lab.core.experiment import Experiment, Matrix, Measure, Tier

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
    smoke = [case.id for case in TWO_TIERS.cases("smoke", ("yunet", "vgg_16"))]
    full = [case.id for case in TWO_TIERS.cases("full", ("yunet",))]
    assert smoke[:3] == ["native@o3 yunet b1", "native@o3 yunet b3", "native@o3 vgg_16 b1"]
    assert len(smoke) == 2 * 2 * 2
    assert full == [
        "native@o3 yunet b1",
        "native@o3 yunet b3",
        "wavm-jit-llvm@o3 yunet b1",
        "wavm-jit-llvm@o3 yunet b3",
        "native@o3 vgg_16 b1",
    ]


def test_a_tier_that_does_not_exist_is_answered_with_those_that_do() -> None:
    with pytest.raises(ExperimentError) as caught:
        TWO_TIERS.tier("standard")
    assert "no tier 'standard'" in caught.value.message
    assert "smoke, full" in caught.value.remedy


def test_quantities_are_read_in_their_units() -> None:
    measure = Measure(timeout="2m", compile_timeout="1h", memory="512MiB", precision="1%")
    assert (measure.timeout_s, measure.compile_timeout_s) == (120, 3600)
    assert (measure.memory_bytes, measure.precision_fraction) == (512 << 20, 0.01)
    assert (TWO_TIERS.tier("full").budget_s, TWO_TIERS.tier("full").cell_budget_s) == (7200, 90)


def test_an_experiment_survives_its_manifest() -> None:
    assert msgspec.json.decode(msgspec.json.encode(TWO_TIERS), type=Experiment) == TWO_TIERS
