"""`lab run`, killed and started again: nothing is lost, nothing is measured twice."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.builds.guests import GuestBuild
from lab.builds.images.labels import ImageInfo
from lab.core.errors import EXIT_INTERRUPTED, MachineBusy
from lab.core.guest import GuestId
from lab.core.model import Model
from lab.core.trial import Outcome, Trial
from lab.engines.containers import ContainerEngine
from lab.store.campaigns import finished
from lab.store.journal import JOURNAL_NAME, Journal, read_trials
from tests.command import LAB

pytestmark = pytest.mark.live

PATIENCE_S = 300
ROOT = Path(__file__).resolve().parents[2]
EXPERIMENT = """
name = "resumed"
question = "Does a killed campaign go on where it was?"

[measure]
iterations = 1
precision = "0.001%"

[tiers.smoke]
budget = "1h"
min_blocks = 3
max_blocks = 3

[[matrix]]
arms = ["native@o3", "wamr-interpreter-fast@o3"]
models = ["mobilenet_v1_0.25_128"]
"""


@pytest.fixture
def command(
    tmp_path: Path, images: dict[str, ImageInfo], guests: dict[GuestId, GuestBuild], small_model: Model
) -> list[str]:
    """`lab run` of a small experiment whose images, guests and model are there."""
    path = tmp_path / "resumed.toml"
    path.write_text(EXPERIMENT, encoding="utf-8")
    return [*LAB, "run", str(path), "--tier", "smoke", "--results", str(tmp_path / "results")]


def start(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(command: list[str]) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def campaigns(results: Path) -> list[Path]:
    return [path for path in results.iterdir() if path.is_dir() and not path.is_symlink()]


def wait_for_trials(results: Path, count: int, lab: subprocess.Popen[str]) -> Path:
    """The campaign's directory, once its journal holds so many whole lines."""

    def journal() -> Path | None:
        found = list(results.glob(f"resumed-*/{JOURNAL_NAME}")) if results.exists() else []
        return found[0] if found and found[0].read_bytes().count(b"\n") >= count else None

    return until(journal, lab).parent


def until(look: Callable[[], Path | None], lab: subprocess.Popen[str]) -> Path:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if (found := look()) is not None:
            return found
        assert lab.poll() is None, f"ended too early: {lab.communicate()[0]}"
        time.sleep(0.02)
    raise AssertionError(f"nothing after {PATIENCE_S} s")


def assert_whole(directory: Path) -> list[Trial]:
    trials = list(read_trials(directory / JOURNAL_NAME))
    assert Counter((trial.arm.id, trial.block) for trial in trials) == {
        (arm, block): 1 for arm in ("native@o3", "wamr-interpreter-fast@o3") for block in range(3)
    }
    assert {trial.outcome for trial in trials} == {Outcome.OK}
    return trials


def test_a_campaign_killed_twice_is_resumed_without_loss_or_duplicate(command: list[str], tmp_path: Path) -> None:
    results = tmp_path / "results"
    kept = b""
    for trials in (2, 4):
        lab = start(command)
        directory = wait_for_trials(results, trials, lab)
        time.sleep(0.4)  # into the next trial
        os.kill(lab.pid, signal.SIGKILL)
        lab.communicate()
        journal = (directory / JOURNAL_NAME).read_bytes()
        assert journal.startswith(kept)
        kept = journal[: journal.rindex(b"\n") + 1]
        assert finished(directory) is None
    said = finish(command)
    assert f"resuming {directory}" in said
    assert campaigns(results) == [directory]
    assert (directory / JOURNAL_NAME).read_bytes().startswith(kept), "what was measured stays as it is"
    assert_whole(directory)
    assert finished(directory) is not None
    assert (directory / "report").is_dir()
    assert ContainerEngine().remove_leftovers(directory.name) == 0, "containers of the killed runs are gone"


def test_ctrl_c_ends_with_its_own_code_and_says_how_to_go_on(command: list[str], tmp_path: Path) -> None:
    lab = start(command)
    directory = wait_for_trials(tmp_path / "results", 1, lab)
    lab.send_signal(signal.SIGINT)
    said, _ = lab.communicate(timeout=PATIENCE_S)
    assert lab.returncode == EXIT_INTERRUPTED, said
    assert "the same command resumes" in said
    assert "Traceback" not in said
    assert ContainerEngine().remove_leftovers(directory.name) == 0, "the container in flight is gone"
    finish(command)
    assert_whole(directory)


def test_a_finished_campaign_is_not_resumed_but_measured_again(command: list[str], tmp_path: Path) -> None:
    finish(command)
    time.sleep(1.1)  # campaigns are named by the second
    finish(command)
    assert len(campaigns(tmp_path / "results")) == 2


def test_two_labs_on_one_machine_measure_one_after_the_other(command: list[str], tmp_path: Path) -> None:
    first = start(command)
    directory = wait_for_trials(tmp_path / "results", 1, first)
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert refused.returncode == MachineBusy.exit_code, refused.stderr
    assert f"(campaign {directory.name}; process {first.pid} of " in refused.stderr
    second = start([*command, "--wait"])
    said = [lab.communicate(timeout=PATIENCE_S)[0] for lab in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), said
    assert said[1].startswith("waiting for `lab run ")
    earlier, later = (assert_whole(path) for path in sorted(campaigns(tmp_path / "results")))
    assert max(trial.started_at for trial in earlier) <= min(trial.started_at for trial in later)


def test_a_campaign_is_written_to_by_one_lab_at_a_time(command: list[str], tmp_path: Path) -> None:
    lab = start(command)
    directory = wait_for_trials(tmp_path / "results", 1, lab)
    os.kill(lab.pid, signal.SIGKILL)
    lab.communicate()
    with Journal(directory / JOURNAL_NAME):  # as a lab holds it while it measures
        second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert second.returncode == 2, second.stderr
    assert "is being written by another process" in second.stderr
    finish(command)
    assert_whole(directory)
