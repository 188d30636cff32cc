"""Whether a machine is fit for measuring: what its engine and its kernel do to trials."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.verify import measuring_checks
from lab.verify.measuring_checks import MEASURING, MachineCheck, engine_checks, fitness, kernel_checks

GOOD: dict[str, Any] = {
    "MemoryLimit": True,
    "SwapLimit": True,
    "PidsLimit": True,
    "CPUSet": True,
    "SecurityOptions": ["name=apparmor", "name=seccomp,profile=builtin"],
    "Plugins": {"Log": ["json-file", "syslog"]},
    "LoggingDriver": "syslog",
    "Driver": "overlay2",
}


def faults(checks: tuple[MachineCheck, ...]) -> dict[str, str | None]:
    return {check.name: check.remedy for check in checks if not check.ok}


def machine(root: Path, **files: str) -> Path:
    """A file system with these files of proc and sys."""
    places = {
        "core_pattern": "proc/sys/kernel/core_pattern",
        "no_turbo": "sys/devices/system/cpu/intel_pstate/no_turbo",
        "boost": "sys/devices/system/cpu/cpufreq/boost",
    }
    for name, content in files.items():
        path = root / places[name]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n")
    return root


def test_an_engine_that_keeps_every_limit_is_fit() -> None:
    checks = engine_checks(GOOD)
    assert faults(checks) == {}
    assert fitness(checks) == "fit for measuring"
    assert all(check.found for check in checks)


@pytest.mark.parametrize(
    ("key", "value", "name", "remedy"),
    [
        ("MemoryLimit", False, "memory limit", "MEMORY_CONTROLLER"),
        ("SwapLimit", False, "swap limit", "SWAP_ACCOUNTING"),
        ("PidsLimit", None, "process limit", "PIDS_CONTROLLER"),
        ("CPUSet", False, "processor pinning", "CPUSET_CONTROLLER"),
        ("SecurityOptions", ["name=apparmor"], "seccomp", "SECCOMP"),
        ("SecurityOptions", ["name=seccomp,profile=unconfined"], "seccomp", "SECCOMP"),
        ("SecurityOptions", None, "seccomp", "SECCOMP"),
        ("Plugins", {"Log": ["syslog"]}, "log driver", "JSON_LOGS"),
        ("Plugins", None, "log driver", "JSON_LOGS"),
    ],
)
def test_a_limit_that_the_engine_drops_makes_a_machine_unfit(key: str, value: object, name: str, remedy: str) -> None:
    checks = engine_checks({**GOOD, key: value})
    hint = getattr(measuring_checks, remedy)
    assert faults(checks) == {name: hint}
    assert fitness(checks).startswith(f"not fit for measuring: {name} (")
    assert fitness(checks).endswith(hint)


@pytest.mark.parametrize("driver", ["vfs", "fuse-overlayfs"])
def test_a_slow_storage_driver_is_remarked_on(driver: str) -> None:
    assert faults(engine_checks({**GOOD, "Driver": driver})) == {"storage driver": measuring_checks.OVERLAY2}


def test_a_quiet_kernel_has_nothing_to_turn_off(tmp_path: Path) -> None:
    root = machine(tmp_path, core_pattern="core", no_turbo="1")
    assert faults(kernel_checks(root, synchronised=True)) == {}


@pytest.mark.parametrize(
    ("files", "name", "remedy"),
    [
        ({"core_pattern": "|/usr/share/apport/apport %p"}, "core pattern", measuring_checks.PLAIN_CORES),
        ({"no_turbo": "0"}, "turbo", measuring_checks.TURBO_OFF),
        ({"boost": "1"}, "turbo", measuring_checks.TURBO_OFF),
    ],
)
def test_what_a_kernel_does_beside_a_trial_is_reported(
    tmp_path: Path, files: dict[str, str], name: str, remedy: str
) -> None:
    assert faults(kernel_checks(machine(tmp_path, **files), synchronised=True)) == {name: remedy}


def test_a_kernel_that_reports_nothing_is_not_accused(tmp_path: Path) -> None:
    assert {check.found for check in kernel_checks(tmp_path, synchronised=True)} == {"not reported", "synchronised"}
    assert faults(kernel_checks(tmp_path, synchronised=True)) == {}


def test_a_clock_that_no_server_keeps_is_reported(tmp_path: Path) -> None:
    assert faults(kernel_checks(tmp_path, synchronised=False)) == {"clock": measuring_checks.SYNCHRONISE}
    assert measuring_checks.is_synchronised() in {True, False, None}


def test_every_fault_is_named_in_the_last_line_and_no_other_finding() -> None:
    checks = [MachineCheck(name, ok=False, found="bad", remedy="fix", needed=False) for name in (*MEASURING, "disk")]
    line = fitness(checks)
    assert all(f"{name} (bad): fix" in line for name in MEASURING)
    assert "disk" not in line
    assert "\n" not in line
