"""Whose container it is: labels by which what a dead lab left behind is distinguished from what a live one uses."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

CAMPAIGN_LABEL = "wasm-edge-lab.campaign"
OWNER_LABEL = "wasm-edge-lab.started-by"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def owner_labels(campaign: str) -> dict[str, str]:
    """Labels of a container that this process starts.

    Args:
        campaign: name of the campaign, calibration or build.
    """
    return {CAMPAIGN_LABEL: campaign, OWNER_LABEL: _owner(os.getpid())}


def is_abandoned(labels: Mapping[str, str]) -> bool:
    """Whether the process that started a container has ended, by the container's labels.

    A container without the label is of another version of the lab and is left alone. So is one that was started from
    another process namespace during this boot (by a lab in a container): its process cannot be seen from here.
    """
    owner = labels.get(OWNER_LABEL)
    if owner is None:
        return False
    boot, namespace, pid, _ = owner.split(" ")
    if boot != _boot_id():
        return True
    if namespace != _namespace():
        return False
    return owner != _owner(int(pid))


def _owner(pid: int) -> str:
    """Boot, process namespace, process and its start: together they name a process for ever. Empty start: none such."""
    return f"{_boot_id()} {_namespace()} {pid} {_started(pid)}"


def _started(pid: int) -> str:
    """When a process was started, in clock ticks since boot (proc(5)): no change of the clock moves that."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # the name, in parentheses, may hold spaces and parentheses
    return status.rpartition(")")[2].split()[19]


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text(encoding="utf-8").strip()
    except OSError:
        return "unknown"


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return "unknown"
