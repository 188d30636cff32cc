"""The guest of other frameworks, run as a process on TensorFlow, which the lab has anyway."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from lab.core.phase import LOADING, Phase
from lab.zoo.worker import ENVIRONMENT

PROGRAM = Path(__file__).parents[2] / "python-guest" / "infer.py"
SHAPE = "1,4,4,3"


def run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, str(PROGRAM), *arguments]
    environment = {**os.environ, **ENVIRONMENT}
    return subprocess.run(argv, cwd=directory, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a graph that doubles, and halves, its input."""
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    tf = import_module("lab.zoo.tensorflow.tf_v1").tf
    directory, graph = tmp_path_factory.mktemp("doubling"), tf.Graph()
    with graph.as_default():
        image = tf.placeholder(tf.float32, [None, 4, 4, 3], name="image")
        tf.multiply(image, 2.0, name="double")
        tf.multiply(image, 0.5, name="half")
    (directory / "model.pb").write_bytes(graph.as_graph_def().SerializeToString())
    np.arange(48, dtype="<f4").tofile(directory / "input.f32")
    return directory


def test_marks_come_in_the_order_of_the_phases_and_outputs_in_the_order_asked_for(model: Path) -> None:
    wanted = ["--shape", SHAPE, "--outputs", "half,double", "--iterations", "3", "--save", "out.f32"]
    done = run(model, "model.pb", "--input", "input.f32", *wanted)
    assert (done.returncode, done.stderr) == (0, "")
    marks = [json.loads(line) for line in done.stdout.splitlines()]
    assert [mark["mark"] for mark in marks] == [Phase.START, *LOADING, *[Phase.INFER] * 3, Phase.OUTPUT]
    assert all(mark["ns"] > 0 for mark in marks[1:])
    output = (model / "out.f32").read_bytes()
    assert marks[-1]["sha256"] == hashlib.sha256(output).hexdigest()
    image = np.arange(48, dtype="<f4")
    assert np.array_equal(np.frombuffer(output, "<f4"), np.concatenate([image / 2, image * 2]))


def test_a_slowdown_makes_an_inference_longer_by_that_much() -> None:
    spec = importlib.util.spec_from_file_location("python_guest", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    before = time.monotonic_ns()
    program.spin(before - 20_000_000, 500)
    assert time.monotonic_ns() - before >= 10_000_000, "half of the twenty milliseconds that have passed"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["model.h5", "--input", "i", "--shape", SHAPE, "--outputs", "a"], "no framework reads model.h5"),
        (["model.pb", "--shape", SHAPE, "--outputs", "a"], "--input"),
        (["model.pb", "--input", "i", "--shape", "0,4", "--outputs", "a"], "at least 1"),
        (["model.pb", "--input", "i", "--shape", SHAPE, "--outputs", "a", "--iterations", "0"], "at least 1"),
    ],
)
def test_a_wrong_command_line_ends_with_2_and_says_what_is_wrong(
    tmp_path: Path, arguments: list[str], why: str
) -> None:
    done = run(tmp_path, *arguments)
    assert done.returncode == 2
    assert why in done.stderr
    assert not done.stdout


def test_a_graph_without_the_output_ends_with_3_and_one_line(model: Path) -> None:
    done = run(model, "model.pb", "--input", "input.f32", "--shape", SHAPE, "--outputs", "absent")
    assert done.returncode == 3
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
