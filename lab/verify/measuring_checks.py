"""What an engine and a kernel do to measurements: limits that they drop, and what they do beside a trial."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

MEMORY_CONTROLLER = "boot with cgroup_enable=memory (as on Raspberry Pi OS): without it no trial has a memory limit"
SWAP_ACCOUNTING = "boot with swapaccount=1, or `swapoff -a`: without it a trial may swap instead of meeting its limit"
PIDS_CONTROLLER = "use a kernel with the pids controller (CONFIG_CGROUP_PIDS)"
CPUSET_CONTROLLER = "use a kernel with the cpuset controller (CONFIG_CPUSETS): without it no trial can be pinned"
SECCOMP = "run the daemon with its default seccomp profile: without it a guest reaches the whole kernel"
JSON_LOGS = "use a daemon with the json-file log driver: reports are read from it"
OVERLAY2 = (
    "use the overlay2 storage driver: with this one runtimes' binaries are read by a program, which start-up waits for"
)
PLAIN_CORES = "`lab tune --apply`: a crash of a trial is piped to a program, whatever its limits say"
SYNCHRONISE = (
    "start an NTP client (`timedatectl set-ntp true`): names and dates of campaigns are the clock's; times are not"
)
TURBO_OFF = "switch turbo off (`lab tune --apply`): the clock falls as the processor warms"

_TIME_ERROR = 5
_TIMEX_BYTES = 256
_SLOW_STORAGE = {"vfs", "fuse-overlayfs"}
# Whatever of these is not fine shows in the figures, or has trials end as they would not elsewhere.
MEASURING = frozenset(
    {
        "container engine",
        "memory limit",
        "swap limit",
        "process limit",
        "processor pinning",
        "seccomp",
        "log driver",
        "cpu governor",
        "quiet",
    }
)


class MachineCheck(msgspec.Struct, frozen=True):
    """One property of this machine that was examined.

    Attributes:
        name: the property, such as ``disk``.
        ok: whether it is as the lab needs it.
        found: what was detected.
        remedy: how to obtain it; None if `ok`.
        needed: whether nothing can be measured without it.
    """

    name: str
    ok: bool
    found: str
    remedy: str | None
    needed: bool


def engine_checks(info: Mapping[str, Any]) -> tuple[MachineCheck, ...]:
    """What the container engine says of itself (``GET /info``): limits it can keep, and what it runs trials with."""
    limits = (
        ("memory limit", "MemoryLimit", MEMORY_CONTROLLER),
        ("swap limit", "SwapLimit", SWAP_ACCOUNTING),
        ("process limit", "PidsLimit", PIDS_CONTROLLER),
        ("processor pinning", "CPUSet", CPUSET_CONTROLLER),
    )
    drivers = (info.get("Plugins") or {}).get("Log") or []
    security = [str(option) for option in info.get("SecurityOptions") or []]
    profiles = [option for option in security if option.startswith("name=seccomp")]
    storage = str(info.get("Driver") or "not reported")
    return (
        *(
            _check(name, bool(info.get(key)), "kept" if info.get(key) else "dropped", hint)
            for name, key, hint in limits
        ),
        _check("seccomp", _confined(profiles), "; ".join(profiles) or "none", SECCOMP),
        _check(
            "log driver", "json-file" in drivers, f"json-file of {len(drivers)}; default {_default(info)}", JSON_LOGS
        ),
        _check("storage driver", storage not in _SLOW_STORAGE, storage, OVERLAY2),
    )


def kernel_checks(root: Path = Path("/"), synchronised: bool | None = None) -> tuple[MachineCheck, ...]:
    """What the kernel does beside a trial.

    Args:
        root: of the file system that holds ``proc`` and ``sys``.
        synchronised: whether the clock is kept by a time server; None to ask the kernel.
    """
    pattern = _read(root / "proc/sys/kernel/core_pattern")
    turbo = _turbo(root)
    clock = is_synchronised() if synchronised is None else synchronised
    return (
        _check("core pattern", not (pattern or "").startswith("|"), pattern or "not reported", PLAIN_CORES),
        _check("turbo", turbo is not True, {True: "on", False: "off", None: "not reported"}[turbo], TURBO_OFF),
        _check(
            "clock", clock is not False, {True: "synchronised", False: "free", None: "not reported"}[clock], SYNCHRONISE
        ),
    )


def fitness(checks: Iterable[MachineCheck]) -> str:
    """One line: whether figures of this machine can be relied on, and if not, what to turn on or off."""
    faults = [check for check in checks if check.name in MEASURING and not check.ok]
    if not faults:
        return "fit for measuring"
    return "not fit for measuring: " + "; ".join(f"{check.name} ({check.found}): {check.remedy}" for check in faults)


def is_synchronised() -> bool | None:
    """Whether a time server keeps the clock; None where the kernel does not say (adjtimex(2))."""
    try:
        state = int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR


def _check(name: str, ok: bool, found: str, remedy: str) -> MachineCheck:
    return MachineCheck(name, ok=ok, found=found, remedy=None if ok else remedy, needed=False)


def _confined(profiles: list[str]) -> bool:
    return bool(profiles) and not any("unconfined" in profile for profile in profiles)


def _default(info: Mapping[str, Any]) -> str:
    return str(info.get("LoggingDriver") or "not reported")


def _turbo(root: Path) -> bool | None:
    cpus = root / "sys/devices/system/cpu"
    if (off := _read(cpus / "intel_pstate/no_turbo")) is not None:
        return off == "0"
    if (on := _read(cpus / "cpufreq/boost")) is not None:
        return on == "1"
    return None


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
