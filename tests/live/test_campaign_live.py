"""Campaigns on the real engine: trials that work, and every way in which one can fail.

Failing guests are played by `rust-guest/fixture`, which does what its model file says.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
import pytest

from lab.builds.guests import GuestBuild, Tools
from lab.builds.images.ensure import find_images
from lab.builds.images.labels import ImageInfo
from lab.campaign.goldens import Golden
from lab.campaign.materials import Materials
from lab.core.arm import Arm, Mode
from lab.core.guest import GuestId
from lab.core.model import Model, ModelInput, OutputTensor
from lab.core.trial import Kind, Outcome, Trial
from lab.disk.checked import read_checked, write_checked
from lab.runtimes import registry
from tests.live_campaign import measure

pytestmark = pytest.mark.live

BEHAVIOURS = {
    "hog": "alloc 1073741824",
    "sleeper": "sleep 600000",
    "crasher": "abort",
    "liar": "wrong-result",
    "forger": "wrong",
    "mumbler": "lie-phases missing",
    "linker": "link-output",
    "chatterbox": "flood",
    "quitter": "exit 3",
}
# One arm for each way to run wasm that takes seconds, by runtime; where two have the same compiler, one of them.
PLAIN_ARMS = (
    "wasmtime-jit-cranelift@o3",
    "wasmer-jit-singlepass@o3",
    "wasmedge-interpreter@o3",
    "wamr-interpreter-fast@o3",
)


def acted_model(directory: Path, name: str) -> Model:
    """A model that is no graph, but what the fixture is to do."""
    directory.mkdir(parents=True, exist_ok=True)
    graph, prebuilt, reference = (directory / f"{name}.{suffix}" for suffix in ("pb", "f32", "reference"))
    graph.write_text(BEHAVIOURS[name], encoding="utf-8")
    np.zeros(4, dtype="<f4").tofile(prebuilt)
    np.linspace(0, 1, 16, dtype="<f4").tofile(reference)
    sha256 = hashlib.sha256(graph.read_bytes()).hexdigest()
    batch = ModelInput(1, (1, 2, 2, 1), prebuilt, hashlib.sha256(prebuilt.read_bytes()).hexdigest(), reference)
    return Model(name, "seeded", graph, sha256, "input", (OutputTensor("out", (1, 16)),), 1, 1, 1_000_000, (batch,))


@pytest.fixture(scope="module")
def failures(native_image: ImageInfo, tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Trial]]:
    """Trials of guests that fail, by model."""
    directory = tmp_path_factory.mktemp("failures")
    size = tools.fixture.stat().st_size
    acting = GuestBuild(tools.fixture, hashlib.sha256(tools.fixture.read_bytes()).hexdigest(), size, "fixture")
    models = {name: acted_model(directory / "models", name) for name in BEHAVIOURS}
    materials = Materials({"native": native_image}, {GuestId.parse("native/o3"): acting}, models)
    trials = measure(directory, materials, ("native@o3",), tuple(models), blocks=2, timeout="3s", memory="256MiB")
    return {name: [trial for trial in trials if trial.model == name] for name in models}


@pytest.mark.parametrize(
    ("model", "outcome", "why", "times"),
    [
        ("hog", Outcome.OUT_OF_MEMORY, "memory limit", 1),
        ("sleeper", Outcome.TIMEOUT, "ran longer than 3 s", 1),
        ("crasher", Outcome.CRASHED, "killed by SIGABRT", 2),
        ("liar", Outcome.WRONG_OUTPUT, "deviates from TensorFlow", 2),
        ("forger", Outcome.WRONG_OUTPUT, "claims another output than its file holds", 2),
        ("mumbler", Outcome.CRASHED, "marks do not make sense", 2),
        ("linker", Outcome.CRASHED, "its output file cannot be used", 2),
        ("chatterbox", Outcome.CRASHED, "wrote more output than the probe takes", 2),
        ("quitter", Outcome.CRASHED, "exit code 3", 2),
    ],
)
def test_a_trial_that_fails_is_recorded_as_what_it_was(
    failures: dict[str, list[Trial]], model: str, outcome: Outcome, why: str, times: int
) -> None:
    assert [trial.outcome for trial in failures[model]] == [outcome] * times
    assert all(why in (trial.why or "") for trial in failures[model])


@pytest.fixture(scope="module")
def materials(images: dict[str, ImageInfo], guests: dict[GuestId, GuestBuild], small_model: Model) -> Materials:
    """The lab's own images and guests with the smallest MobileNet; slower images too, where they have been built."""
    return Materials({**find_images(), **images}, guests, {small_model.name: small_model})


