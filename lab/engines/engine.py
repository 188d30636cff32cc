"""The one seam to whatever runs a trial: a container engine, or plain processes on the host.

A job is one command line in one fresh sandbox; an engine returns the probe's report of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

import msgspec

from lab.core.probe import ProbeReport

WORK_DIR = "/work"
OUT_DIR = "out"


class Mount(msgspec.Struct, frozen=True):
    """A host file or directory seen by the job.

    Attributes:
        source: on the host.
        name: relative to the job's working directory, such as ``model.pb``.
        writable: the directory that a precompiled module is written to; or a copy, for a runtime that insists.
    """

    source: Path
    name: str
    writable: bool = False


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One command line to run once.

    Attributes:
        image: container image id; the process engine ignores it.
        argv: what the probe executes.
        mounts: files of the job.
        env: environment variables beside HOME.
        timeout_s: after which the probe kills the process group.
        memory_bytes: limit of the sandbox, swap off; the process engine cannot enforce it.
        cpus: processors the job is pinned to; None for all.
        ship: file whose bytes the probe sends back, relative to the working directory.
        campaign: label by which leftovers of a killed lab are found.
    """

    image: str
    argv: tuple[str, ...]
    mounts: tuple[Mount, ...]
    timeout_s: float
    memory_bytes: int
    campaign: str
    env: dict[str, str] = {}
    cpus: tuple[int, ...] | None = None
    ship: str | None = None


class JobResult(msgspec.Struct, frozen=True):
    """What became of a job.

    Attributes:
        report: the probe's; None if the kernel killed the probe itself.
        oom_killed: the kernel killed something in the sandbox for want of memory.
    """

    report: ProbeReport | None
    oom_killed: bool


class Engine(ABC):
    """Runs jobs. Implementations keep no state between jobs."""

    isolation: str

    @abstractmethod
    def run(self, job: Job) -> JobResult:
        """Run a job in a sandbox of its own and remove the sandbox.

        Raises:
            EngineFailed: the engine could not create, start or await it; nothing can be said of the job itself.
            EngineMissing: the engine went away.
        """

    @abstractmethod
    def sweep(self, campaign: str) -> int:
        """Remove what a killed lab left behind of a campaign; how many sandboxes that were."""

    @abstractmethod
    def describe(self) -> str:
        """Name and version for the fingerprint."""


def probe_argv(job: Job) -> list[str]:
    """The probe's arguments for a job (after its own name)."""
    argv = ["--timeout-ms", str(round(job.timeout_s * 1000))]
    if job.ship is not None:
        argv += ["--ship", job.ship]
    return [*argv, "--", *job.argv]
