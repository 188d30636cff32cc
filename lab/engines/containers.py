"""The Docker engine: one fresh, hardened container per job.

Hardening (all of it in `container_options` and `lab.engines.walls`): no network, read-only root, small tmpfs for
scratch and output, every capability dropped, no-new-privileges, non-root, no shared memory of others, no core files,
limited pids, memory with swap off, and logs; pinned processors. What the engine made of it is read back before the job
starts (`check_limits`), since an engine drops a limit that its kernel does not support.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from typing import Any

from docker.types import LogConfig, Ulimit
from docker.types import Mount as BindMount

from lab.core.errors import EngineFailed, LabError
from lab.core.probe import ProbeReport
from lab.engines import docker_sdk
from lab.engines.engine import (
    NONCE_VARIABLE,
    OUT_DIR,
    WORK_DIR,
    Engine,
    EngineUnfit,
    Job,
    JobResult,
    decode_report,
    new_nonce,
    probe_argv,
)
from lab.engines.killed import KILLED, kernel_oom_kills, killed_for_memory
from lab.engines.leftovers import discarded, remove_abandoned
from lab.engines.owner import owner_labels
from lab.engines.walls import SCRATCH_BYTES, walls

CASE_LABEL = "wasm-edge-lab.case"
PIDS_LIMIT = max(256, 4 * (os.cpu_count() or 1))
# A report with a returned file is a single line, in base64; the log must hold it whole.
LOG_BYTES = 64 * 2**20
# The probe enforces the job's timeout; the engine's own limit only catches a probe that hangs.
GRACE_PERIOD_S = 60.0
_LIMITS = {
    "Memory": "boot with cgroup_enable=memory, or use a kernel with the memory controller",
    "MemorySwap": "boot with swapaccount=1, or switch swap off (`swapoff -a`)",
    "PidsLimit": "use a kernel with the pids controller (CONFIG_CGROUP_PIDS)",
    "CpusetCpus": "use a kernel with the cpuset controller (CONFIG_CPUSETS)",
    "NetworkMode": "use an engine that supports it",
    "ReadonlyRootfs": "use an engine that supports it",
    "IpcMode": "use an engine that supports it",
}
"""What to do where the engine dropped a limit, by its name in the engine's answer."""


class ContainerEngine(Engine):
    """Jobs in Docker containers."""

    isolation = "container"

    def __init__(self) -> None:
        self._client = docker_sdk.connect()

    def run(self, job: Job) -> JobResult:
        """See `Engine.run`."""
        nonce = new_nonce()
        with docker_sdk.failures_as_lab_errors(), self._container(job, nonce) as container:
            check_limits(container.attrs["HostConfig"], job)
            kills_before = kernel_oom_kills()
            container.start()
            container.wait(timeout=job.timeout_s + GRACE_PERIOD_S)
            container.reload()
            state = container.attrs["State"]
            report = decode_report(container.logs(stdout=True, stderr=False), nonce)
            oom_killed = bool(state.get("OOMKilled")) or (report is None and killed_for_memory(container, kills_before))
            if report is None and not oom_killed:
                raise _silent(container, job)
        return JobResult(report, oom_killed or _kernel_killed(report))

    def remove_leftovers(self, campaign: str) -> int:
        """See `Engine.remove_leftovers`; also removes containers of any lab process that has died."""
        return remove_abandoned(self._client, campaign)

    def describe(self) -> str:
        """See `Engine.describe`."""
        with docker_sdk.failures_as_lab_errors():
            version = self._client.version()
        return f"docker {version['Version']}"

    def ping(self) -> bool:
        """See `Engine.ping`."""
        try:
            # a daemon that is ending still answers on connections that it has
            docker_sdk.connect().close()
        except LabError:
            return False
        return True

    def _container(self, job: Job, nonce: str) -> AbstractContextManager[docker_sdk.Container]:
        options = container_options(job, nonce)
        return discarded(lambda: self._client.containers.create(job.image, probe_argv(job), **options))


def container_options(job: Job, nonce: str) -> dict[str, Any]:
    """What the engine is asked for: everything that shuts a job's container off from what it does not need."""
    writable = [mount.source.stat().st_size for mount in job.mounts if mount.writable and mount.source.is_file()]
    largest = max(SCRATCH_BYTES, job.output_limit_bytes, *writable)
    shut_off = walls(job.memory_bytes, f"{WORK_DIR}/{OUT_DIR}", job.output_limit_bytes)
    return {
        **shut_off,
        "labels": {**owner_labels(job.campaign), CASE_LABEL: job.case},
        "working_dir": WORK_DIR,
        "environment": {"HOME": "/tmp", **job.env, NONCE_VARIABLE: nonce},  # noqa: S108 - the container's own
        "pids_limit": PIDS_LIMIT,
        "ulimits": [*shut_off["ulimits"], Ulimit(name="fsize", soft=largest, hard=largest)],
        "cpuset_cpus": None if job.cpus is None else _cpu_list(job.cpus),
        "log_config": LogConfig(type=LogConfig.types.JSON, config={"max-size": str(_log_bytes(job)), "max-file": "1"}),
        # not `volumes`: the engine would make an empty directory of a source that is missing
        "mounts": [
            BindMount(f"{WORK_DIR}/{mount.name}", str(mount.source), type="bind", read_only=not mount.writable)
            for mount in job.mounts
        ],
    }


def _log_bytes(job: Job) -> int:
    """Room for the report: base64 takes four bytes for three, and the log's own format some more."""
    return LOG_BYTES + (2 * job.output_limit_bytes if job.return_file else 0)


def _cpu_list(cpus: tuple[int, ...]) -> str:
    return ",".join(map(str, cpus))


def check_limits(made: dict[str, Any], job: Job) -> None:
    """Compare what the engine made of the container with what was asked for.

    Raises:
        EngineUnfit: a limit was dropped; trials without it would measure something else.
    """
    wanted: dict[str, object] = {
        "Memory": job.memory_bytes,
        "MemorySwap": job.memory_bytes,
        "PidsLimit": PIDS_LIMIT,
        "NetworkMode": "none",
        "ReadonlyRootfs": True,
        "IpcMode": "none",
    }
    if job.cpus is not None:
        wanted["CpusetCpus"] = _cpu_list(job.cpus)
    for name, value in wanted.items():
        if made.get(name) != value:
            raise EngineUnfit(
                f"the container engine made {name} {made.get(name)!r} where {value!r} was asked for", _LIMITS[name]
            )


def _silent(container: docker_sdk.Container, job: Job) -> EngineFailed:
    """Of a probe that ended without a report, and not for want of memory."""
    code = container.attrs["State"].get("ExitCode")
    if code == KILLED:
        return EngineFailed(
            f"the container of {job.case or job.image[:19]} was killed from outside or by itself, not for memory",
            "find out who removes or kills containers on this machine; the same command resumes",
        )
    complaint = container.logs(stdout=False, stderr=True)[-500:].decode(errors="replace").strip()
    return EngineFailed(
        f"the probe in image {job.image[:19]} said nothing (exit {code}): {complaint}",
        "run `lab doctor`; if the engine is healthy, rebuild the image with `lab build`",
    )


def _kernel_killed(report: ProbeReport | None) -> bool:
    return report is not None and report.cgroup is not None and bool(report.cgroup.oom_kills)
