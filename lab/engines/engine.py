"""The one seam to whatever runs a trial: a container engine, or plain processes on the host.

A job is one command line in one fresh sandbox; an engine returns the probe's report of it.
"""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from pathlib import Path

import msgspec

from lab.core.errors import EngineFailed
from lab.core.probe import PROBE_SCHEMA, ProbeReport

WORK_DIR = "/work"
OUT_DIR = "out"
OUTPUT_LIMIT_BYTES = 64 * 2**20
NONCE_VARIABLE = "LAB_PROBE_NONCE"
_REBUILD = "rebuild the images with `lab build`: the probe in them is of another version than the lab"


class EngineUnfit(EngineFailed):
    """The engine or its image cannot keep what every trial depends on: trying again does not help."""


class Mount(msgspec.Struct, frozen=True):
    """A host file or directory seen by the job.

    Attributes:
        source: on the host.
        name: relative to the job's working directory, such as ``model.pb``.
        writable: a copy, for a runtime that opens its inputs for writing.
    """

    source: Path
    name: str
    writable: bool = False


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One command line to run once.

    Attributes:
        image: container image id; the process engine ignores it.
        argv: command line that the probe executes.
        mounts: files of the job.
        env: environment variables beside HOME.
        timeout_s: after which the probe kills everything that was started.
        memory_bytes: limit of the sandbox, swap off; the process engine cannot enforce it.
        cpus: processors the job is pinned to; None for all.
        output_file: file that the probe hashes after the end, relative to the working directory, below `OUT_DIR`.
        return_file: whether the probe also sends that file's bytes back.
        output_limit_bytes: size of `OUT_DIR`, and of the largest file that is hashed.
        campaign: label by which leftovers of a killed lab are found.
        case: id of the case, as a label for whoever lists containers.
    """

    image: str
    argv: tuple[str, ...]
    mounts: tuple[Mount, ...]
    timeout_s: float
    memory_bytes: int
    campaign: str
    env: dict[str, str] = {}
    cpus: tuple[int, ...] | None = None
    output_file: str | None = None
    return_file: bool = False
    output_limit_bytes: int = OUTPUT_LIMIT_BYTES
    case: str = ""


class JobResult(msgspec.Struct, frozen=True):
    """What became of a job.

    Attributes:
        report: the probe's; None if the kernel killed the probe itself.
        oom_killed: whether the kernel killed a process in the sandbox because memory ran out.
        complaint: why the engine could not bring the job to a report, twice; None if it could.
    """

    report: ProbeReport | None
    oom_killed: bool
    complaint: str | None = None


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
    def remove_leftovers(self, campaign: str) -> int:
        """Remove what a killed lab left behind of a campaign; how many sandboxes that were."""

    def ping(self) -> bool:
        """Whether the engine answers at all; what failed while it does is the job's own fault."""
        return True

    @abstractmethod
    def describe(self) -> str:
        """Name and version for the fingerprint."""


def probe_argv(job: Job) -> list[str]:
    """The probe's arguments for a job (after its own name)."""
    argv = ["--timeout-ms", str(round(job.timeout_s * 1000))]
    if job.output_file is not None:
        argv += ["--output-file", job.output_file, "--file-limit", str(job.output_limit_bytes)]
        argv += ["--return-file"] if job.return_file else []
    return [*argv, "--", *job.argv]


def new_nonce() -> str:
    """A text that the probe's report must repeat, and that what it measures cannot know."""
    return secrets.token_hex(16)


def decode_report(output: bytes, nonce: str) -> ProbeReport | None:
    """The probe's report in what a sandbox printed; None if the probe printed nothing at all.

    Only the line that carries the nonce is the probe's, whoever else wrote to the same stream.

    Raises:
        EngineFailed: no line of it is a report of this probe, or the report is of another schema.
    """
    lines = [line for line in output.splitlines() if line.strip()]
    for line in reversed(lines):
        if nonce.encode() not in line:
            continue
        try:
            report = msgspec.json.decode(line, type=ProbeReport)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise EngineUnfit(f"the probe's report cannot be read: {error}", _REBUILD) from error
        if report.nonce != nonce:
            continue
        if report.schema != PROBE_SCHEMA:
            raise EngineUnfit(f"the probe speaks schema {report.schema}, the lab {PROBE_SCHEMA}", _REBUILD)
        return report
    if not lines:
        return None
    raise EngineFailed("the sandbox printed no report of the lab's probe", _REBUILD)
