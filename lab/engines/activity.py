"""What the kernel counts of the whole machine's work: read twice, it says what the machine did in between."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import msgspec

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_TOTAL = re.compile(r"^some .*total=(\d+)", re.MULTILINE)
# Fields of the first line of /proc/stat (proc(5)): what computes, and what a hypervisor took.
_COMPUTING = (1, 2, 3, 6, 7)
_STEAL = 8


class Activity(msgspec.Struct, frozen=True):
    """Counters of the machine since it started, at one moment; a figure that the kernel does not offer is None.

    Attributes:
        at_s: monotonic clock.
        computing_s: processor time that anything computed, summed over processors.
        steal_s: processor time that a hypervisor gave to others, likewise.
        waiting_s: for how long some task waited for a processor (pressure stall information).
    """

    at_s: float
    computing_s: float | None = None
    steal_s: float | None = None
    waiting_s: float | None = None


def read_activity(proc: Path = Path("/proc")) -> Activity:
    """The counters now.

    Args:
        proc: where the kernel shows them.
    """
    stat = _read(proc / "stat").partition("\n")[0].split()
    computing = steal = None
    if len(stat) > _STEAL and stat[0] == "cpu":
        computing = sum(int(stat[place]) for place in _COMPUTING) / _TICKS_PER_S
        steal = int(stat[_STEAL]) / _TICKS_PER_S
    pressure = _TOTAL.search(_read(proc / "pressure" / "cpu"))
    return Activity(time.monotonic(), computing, steal, int(pressure[1]) / 1e6 if pressure else None)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""
