"""A command in a container that has nothing to read, to write or to call beside what it is given.

What it writes stays in memory, and comes back as an archive on the container's standard output: no directory of this
machine is written to.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec
from docker.types import LogConfig, Ulimit

from lab.core.units import show_bytes
from lab.engines.containers import NOBODY
from lab.engines.docker_sdk import SILENCE_S, BindMount, Container, connect, failures_as_lab_errors
from lab.engines.leftovers import discard
from lab.engines.owner import owner_labels
from lab.engines.uninterrupted import uninterrupted

_SCRATCH_BYTES = 64 << 20
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
    with _container(what) as container:
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
    with failures_as_lab_errors():
        # before the start: nothing may be missed
        pieces = container.attach(stdout=True, stderr=True, stream=True, demux=True)
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
    if container.attrs["State"].get("OOMKilled"):
        lines.append(f"it needs more memory than {show_bytes(what.memory_bytes)}")
    return ConfinedEnd(code, lines, late.is_set(), is_whole)


@contextmanager
def _container(what: Confined) -> Iterator[Container]:
    script = f'"$@" >&2 && exec tar -cf - -C {what.out} .'
    container = None
    try:
        with failures_as_lab_errors(), uninterrupted():
            # it may compute for minutes without a word
            client = connect(SILENCE_S)
            command = ["-c", script, "confined", *what.argv]
            container = client.containers.create(what.image, command, **confined_options(what))
        yield container
    finally:
        if container is not None:
            discard(container)


def confined_options(what: Confined) -> dict[str, Any]:
    """What the engine is asked for: no network, no rights, nothing writable but memory."""
    return {
        "entrypoint": ["/bin/sh"],
        "user": f"{NOBODY}:{NOBODY}",
        "environment": {"HOME": "/tmp", **what.env},  # noqa: S108 - the container's own
        "network_mode": "none",
        "ipc_mode": "none",
        "read_only": True,
        "tmpfs": {
            "/tmp": f"rw,size={_SCRATCH_BYTES},mode=1777",  # noqa: S108
            what.out: f"rw,size={what.out_bytes},uid={NOBODY},gid={NOBODY},mode=0700",
        },
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "pids_limit": _PIDS,
        "ulimits": [Ulimit(name="core", soft=0, hard=0), Ulimit(name="nofile", soft=1024, hard=1024)],
        "mem_limit": what.memory_bytes,
        "memswap_limit": what.memory_bytes,
        "log_config": LogConfig(type=LogConfig.types.NONE),
        "labels": owner_labels(what.purpose),
        "mounts": [
            BindMount(place, str(source.resolve()), type="bind", read_only=True) for place, source in what.reads.items()
        ],
    }
