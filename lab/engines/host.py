"""Facts about this machine, for the fingerprint and for `lab doctor`."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import psutil

from lab.core.experiment import Limits
from lab.core.manifest import Host
from lab.core.units import show_bytes

_CPUS = "/sys/devices/system/cpu"
# A trial that may take more than this share of the memory meets the machine's end of memory before its own.
MOST_OF_MEMORY = 0.9


def describe_host(engine: str) -> Host:
    """The machine a campaign runs on; a fact the kernel does not offer is None."""
    cpu = _cpuinfo()
    return Host(
        cpu_model=cpu.get("model name") or _board() or platform.processor() or platform.machine(),
        cpu_flags_sha256=cpu_flags_sha256(),
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=psutil.virtual_memory().total,
        kernel=platform.release(),
        os=_os_name(),
        cgroup_version=cgroup_version(),
        engine=engine,
        governor=_read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        turbo=_turbo(),
        virtualised="hypervisor" in cpu.get("flags", "").split() if "flags" in cpu else None,
    )


@cache
def cpu_flags_sha256() -> str:
    """Identity of this processor's instruction set: precompiled modules and native outputs are valid for one only."""
    cpu = _cpuinfo()
    features = sorted(cpu.get("flags", cpu.get("Features", "")).split())
    # processors of Arm have numbers in the place of a name
    name = cpu.get("model name") or " ".join(cpu.get(key, "") for key in ("CPU implementer", "CPU part")).strip()
    identity = " ".join([platform.machine(), name, *features])
    return hashlib.sha256(identity.encode()).hexdigest()


def cgroup_version() -> int | None:
    """1, 2, or None if no cgroup file system is mounted. A hybrid hierarchy keeps memory in v1."""
    if Path("/sys/fs/cgroup/memory").is_dir():
        return 1
    if Path("/sys/fs/cgroup/cgroup.controllers").is_file():
        return 2
    return None


def misfits(limits: Limits, memory_bytes: int | None = None, processors: int | None = None) -> tuple[str, ...]:
    """What an experiment asks for and this machine cannot give, as sentences; the experiment may run all the same.

    Args:
        limits: limits of each trial.
        memory_bytes: memory of the machine; by default of this one.
        processors: that the lab may use; by default this process's.
    """
    total = psutil.virtual_memory().total if memory_bytes is None else memory_bytes
    available = len(os.sched_getaffinity(0)) if processors is None else processors
    deviations = []
    if limits.memory_bytes > MOST_OF_MEMORY * total:
        deviations.append(
            f"a trial may take {show_bytes(limits.memory_bytes)}, and this machine has {show_bytes(total)}: one that "
            "does is not stopped by its limit, but takes the machine down with it. "
            f'Write memory = "{int(MOST_OF_MEMORY * total) >> 20}MiB" or less'
        )
    if limits.cpus is not None and limits.cpus > available:
        deviations.append(f"cpus = {limits.cpus}, and the lab may use {available} here: trials run on {available}")
    elif processors is None and len(kinds := _kinds(usable_cpus(limits.cpus) or sorted(os.sched_getaffinity(0)))) > 1:
        quick = sum(_capacity(cpu) == max(kinds) for cpu in os.sched_getaffinity(0))
        deviations.append(
            f"trials run on processors of {len(kinds)} kinds, and which one computes is a matter of chance. "
            f"Write cpus = {quick} or less: the quickest are taken first"
        )
    return tuple(deviations)


def usable_cpus(count: int | None) -> tuple[int, ...] | None:
    """The quickest `count` processors that this process may use; None for all.

    Of one kind, those of the highest numbers: interrupts favour the low ones.
    """
    if count is None:
        return None
    by_kind = sorted(os.sched_getaffinity(0), key=lambda cpu: (_capacity(cpu), cpu))
    return tuple(sorted(by_kind[-count:]))


def _kinds(cpus: Iterable[int]) -> set[int]:
    return {_capacity(cpu) for cpu in cpus}


def _capacity(cpu: int) -> int:
    """How quick a processor is beside the others, where the kernel knows of several kinds; otherwise 0."""
    return int(_read(f"{_CPUS}/cpu{cpu}/cpu_capacity") or 0)


def _board() -> str | None:
    """The board's name, where firmware gives one: ``Raspberry Pi 5 Model B Rev 1.0``."""
    return (_read("/proc/device-tree/model") or "").rstrip("\0") or None


def _cpuinfo() -> dict[str, str]:
    text = _read("/proc/cpuinfo") or ""
    first = text.partition("\n\n")[0]
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}


def _os_name() -> str:
    lines = (_read("/etc/os-release") or "").splitlines()
    names = [line.partition("=")[2].strip('"') for line in lines if line.startswith("PRETTY_NAME=")]
    return names[0] if names else platform.system()


def _turbo() -> bool | None:
    if (off := _read("/sys/devices/system/cpu/intel_pstate/no_turbo")) is not None:
        return off == "0"
    if (on := _read("/sys/devices/system/cpu/cpufreq/boost")) is not None:
        return on == "1"
    return None


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return None
