"""`lab bench` from a model to sentences, on a fake engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.campaign.materials import Materials
from lab.cli.commands.bench import experiment
from lab.core.arm import GuestProfile
from lab.core.errors import EXIT_INTERRUPTED
from lab.core.guest import GuestId
from lab.store.journal import JOURNAL_NAME, read_trials
from tests.command import Ran, lab
from tests.fakes import FakeEngine, FakeLab, make_materials
from tests.imported import import_made_up


@pytest.fixture
def materials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Materials:
    """A lab with one small model, and two runtimes beside native."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    import_made_up(tmp_path / "home", ("tiny",))
    found = make_materials(tmp_path / "materials", ("tiny",))
    for name in found.images.keys() - {"native", "wasmtime", "wamr"}:
        del found.images[name]
    return found


def bench(engine: FakeEngine, *words: object) -> Ran:
    return lab("bench", *words, on=FakeLab(engine.materials, engine))


def test_a_model_that_is_here_is_measured_under_every_runtime_that_is_here(materials: Materials) -> None:
    ran = bench(FakeEngine(materials), "tiny", "--budget", "20m")
    assert ran.code == 0, ran.err
    assert "tiny, batch 1:" in ran.out
    assert "- One cold run: least with " in ran.out
    assert "- Peak memory: least with " in ran.out
    report = ran.out.splitlines()[-1].removeprefix("report: ")
    assert Path(report).is_file()
    (directory,) = Path("results").glob("tiny-bench-*")
    measured = {trial.runtime for trial in read_trials(directory / JOURNAL_NAME)}
    assert measured == {"native", "wasmtime", "wamr"}


def test_runtimes_batches_and_json_are_chosen_by_options(materials: Materials) -> None:
    ran = bench(
        FakeEngine(materials), "tiny", "--runtime", "wamr", "--batch", 1, "--batch", 3, "--budget", "20m", "--json"
    )
    assert ran.code == 0, ran.err
    answer = json.loads(ran.out)
    assert set(answer["advice"]) == {"1", "3"}
    assert all("WAMR" in lines[0] for lines in answer["advice"].values())


def test_labels_name_the_largest_outputs_of_each_image(materials: Materials) -> None:
    names = [f"class {number}" for number in range(4)]
    Path("labels.txt").write_text("\n".join(names), encoding="utf-8")
    words = ("tiny", "--runtime", "wamr", "--batch", 3, "--budget", "20m", "--labels", "labels.txt")
    ran = bench(FakeEngine(materials), *words)
    assert ran.code == 0, ran.err
    said = [line for line in ran.out.splitlines() if line.startswith("- Image")]
    assert [line.split(":")[0] for line in said] == ["- Image 1", "- Image 2", "- Image 3"]
    assert all(name in said[0] for name in names)


def test_vectors_are_measured_only_where_their_guest_is_built(materials: Materials) -> None:
    del materials.guests[GuestId.parse("wasm/o3-simd")]
    assert bench(FakeEngine(materials), "tiny", "--runtime", "wasmtime", "--budget", "20m").code == 0
    (directory,) = Path("results").glob("tiny-bench-*")
    assert {trial.guest for trial in read_trials(directory / JOURNAL_NAME)} == {GuestProfile.O3}


def test_an_interrupted_bench_goes_on_with_the_same_command(materials: Materials) -> None:
    words = ("tiny", "--runtime", "wamr", "--budget", "20m")
    assert bench(FakeEngine(materials, interrupt_at=4), *words).code == EXIT_INTERRUPTED
    resumed = bench(FakeEngine(materials), *words)
    assert resumed.code == 0, resumed.err
    assert "resuming results/tiny-bench-" in resumed.err


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (("there_is_none",), 4, "there_is_none"),
        (("gone.pb",), 4, "there is no file gone.pb"),
        (("gone.onnx",), 4, "there is no file gone.onnx"),
        (("net.onnx",), 4, "net.onnx is no graph that the lab reads"),
        (("tiny", "--labels", "gone.txt"), 4, "no labels in gone.txt"),
        (("tiny", "--labels", "net.onnx"), 4, "there are 1 labels, and no output of 'tiny' has as many values"),
        (("tiny", "--runtime", "wasmtiem"), 2, "there is no runtime 'wasmtiem'"),
        (("tiny", "--budget", "soon"), 3, "soon"),
        (("tiny", "--input-shape", "a,b"), 4, "'a,b' is no input shape"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_built(
    materials: Materials, words: tuple[str, ...], code: int, complaint: str
) -> None:
    Path("net.onnx").write_bytes(b"x")
    ran = bench(FakeEngine(materials), *words)
    assert ran.code == code, ran.err
    assert complaint in ran.error[0]
    assert ran.error[1]
    assert not Path("results").exists()


def test_variants_that_are_there_to_be_compared_are_left_out() -> None:
    guests = (GuestProfile.O3, GuestProfile.O3_SIMD)
    arms = experiment("tiny", (1,), ("wasmtime", "wamr"), "5m", guests).matrix[0].arms
    assert "native@o3" in arms
    assert {arm for arm in arms if arm.startswith("wasmtime")} == {
        f"wasmtime-{mode}-cranelift@{guest}" for mode in ("jit", "aot") for guest in ("o3", "o3-simd")
    }
    assert {arm for arm in arms if arm.startswith("wamr")} == {"wamr-interpreter-fast@o3", "wamr-aot-llvm@o3"}
