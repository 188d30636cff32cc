"""Worlds: what a campaign otherwise holds constant, varied by design.

Where a file lies on disk, how large the environment is, how long the arguments are: nobody chose these, all of a
campaign's trials share them, and they can move a time by several per cent (Mytkowicz et al., ASPLOS 2009). A campaign
of N replicates runs its blocks in N worlds by turns: each has copies of guests, models and precompiled modules of its
own, an environment and names of files of other lengths, and its files are mounted in another order. What is random from
world to world thereby shows in the figures (`lab.stats.levels`).
"""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import msgspec

from lab.campaign.job import INPUT_FILE, MODEL_STEM
from lab.disk.content import file_sha256, sha256
from lab.disk.whole import whole_directory, whole_file
from lab.engines.engine import Job, Mount

PADDING_VARIABLE = "LAB_WORLD"
MOST_ENVIRONMENT_BYTES = 4096
"""By so much the environment of a world is larger at most: a page, what a stack is shifted by."""
MOST_NAME_BYTES = 64
"""By so much a file's name is longer at most."""


class Worlds:
    """The worlds of a campaign.

    Args:
        directory: where their copies are kept; of this campaign alone.
        count: how many there are, at least two.
        seed: of the campaign.
    """

    def __init__(self, directory: Path, count: int, seed: int) -> None:
        self._directory, self._count, self._seed = directory, count, seed
        self._copied: dict[tuple[Path, int], Path] = {}

    def of_block(self, block: int) -> int:
        """The world that a block runs in: each once in every `count` blocks, in a random order."""
        turn, place = divmod(block, self._count)
        order = list(range(self._count))
        self._random(f"turn {turn}").shuffle(order)
        return order[place]

    def enter(self, job: Job, world: int) -> Job:
        """The job as it runs in a world.

        Args:
            job: as planned; writable files of it are copies already.
            world: from 0.
        """
        rng = self._random(f"world {world}")
        environment = {PADDING_VARIABLE: "x" * rng.randrange(MOST_ENVIRONMENT_BYTES)}
        names = {
            mount.name: _longer(mount.name, rng.randrange(1, MOST_NAME_BYTES))
            for mount in job.mounts
            if mount.name == INPUT_FILE or Path(mount.name).stem == MODEL_STEM
        }
        mounts = [
            Mount(
                mount.source if mount.writable else self._copy(mount.source, world),
                names.get(mount.name, mount.name),
                mount.writable,
            )
            for mount in job.mounts
        ]
        rng.shuffle(mounts)
        return msgspec.structs.replace(
            job,
            argv=tuple(names.get(word, word) for word in job.argv),
            mounts=tuple(mounts),
            env={**job.env, **environment},
        )

    def directory_of(self, world: int) -> Path:
        """Where a world's copies are."""
        return self._directory / str(world)

    def remove(self) -> None:
        """Remove all copies."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def _copy(self, source: Path, world: int) -> Path:
        """The world's copy of a file or directory: made once, and compared with the original by each session."""
        place = self._copied.get((source, world))
        if place is None:
            place = self.directory_of(world) / sha256(str(source.parent).encode())[:16] / source.name
            if source.is_dir():
                with whole_directory(place, replace=True) as tree:
                    shutil.copytree(source, tree, dirs_exist_ok=True, copy_function=_copy_bytes)
            elif not place.is_file() or file_sha256(place) != file_sha256(source):
                with whole_file(place, mode=source.stat().st_mode & 0o777) as draft:
                    _copy_bytes(source, draft)
            self._copied[source, world] = place
        return place

    def _random(self, what: str) -> random.Random:
        return random.Random(f"{self._seed} {what}")  # noqa: S311 - a layout, not a secret


def _longer(name: str, by: int) -> str:
    stem, dot, suffix = name.rpartition(".")
    return f"{stem}-{'x' * by}{dot}{suffix}"


def _copy_bytes(source: str | Path, target: str | Path) -> None:
    """Copy byte by byte: a file system that shares the blocks of copies would leave them in the same place."""
    with Path(source).open("rb") as original, Path(target).open("wb") as copy:
        shutil.copyfileobj(original, copy, 1 << 20)
    shutil.copymode(source, target)
