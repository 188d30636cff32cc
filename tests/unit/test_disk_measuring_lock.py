"""One measurement or build at a time on a machine: real processes, a real kill."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.core.errors import MachineBusy, UsageError
from lab.disk.measuring_lock import NAME, PLACES, Holder, lock_directory, measuring_lock
from tests.command import lab

ROOT = Path(__file__).parents[2]
HOLD = """
import sys, time
from pathlib import Path
from lab.disk.measuring_lock import measuring_lock
with measuring_lock("lab run x.toml", "x, tier smoke", directory=Path(sys.argv[1])) as held:
    held.describe("campaign x-smoke")
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@contextmanager
def another_lab(directory: Path, seconds: float = 600.0) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock for so long."""
    command = [sys.executable, "-c", HOLD, str(directory), str(seconds)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_second_lab_is_refused_and_learns_who_is_in_the_way(tmp_path: Path) -> None:
    with (
        another_lab(tmp_path) as other,
        pytest.raises(MachineBusy) as caught,
        measuring_lock("lab run y.toml", "y", directory=tmp_path),
    ):
        pass
    for fact in ("`lab run x.toml`", "campaign x-smoke", f"process {other.pid} of ", " since 20"):
        assert fact in caught.value.message
    assert "--wait" in caught.value.remedy
    assert caught.value.exit_code == 13


def test_a_lock_whose_holder_was_killed_is_free(tmp_path: Path) -> None:
    with another_lab(tmp_path) as other:
        other.send_signal(signal.SIGKILL)
        other.wait()
        assert b"x-smoke" in (tmp_path / NAME).read_bytes(), "what it wrote is still there"
        with measuring_lock("lab run y.toml", "y", directory=tmp_path):
            assert b"x-smoke" not in (tmp_path / NAME).read_bytes()


def test_whoever_waits_gets_the_lock_when_the_other_ends(tmp_path: Path) -> None:
    seen: list[Holder | None] = []
    with another_lab(tmp_path, seconds=2.5), measuring_lock("y", "y", waiting=seen.append, directory=tmp_path):
        pass
    assert len(seen) >= 2
    assert {holder.activity for holder in seen if holder} == {"campaign x-smoke"}


def test_the_lock_is_free_again_after_its_block_even_by_an_error(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="inside"), measuring_lock("y", "y", directory=tmp_path):
            raise ValueError("inside")


def test_every_user_may_lock_the_file_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        with measuring_lock("y", "y", directory=tmp_path):
            assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o666
    finally:
        os.umask(before)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_another_users_file_is_locked_in_a_directory_with_a_sticky_bit(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    with measuring_lock("y", "y", directory=shared):
        pass
    os.chown(shared / NAME, 65534, 65534)
    with measuring_lock("y", "y", directory=shared):  # fs.protected_regular forbids O_CREAT here
        pass


def test_a_link_in_the_files_place_is_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("kept")
    (tmp_path / NAME).symlink_to(precious)
    with pytest.raises(UsageError, match="cannot be opened"), measuring_lock("y", "y", directory=tmp_path):
        pass
    assert precious.read_text() == "kept"


def test_every_home_on_a_machine_shares_one_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAB_LOCKS")
    places = []
    for name in ("one", "two"):
        monkeypatch.setenv("LAB_HOME", str(tmp_path / name))
        places.append(lock_directory())
    assert places[0] == places[1]
    assert places[0] in PLACES


@pytest.mark.parametrize(
    "words",
    [["run", "mine.toml"], ["calibrate"], ["build"], ["verify"]],
    ids=lambda words: str(words[0]),
)
def test_commands_that_measure_or_build_wait_for_no_other_unless_asked_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LAB_LOCKS", str(tmp_path))
    (tmp_path / "mine.toml").write_text(
        'name = "mine"\nquestion = "Busy?"\n[tiers.standard]\nbudget = "1h"\n'
        '[[matrix]]\narms = ["native@o3"]\nmodels = ["yunet"]\n'
    )
    with another_lab(tmp_path):
        started = time.monotonic()
        ran = lab(*words)
    assert (ran.code, ran.out) == (13, "")
    assert "this machine is in use by `lab run x.toml` (campaign x-smoke; process " in ran.error[0]
    assert time.monotonic() - started < 10
    assert not (tmp_path / "results").exists()


def test_a_command_that_waits_says_for_whom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAB_LOCKS", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    with another_lab(tmp_path, seconds=2.0):
        ran = lab("build", "native", "--wait")
    assert ran.err.startswith("waiting for `lab run x.toml` (campaign x-smoke; process ")
    assert ran.code == 5, "then it had the machine, without an engine"
