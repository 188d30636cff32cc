"""What this machine lacks, each with its remedy: the remedies are named here so that they can be read as prose."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import psutil

from lab.core.errors import LabError
from lab.core.units import show_bytes
from lab.engines import docker_sdk
from lab.engines.host import cgroup_version, describe_host
from lab.verify.measuring_checks import MachineCheck, engine_checks, kernel_checks

__all__ = ["MachineCheck", "examine"]

DISK_WANTED_BYTES = 25 * 2**30
MEMORY_WANTED_BYTES = 8 * 2**30

FREE_DISK = f"free {show_bytes(DISK_WANTED_BYTES)} or set LAB_HOME to a larger disk"
MORE_MEMORY = "leave vgg_16 and vgg_19 out of the experiment: freezing them peaks at about 8 GiB"
MOUNT_CGROUPS = "mount cgroup v2 (or v1's memory controller): without it `cgroup_peak_bytes` is absent"
NEWER_KERNEL = "Linux 5.19 or newer reports memory.peak on cgroup v2: without it `cgroup_peak_bytes` is absent"
INSTALL_MMDEBSTRAP = "as root `apt-get install mmdebstrap` (done by `lab build` itself), or reach an image registry"
SET_GOVERNOR = "`lab tune --apply`, or `cpupower frequency-set -g performance`: a changing clock shows as noise"
STOP_OTHERS = "stop what else runs: it shows as noise; `lab calibrate` measures how much"
CPU_COUNT = "one processor measures, another keeps the lab out of its way: expect more noise with fewer than two"


def examine(home: Path) -> tuple[MachineCheck, ...]:
    """Examine everything the lab needs of this machine.

    Args:
        home: the lab's cache directory; the disk that holds it is examined.
    """
    checks = (_cgroups, _base, _disk, _memory, _cpus, _governor, _load)
    return (*_engine(), *(check(home) for check in checks), *kernel_checks())


def _engine() -> tuple[MachineCheck, ...]:
    """Whether one answers, and what it says of itself."""
    try:
        client = docker_sdk.connect()
        with docker_sdk.failures_as_lab_errors():
            version, info = client.version()["Version"], client.info()
    except LabError as error:
        return (MachineCheck("container engine", ok=False, found=error.message, remedy=error.remedy, needed=True),)
    answers = MachineCheck("container engine", ok=True, found=f"docker {version}", remedy=None, needed=True)
    return (answers, *engine_checks(info))


def _cgroups(_home: Path) -> MachineCheck:
    return cgroup_check(cgroup_version(), os.uname().release)


def cgroup_check(version: int | None, release: str) -> MachineCheck:
    """Whether cgroups report a container's peak memory.

    Args:
        version: 1, 2, or None where none are mounted.
        release: of the kernel, such as ``6.1.0-26-amd64``.
    """
    if version is None:
        return MachineCheck("cgroups", ok=False, found="none mounted", remedy=MOUNT_CGROUPS, needed=False)
    if version == 2 and tuple(int(part) for part in release.split(".")[:2]) < (5, 19):
        found = f"v2, Linux {release}"
        return MachineCheck("cgroups", ok=False, found=found, remedy=NEWER_KERNEL, needed=False)
    return MachineCheck("cgroups", ok=True, found=f"v{version}", remedy=None, needed=False)


def _base(_home: Path) -> MachineCheck:
    found = shutil.which("mmdebstrap")
    able = found is not None or (os.geteuid() == 0 and shutil.which("apt-get") is not None)
    seen = found or ("installable" if able else "not found")
    return MachineCheck("mmdebstrap", ok=able, found=seen, remedy=None if able else INSTALL_MMDEBSTRAP, needed=False)


def _disk(home: Path) -> MachineCheck:
    place = next(parent for parent in (home, *home.parents) if parent.exists())
    free = shutil.disk_usage(place).free
    enough = free >= DISK_WANTED_BYTES
    found = f"{show_bytes(free)} free at {place}"
    return MachineCheck("disk", ok=enough, found=found, remedy=None if enough else FREE_DISK, needed=False)


def _memory(_home: Path) -> MachineCheck:
    total = psutil.virtual_memory().total
    enough = total >= MEMORY_WANTED_BYTES
    found = show_bytes(total)
    return MachineCheck("memory", ok=enough, found=found, remedy=None if enough else MORE_MEMORY, needed=False)


def _cpus(_home: Path) -> MachineCheck:
    count = len(os.sched_getaffinity(0))
    remedy = None if count >= 2 else CPU_COUNT
    return MachineCheck("processors", ok=count >= 2, found=str(count), remedy=remedy, needed=False)


def _governor(_home: Path) -> MachineCheck:
    return governor_check(describe_host("").governor)


def governor_check(governor: str | None) -> MachineCheck:
    """Whether the clock stays what it is; None where the kernel does not report a governor."""
    ok = governor in (None, "performance")
    found = governor or "not reported by this kernel"
    return MachineCheck("cpu governor", ok=ok, found=found, remedy=None if ok else SET_GOVERNOR, needed=False)


def _load(_home: Path) -> MachineCheck:
    load = os.getloadavg()[0]
    quiet = load < 0.5
    remedy = None if quiet else STOP_OTHERS
    return MachineCheck("quiet", ok=quiet, found=f"load {load:.2f}", remedy=remedy, needed=False)
