"""The Docker engine: one fresh, hardened container per job.

Hardening (all of it in `_options`): no network, read-only root, small tmpfs for scratch and output, every capability
dropped, no-new-privileges, non-root, limited pids and memory with swap off, pinned processors.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import msgspec
from docker.types import Mount as BindMount

from lab.core.errors import EngineFailed
from lab.core.probe import PROBE_SCHEMA, ProbeReport
from lab.engines import docker_sdk
from lab.engines.engine import OUT_DIR, WORK_DIR, Engine, Job, JobResult, probe_argv

CAMPAIGN_LABEL = "wasm-edge-lab.campaign"
NOBODY = 65534
PIDS_LIMIT = 256
SCRATCH_BYTES = 64 * 2**20
# The probe enforces the job's timeout; the engine's own patience only catches a probe that hangs.
PATIENCE_S = 60.0


class ContainerEngine(Engine):
    """Jobs in Docker containers."""

    isolation = "container"

    def __init__(self) -> None:
        self._client = docker_sdk.connect()

    def run(self, job: Job) -> JobResult:
        """See `Engine.run`."""
        with docker_sdk.failures_as_lab_errors(), self._container(job) as container:
            container.start()
            container.wait(timeout=job.timeout_s + PATIENCE_S)
            container.reload()
            state = container.attrs["State"]
            output = container.logs(stdout=True, stderr=False)
            report = _decode(output)
            oom_killed = bool(state.get("OOMKilled"))
            if report is None and not oom_killed:
                complaint = container.logs(stdout=False, stderr=True)[-500:].decode(errors="replace").strip()
                raise EngineFailed(
                    f"the probe in image {job.image[:19]} said nothing (exit {state.get('ExitCode')}): {complaint}",
                    "run `lab doctor`; if the engine is healthy, rebuild the image with `lab build`",
                )
        return JobResult(report, oom_killed or _kernel_killed(report))

    def sweep(self, campaign: str) -> int:
        """See `Engine.sweep`."""
        with docker_sdk.failures_as_lab_errors():
            leftovers = self._client.containers.list(all=True, filters={"label": f"{CAMPAIGN_LABEL}={campaign}"})
            for container in leftovers:
                container.remove(force=True)
        return len(leftovers)

    def describe(self) -> str:
        """See `Engine.describe`."""
        with docker_sdk.failures_as_lab_errors():
            version = self._client.version()
        return f"docker {version['Version']}"

    @contextlib.contextmanager
    def _container(self, job: Job) -> Iterator[Any]:
        container = self._client.containers.create(job.image, probe_argv(job), **_options(job))
        try:
            yield container
        finally:
            container.remove(force=True)


def _options(job: Job) -> dict[str, Any]:
    tmpfs = {"/tmp": f"rw,size={SCRATCH_BYTES},mode=1777"}  # noqa: S108 - the container's own
    if not any(mount.name == OUT_DIR for mount in job.mounts):
        tmpfs[f"{WORK_DIR}/{OUT_DIR}"] = f"rw,size={SCRATCH_BYTES},uid={NOBODY},gid={NOBODY},mode=0700"
    return {
        "labels": {CAMPAIGN_LABEL: job.campaign},
        "working_dir": WORK_DIR,
        "user": f"{NOBODY}:{NOBODY}",
        "environment": {"HOME": "/tmp", **job.env},  # noqa: S108
        "network_mode": "none",
        "read_only": True,
        "tmpfs": tmpfs,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "pids_limit": PIDS_LIMIT,
        "mem_limit": job.memory_bytes,
        "memswap_limit": job.memory_bytes,
        "cpuset_cpus": None if job.cpus is None else ",".join(map(str, job.cpus)),
        # not `volumes`: the engine would make an empty directory of a source that is missing
        "mounts": [
            BindMount(f"{WORK_DIR}/{mount.name}", str(mount.source), type="bind", read_only=not mount.writable)
            for mount in job.mounts
        ],
    }


def _decode(output: bytes) -> ProbeReport | None:
    line = output.strip().rpartition(b"\n")[2]
    if not line:
        return None
    try:
        report = msgspec.json.decode(line, type=ProbeReport)
    except msgspec.MsgspecError as error:
        raise EngineFailed(
            f"the probe's report cannot be read: {error}", "rebuild the images with `lab build`: probe and lab differ"
        ) from error
    if report.schema != PROBE_SCHEMA:
        raise EngineFailed(
            f"the probe speaks schema {report.schema}, the lab {PROBE_SCHEMA}", "rebuild the images with `lab build`"
        )
    return report


def _kernel_killed(report: ProbeReport | None) -> bool:
    return report is not None and report.cgroup is not None and bool(report.cgroup.oom_kills)