@pytest.fixture(scope="module")
def arms_here(materials: Materials) -> tuple[str, ...]:
    """The plain arms whose images have been built, with native."""
    here = [arm for arm in PLAIN_ARMS if Arm.parse(arm).runtime in materials.images]
    if absent := sorted(set(PLAIN_ARMS) - set(here)):
        print(f"left out, their images are not built: {', '.join(absent)}")  # noqa: T201
    return ("native@o3", *here)


@pytest.fixture(scope="module")
def successes(
    materials: Materials, arms_here: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory, small_model: Model
) -> list[Trial]:
    """Two blocks of every plain arm on the smallest MobileNet."""
    return measure(tmp_path_factory.mktemp("successes"), materials, arms_here, (small_model.name,), blocks=2)


def test_a_trial_that_works_is_ok_natively_and_under_every_runtime(
    successes: list[Trial], arms_here: tuple[str, ...]
) -> None:
    assert {trial.arm.id for trial in successes} == set(arms_here)
    assert [(trial.case.id, trial.why) for trial in successes if trial.outcome is not Outcome.OK] == []


def test_all_wasm_runtimes_give_the_same_output_to_the_bit(successes: list[Trial]) -> None:
    outputs = {trial.output_sha256 for trial in successes if not trial.arm.is_native}
    runtimes = {trial.runtime for trial in successes if not trial.arm.is_native}
    assert len(runtimes) >= 3
    assert len(outputs) == 1
    assert None not in outputs


def test_every_quantity_of_a_working_trial_is_there(successes: list[Trial]) -> None:
    for trial in successes:
        assert trial.total_ns is not None
        assert trial.startup_ns is not None
        assert trial.load_ns is not None
        assert len(trial.infer_ns) == 2
        assert trial.startup_ns + trial.load_ns + sum(trial.infer_ns) <= trial.total_ns
        assert trial.rss_peak_bytes is not None
        assert trial.cgroup_peak_bytes is not None
        assert trial.user_ns is not None
        assert (trial.linear_memory_bytes is None) == trial.arm.is_native


def test_a_second_just_in_time_trial_is_not_faster_for_having_had_a_first(materials: Materials, tmp_path: Path) -> None:
    # Caches would take nine tenths off the start-up; a busy machine alone does not take half.
    trials = measure(
        tmp_path, materials, ("wasmtime-jit-cranelift@o3",), tuple(materials.models), blocks=3, iterations=1
    )
    first, *later = [trial.startup_ns or 0 for trial in trials]
    assert len(later) == 2
    assert max(later) >= first / 2
    assert first > 0.2e9, "a whole guest was compiled"


def test_an_output_that_is_not_the_golden_one_is_wrong(
    materials: Materials, tmp_path: Path, small_model: Model
) -> None:
    home = tmp_path / "home"
    arms = ("native@o3",)
    before = measure(tmp_path / "before", materials, arms, (small_model.name,), home=home)
    golden = next((home / "goldens").iterdir())
    known = read_checked(golden, Golden)
    write_checked(golden, msgspec.structs.replace(known, sha256="0" * 64))
    after = measure(tmp_path / "after", materials, arms, (small_model.name,), home=home)
    assert [trial.outcome for trial in before] == [Outcome.OK]
    assert [trial.outcome for trial in after] == [Outcome.WRONG_OUTPUT]
    assert "000000000000…" in (after[0].why or "")


def test_precompiling_is_measured_and_spares_the_trials_their_start_up(materials: Materials, tmp_path: Path) -> None:
    arms = ("wasmtime-jit-cranelift@o3", "wasmtime-aot-cranelift@o3")
    trials = measure(tmp_path, materials, arms, tuple(materials.models), blocks=1)
    assert Counter((trial.kind, trial.outcome) for trial in trials) == {
        (Kind.RUN, Outcome.OK): 2,
        (Kind.COMPILE, Outcome.OK): 1,
    }
    compiled = next(trial for trial in trials if trial.kind is Kind.COMPILE)
    startups = {trial.mode: trial.startup_ns or 0 for trial in trials if trial.kind is Kind.RUN}
    assert (compiled.artifact_bytes or 0) > 1_000_000
    assert startups[Mode.AOT] < startups[Mode.JIT] / 2
    assert len({trial.output_sha256 for trial in trials if trial.kind is Kind.RUN}) == 1


def test_what_is_called_unsupported_is_not_run(materials: Materials, tmp_path: Path) -> None:
    refused = next(arm for arm in registry.all_arms() if registry.unsupported(arm) and arm.runtime in materials.images)
    trials = measure(tmp_path, materials, (refused.id,), tuple(materials.models))
    assert [(trial.outcome, trial.total_ns) for trial in trials] == [(Outcome.UNSUPPORTED, None)]
