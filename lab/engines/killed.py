"""Who killed a container whose probe said nothing: the kernel, for want of memory, or somebody outside.

Either way the probe ends by SIGKILL. The engine's flag distinguishes them, but it may be set after the exit is seen,
and older engines lose it; the kernel's own count of such kills is then the only witness.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from lab.engines.docker_sdk import Container

KILLED = 137
_FLAG_WAIT_S, _FLAG_STEP_S = 2.0, 0.1
_VMSTAT = Path("/proc/vmstat")


def kernel_oom_kills(vmstat: Path = _VMSTAT) -> int | None:
    """Processes that this machine's kernel has killed since boot because a cgroup or the machine was out of memory.

    None if the kernel does not count them (before Linux 4.13).
    """
    try:
        lines = vmstat.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    counts = [int(line.split()[1]) for line in lines if line.startswith("oom_kill ")]
    return counts[0] if counts else None


def killed_for_memory(
    container: Container,
    kills_before: int | None,
    count_kills: Callable[[], int | None] = kernel_oom_kills,
    pause: Callable[[float], None] = time.sleep,
) -> bool:
    """Whether the kernel ended a container for its memory; its flag is waited for, for two seconds.

    Args:
        container: that has ended.
        kills_before: what `count_kills` said before it was started.
        count_kills: the kernel's count.
        pause: waits for so many seconds.
    """
    waited_s = 0.0
    while not container.attrs["State"].get("OOMKilled"):
        if container.attrs["State"].get("ExitCode") != KILLED:
            return False
        if waited_s >= _FLAG_WAIT_S:
            kills_now = count_kills()
            return None not in (kills_before, kills_now) and kills_now != kills_before
        pause(_FLAG_STEP_S)
        waited_s += _FLAG_STEP_S
        container.reload()
    return True
