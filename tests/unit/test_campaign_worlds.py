"""Worlds: every file of a trial lies elsewhere, its environment and its arguments have another length."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from lab.campaign.job import INPUT_FILE, MODEL_STEM
from lab.campaign.noise.worlds import PADDING_VARIABLE, Worlds
from lab.engines.engine import Job, Mount

MODEL_FILE = f"{MODEL_STEM}.pb"


@pytest.fixture
def job(tmp_path: Path) -> Job:
    original = tmp_path / "originals"
    (original / "cache").mkdir(parents=True)
    (original / "cache" / "entry").write_bytes(b"code")
    for name, mode in (("guest", 0o755), ("graph.pb", 0o644), ("input.bin", 0o644)):
        (original / name).write_bytes(name.encode())
        (original / name).chmod(mode)
    mounts = (
        Mount(original / "guest", "guest"),
        Mount(original / "cache", "cache"),
        Mount(original / "graph.pb", MODEL_FILE),
        Mount(original / "input.bin", INPUT_FILE),
    )
    argv = ("runtime", "guest", MODEL_FILE, "--input", INPUT_FILE)
    return Job(image="", argv=argv, mounts=mounts, timeout_s=1, memory_bytes=1, campaign="c", env={"A": "b"})


def test_a_world_has_copies_of_its_own_at_other_inodes_with_the_same_bytes_and_modes(job: Job, tmp_path: Path) -> None:
    worlds = Worlds(tmp_path / "worlds", 2, seed=1)
    entered = [worlds.enter(job, world) for world in (0, 1)]
    originals = {mount.source.name: mount.source for mount in job.mounts}
    inodes = {source.stat().st_ino for source in originals.values()}
    for world in entered:
        for mount in world.mounts:
            original = originals[mount.source.name]
            assert mount.source.stat().st_ino not in inodes
            inodes.add(mount.source.stat().st_ino)
            if original.is_dir():
                assert (mount.source / "entry").read_bytes() == b"code"
            else:
                assert mount.source.read_bytes() == original.read_bytes()
                assert mount.source.stat().st_mode == original.stat().st_mode


def test_names_arguments_and_environment_have_other_lengths_in_each_world(job: Job, tmp_path: Path) -> None:
    worlds = Worlds(tmp_path / "worlds", 8, seed=1)
    entered = [worlds.enter(job, world) for world in range(8)]
    assert len({len(" ".join(world.argv)) for world in entered}) > 4
    assert len({len(world.env[PADDING_VARIABLE]) for world in entered}) > 4
    assert len({tuple(mount.source.name for mount in world.mounts) for world in entered}) > 4
    for world in entered:
        assert world.env["A"] == "b"
        names = {mount.name for mount in world.mounts}
        assert {world.argv[2], world.argv[4], "guest", "cache"} == names
        assert world.argv[2].endswith(".pb")


def test_a_world_is_the_same_each_time_it_is_entered_and_in_the_next_session(job: Job, tmp_path: Path) -> None:
    first = Worlds(tmp_path / "worlds", 3, seed=1).enter(job, 1)
    inodes = [mount.source.stat().st_ino for mount in first.mounts if mount.source.is_file()]
    again = Worlds(tmp_path / "worlds", 3, seed=1).enter(job, 1)
    assert again == first
    assert [mount.source.stat().st_ino for mount in again.mounts if mount.source.is_file()] == inodes


def test_a_copy_that_was_changed_is_made_again_by_the_next_session(job: Job, tmp_path: Path) -> None:
    first = Worlds(tmp_path / "worlds", 2, seed=1).enter(job, 0)
    model = next(mount.source for mount in first.mounts if mount.source.name == "graph.pb")
    model.write_bytes(b"tampered")
    Worlds(tmp_path / "worlds", 2, seed=1).enter(job, 0)
    assert model.read_bytes() == b"graph.pb"


def test_a_file_that_may_be_written_to_stays_the_copy_that_it_is(job: Job, tmp_path: Path) -> None:
    mounts = (msgspec.structs.replace(job.mounts[2], writable=True), *job.mounts[:1])
    entered = Worlds(tmp_path / "worlds", 2, seed=1).enter(msgspec.structs.replace(job, mounts=mounts), 0)
    (kept,) = (mount for mount in entered.mounts if mount.writable)
    assert kept.source == job.mounts[2].source


@pytest.mark.parametrize("count", [2, 3, 7])
def test_blocks_run_in_every_world_equally_often_and_not_always_in_the_same_order(count: int, tmp_path: Path) -> None:
    worlds = Worlds(tmp_path, count, seed=5)
    turns = [tuple(worlds.of_block(turn * count + place) for place in range(count)) for turn in range(30)]
    assert Counter(world for turn in turns for world in turn) == dict.fromkeys(range(count), 30)
    assert len(set(turns)) > 1


def test_removed_worlds_leave_nothing(job: Job, tmp_path: Path) -> None:
    worlds = Worlds(tmp_path / "worlds", 2, seed=1)
    worlds.enter(job, 0)
    worlds.remove()
    assert not (tmp_path / "worlds").exists()
    assert all(mount.source.exists() for mount in job.mounts)
