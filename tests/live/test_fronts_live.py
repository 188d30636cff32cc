"""Graphs of other formats, from the command to the answer: imported in a container, run natively and as WebAssembly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.core.arm import Mode
from lab.core.trial import Kind, Outcome
from lab.store.journal import JOURNAL_NAME, read_trials
from tests.command import lab
from tests.images import ensure_images

pytestmark = pytest.mark.live

DATA = Path(__file__).parents[3] / "shared" / "data"
ONNX = DATA / "yunet_n_320_320.onnx"
GOOGLES = DATA / "mobilenet_v1_0.25_128_frozen.pb"


@pytest.fixture(scope="module")
def images_built() -> None:
    ensure_images(["native", "wasmtime"])
    if not ONNX.exists():
        pytest.skip(f"LEFT OUT: {DATA} is not there: real files cannot be measured")


def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *words: object) -> dict[str, object]:
    """The answer to ``lab bench WORDS`` with Wasmtime; every arm gave the right output."""
    monkeypatch.chdir(tmp_path)
    ran = lab("bench", *words, "--runtime", "wasmtime", "--budget", "1m", "--json", "--wait")
    assert ran.code == 0, ran.err
    answer: dict[str, object] = json.loads(ran.out)
    trials = [
        trial
        for trial in read_trials(tmp_path / "results" / str(answer["campaign"]) / JOURNAL_NAME)
        if trial.kind is Kind.RUN
    ]
    assert {trial.outcome for trial in trials} == {Outcome.OK}, [trial.why for trial in trials]
    assert {trial.mode for trial in trials} == {Mode.NATIVE, Mode.JIT, Mode.AOT}
    return answer


@pytest.mark.usefixtures("images_built")
def test_yunets_own_onnx_file_gives_onnx_runtimes_output_under_every_arm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = bench(tmp_path, monkeypatch, ONNX, "--input", DATA / "grace_hopper.jpg", "--preprocessing", "yunet")
    assert "Wasmtime" in str(answer["advice"])


@pytest.mark.usefixtures("images_built")
def test_googles_frozen_graph_names_what_is_in_the_portrait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = DATA / "imagenet_slim_labels.txt"
    words = ("--input", DATA / "grace_hopper.jpg", "--crop", "1", "--labels", labels)
    answer = bench(tmp_path, monkeypatch, GOOGLES, "--input-shape", "1,128,128,3", *words)
    ((best, share), *others) = answer["labels"]["1"][0]  # type: ignore[index]
    assert (best, share) == ("bow tie", pytest.approx(0.309, abs=1e-3))
    assert len(others) == 4
