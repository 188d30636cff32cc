"""A command in a container that has nothing to read, to write or to call beside what it is given.

What it writes stays in memory, and comes back as an archive on the container's standard output: no directory of this
machine is written to.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

import msgspec
from docker.types import LogConfig

from lab.core.units import show_bytes
from lab.engines.docker_sdk import SILENCE_S, BindMount, Container, connect, failures_as_lab_errors
from lab.engines.killed import kernel_oom_kills, killed_for_memory
from lab.engines.leftovers import discarded
from lab.engines.owner import owner_labels
from lab.engines.walls import walls

_PIDS = 512
_COMPLAINTS_BYTES = 1 << 20


class Confined(msgspec.Struct, frozen=True, kw_only=True):
    """A command and its walls.

    Attributes:
        image: container image id; its shell and its tar are used, or those that are mounted over them.
        argv: the command; what it prints are complaints.
        reads: files and directories of this machine that it sees, read-only, by their path in the container.
        out: directory that it may write to, in memory; what is there at the end is returned.
        out_bytes: how much that may be.
        env: environment variables.
        memory_bytes: limit of its memory, what it writes included.
        timeout_s: after which it is killed.
        purpose: label, for whoever lists containers.
    """

    image: str
    argv: tuple[str, ...]
    reads: Mapping[str, Path]
    out: str
    out_bytes: int
    env: Mapping[str, str]
    memory_bytes: int
    timeout_s: float
    purpose: str


class ConfinedEnd(msgspec.Struct, frozen=True):
    """How it ended.

    Attributes:
        code: exit code.
        complaints: what it printed, by line; the last of it if that is a lot.
        is_late: whether it was killed for its time.
        is_whole: whether all that it wrote came back.
    """

    code: int
    complaints: list[str]
    is_late: bool
    is_whole: bool


def run_confined(what: Confined, archive: IO[bytes]) -> ConfinedEnd:
    """Run a command in a container of its own, and remove the container.

    Args:
        what: to run.
        archive: gets what the command left in its directory, as a tar archive; empty where the command failed.

    Raises:
        EngineMissing, EngineForbidden, EngineFailed: from the container engine.
    """
    with failures_as_lab_errors(), _container(what) as container:
        return _follow(container, what, archive)


def _follow(container: Container, what: Confined, archive: IO[bytes]) -> ConfinedEnd:
    complaints, late = bytearray(), threading.Event()

    def kill() -> None:
        late.set()
        with failures_as_lab_errors():
            container.kill()

    # tar ends in blocks of zeros, ten kilobytes at a time
    room = what.out_bytes + (what.out_bytes >> 4) + (1 << 20)
    is_whole = True
    # before the start: nothing may be missed
    pieces = container.attach(stdout=True, stderr=True, stream=True, demux=True)
    kills_before = kernel_oom_kills()
    container.start()
    watch = threading.Timer(what.timeout_s, kill)
    watch.start()
    try:
        for output, errors in pieces:
            if output is not None:
                is_whole = is_whole and archive.tell() + len(output) <= room
                if is_whole:
                    archive.write(output)
            if errors is not None:
                complaints = (complaints + errors)[-_COMPLAINTS_BYTES:]
        code = int(container.wait()["StatusCode"])
        container.reload()
    finally:
        watch.cancel()
    lines = complaints.decode(errors="replace").splitlines()
    if not late.is_set() and killed_for_memory(container, kills_before):
        lines.append(f"it needs more memory than {show_bytes(what.memory_bytes)}")
    return ConfinedEnd(code, lines, late.is_set(), is_whole)


def _container(what: Confined) -> AbstractContextManager[Container]:
    script = f'"$@" >&2 && exec tar -cf - -C {what.out} .'
    command = ["-c", script, "confined", *what.argv]
    # it may compute for minutes without a word
    client = connect(SILENCE_S)
    return discarded(lambda: client.containers.create(what.image, command, **confined_options(what)))


def confined_options(what: Confined) -> dict[str, Any]:
    """What the engine is asked for: the walls, and nothing to read but what it is given."""
    return {
        **walls(what.memory_bytes, what.out, what.out_bytes),
        "entrypoint": ["/bin/sh"],
        "environment": {"HOME": "/tmp", **what.env},  # noqa: S108 - the container's own
        "pids_limit": _PIDS,
        "log_config": LogConfig(type=LogConfig.types.NONE),
        "labels": owner_labels(what.purpose),
        "mounts": [
            BindMount(place, str(source.resolve()), type="bind", read_only=True) for place, source in what.reads.items()
        ],
    }
