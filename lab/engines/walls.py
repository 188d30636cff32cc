"""The walls that every container with something foreign in it has, whoever starts it."""

from __future__ import annotations

from typing import Any

from docker.types import Ulimit

NOBODY = 65534
SCRATCH_BYTES = 64 * 2**20


def walls(memory_bytes: int, out: str, out_bytes: int) -> dict[str, Any]:
    """What the engine is asked for: no network, no rights, nothing writable but memory, and limits.

    Args:
        memory_bytes: limit, swap off; what is written to memory included.
        out: the directory, beside ``/tmp``, that may be written to; it is in memory.
        out_bytes: how much it takes.
    """
    return {
        "user": f"{NOBODY}:{NOBODY}",
        "network_mode": "none",
        "ipc_mode": "none",
        "read_only": True,
        "tmpfs": {
            "/tmp": f"rw,size={SCRATCH_BYTES},mode=1777",  # noqa: S108 - the container's own
            out: f"rw,size={out_bytes},uid={NOBODY},gid={NOBODY},mode=0700",
        },
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "ulimits": [Ulimit(name="core", soft=0, hard=0), Ulimit(name="nofile", soft=1024, hard=1024)],
        "mem_limit": memory_bytes,
        "memswap_limit": memory_bytes,
    }
