from __future__ import annotations

from pathlib import Path

import pytest

from lab.campaign.experiment_file import cases_of, load
from lab.core.errors import ExperimentError

GOOD = """
name = "mine"
question = "Does it load?"

[tiers.smoke]
budget = "10m"

[[matrix]]
arms = ["native@o3", "wasmtime-jit-cranelift@o3"]
models = ["yunet"]
"""


def written(directory: Path, text: str) -> Path:
    path = directory / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path: Path) -> ExperimentError:
    with pytest.raises(ExperimentError) as caught:
        load(path)
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message + caught.value.remedy, "an error is two lines"
    return caught.value


def test_a_small_experiment_takes_the_defaults(tmp_path: Path) -> None:
    found = load(written(tmp_path, GOOD))
    assert (found.edition, found.weights, found.measure.iterations) == ("current", "seeded", 3)
    assert [case.id for case in cases_of(found, "smoke")] == [
        "native@o3 yunet b1",
        "wasmtime-jit-cranelift@o3 yunet b1",
    ]


@pytest.mark.parametrize(
    ("old", "new", "complaint", "remedy"),
    [
        (
            "wasmtime-jit-cranelift@o3",
            "wasmtme-jit-cranelift@o3",
            "unknown runtime, 'wasmtme'",
            "did you mean wasmtime-jit",
        ),
        ("wasmtime-jit-cranelift@o3", "wasmtime-jit-llvm@o3", "not an arm that Wasmtime offers", "lab runtimes"),
        ("wasmtime-jit-cranelift@o3", "wasmtime@o3", "'wasmtime@o3' is not an arm", "runtime-mode[-backend]@guest"),
        ("wasmtime-jit-cranelift@o3", "native@o9", "'native@o9' is not an arm", "o0, o3, o3-simd"),
        ('budget = "10m"', 'budget = "ten"', "'ten' is not a quantity", '"90s"'),
        ('budget = "10m"', 'budget = "10m"\ncell_budget = "1 day"', "'1 day' is not a quantity", '"90s"'),
        ('budget = "10m"', "budget = 10", "Expected `str`, got `int`", "docs/experiments.md"),
        ('budget = "10m"', "", "missing required field `budget`", "docs/experiments.md"),
        ('budget = "10m"', 'budget = "10m"\nmax_blocks = 2', "allows 2 blocks and asks for 3", "max_blocks"),
        ('budget = "10m"', 'budget = "10m"\nmin_blocks = 0', "Expected `int` >= 1", "docs/experiments.md"),
        ('models = ["yunet"]', 'models = ["yunet"]\nbatches = [0]', "Expected `int` >= 1", "docs/experiments.md"),
        ('models = ["yunet"]', 'models = ["yunet"]\ntiers = ["full"]', "names the tier 'full'", "[tiers.full]"),
        ('models = ["yunet"]', 'model = ["yunet"]', "unknown field `model`", "docs/experiments.md"),
        ('name = "mine"', 'name = "../mine"', "matching regex", "docs/experiments.md"),
        ('name = "mine"', 'name = "mine"\nedition = "next"', "no edition 'next'", "current, 2026-11, paper"),
        ('name = "mine"', 'name = "mine"\nweights = "light"', "Invalid enum value 'light'", "docs/experiments.md"),
        ("[tiers.smoke]", "[measure]\ntimeout = '5'\n[tiers.smoke]", "'5' is not a quantity", '"90s"'),
        ("[tiers.smoke]", "[measure]\nmemory = '4G'\n[tiers.smoke]", "'4G' is not a quantity", '"4GiB"'),
        ("[tiers.smoke]", "[measure]\nprecision = '2'\n[tiers.smoke]", "'2' is not a quantity", '"2%"'),
        ("[tiers.smoke]", "[measure]\ncpus = 0\n[tiers.smoke]", "Expected `int` >= 1", "docs/experiments.md"),
        ("[tiers.smoke]", "[tiers.smoke", "is not TOML", "line"),
    ],
)
def test_a_mistake_is_named_with_its_remedy(tmp_path: Path, old: str, new: str, complaint: str, remedy: str) -> None:
    assert old in GOOD
    error = refusal(written(tmp_path, GOOD.replace(old, new)))
    assert complaint in error.message
    assert remedy in error.remedy


def test_a_file_that_is_missing_or_a_directory_or_no_text_is_refused(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "none.toml").message
    assert "directory" in refusal(tmp_path).message
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    assert "is not TOML" in refusal(tmp_path / "binary.toml").message


def test_a_tier_without_cases_is_refused(tmp_path: Path) -> None:
    full_only = (
        GOOD.replace('models = ["yunet"]', 'models = ["yunet"]\ntiers = ["full"]') + '[tiers.full]\nbudget = "1h"\n'
    )
    found = load(written(tmp_path, full_only))
    assert len(cases_of(found, "full")) == 2
    with pytest.raises(ExperimentError, match="tier 'smoke' of 'mine' holds no case"):
        cases_of(found, "smoke")


def test_a_star_in_an_arm_stands_for_every_arm_that_runs(tmp_path: Path) -> None:
    found = load(written(tmp_path, GOOD.replace('"wasmtime-jit-cranelift@o3"', '"wasmtime-jit-*@o3", "wasmedge-*@o3"')))
    arms = [case.arm.id for case in cases_of(found, "smoke")]
    assert arms[0] == "native@o3"
    assert {"wasmtime-jit-cranelift@o3", "wasmtime-jit-winch@o3", "wasmedge-interpreter@o3"} <= set(arms)
    assert "wasmedge-jit-llvm@o3" not in arms, "it cannot run"
    assert not [arm for arm in arms if "*" in arm or "wasmer" in arm or arm.endswith("simd")]


def test_a_star_that_stands_for_no_arm_is_refused(tmp_path: Path) -> None:
    error = refusal(written(tmp_path, GOOD.replace("wasmtime-jit-cranelift@o3", "wasmtime-*@o4")))
    assert "no arm that runs in this edition is like 'wasmtime-*@o4'" in error.message
