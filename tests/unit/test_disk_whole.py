"""Whole files and directories: complete or absent, with nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab.disk.whole import draft_directory, publish, remove_leftovers, whole_directory, whole_file, write_whole


def test_a_file_is_replaced_as_a_whole_with_the_mode_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    write_whole(path, b"old")
    write_whole(path, b"new", mode=0o755)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o755
    assert list(path.parent.iterdir()) == [path]


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="disk full"), whole_file(path) as draft:  # noqa: PT012
        draft.write_bytes(b"half")
        raise OSError("disk full")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_take_its_place_leaves_no_draft(tmp_path: Path) -> None:
    (tmp_path / "taken" / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match="taken"):
        write_whole(tmp_path / "taken", b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.fault("a file that the disk does not take")
def test_a_file_larger_than_the_disk_takes_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    script = (
        "import resource, signal, sys; from pathlib import Path; from lab.disk.whole import write_whole\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "write_whole(Path(sys.argv[1]), bytes(5000))"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False)
    assert "File too large" in ended.stderr
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_appears_only_once_its_block_has_ended(tmp_path: Path) -> None:
    place = tmp_path / "place"
    with whole_directory(place) as draft:
        (draft / "file").write_bytes(b"content")
        assert not place.exists()
    assert (place / "file").read_bytes() == b"content"
    assert list(tmp_path.iterdir()) == [place]


def test_a_directory_whose_block_fails_never_appears(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), whole_directory(tmp_path / "place") as draft:  # noqa: PT012
        (draft / "file").write_bytes(b"content")
        raise RuntimeError
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("replace", "kept"), [(False, "first"), (True, "second")])
def test_of_two_makers_of_a_directory_one_result_stands(tmp_path: Path, *, replace: bool, kept: str) -> None:
    place = tmp_path / "place"
    for name in ("first", "second"):
        with whole_directory(place, replace=replace) as draft:
            (draft / name).touch()
    assert [path.name for path in place.iterdir()] == [kept]
    assert list(tmp_path.iterdir()) == [place]


def test_publishing_says_whether_the_draft_took_its_place(tmp_path: Path) -> None:
    for expected in (True, False):
        with draft_directory(tmp_path, "place") as draft:
            (draft / "file").touch()
            assert publish(draft, tmp_path / "place") is expected


@pytest.mark.fault("a lab killed while it makes a directory")
def test_drafts_of_killed_processes_are_removed_and_those_in_use_are_kept(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from lab.disk.whole import draft_directory\n"
        "with draft_directory(Path(sys.argv[1]), 'killed') as draft:\n"
        "    print(draft.name, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        assert remove_leftovers(tmp_path) == 0
        os.kill(process.pid, signal.SIGKILL)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with draft_directory(tmp_path, "alive") as alive:
        assert remove_leftovers(tmp_path) == 1
        assert list(tmp_path.iterdir()) == [alive]


@pytest.mark.fault("two labs that clean up and write at once")
def test_a_draft_is_never_taken_for_a_leftover_between_its_making_and_its_locking(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from lab.disk.whole import remove_leftovers\n"
        "print('ready', flush=True)\n"
        "while True: remove_leftovers(Path(sys.argv[1]))"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            for _ in range(2000):
                with draft_directory(tmp_path, "place") as draft:
                    (draft / "file").touch()
        finally:
            process.kill()
