"""What is still to be built, and about how long that takes: CPU-minutes of the pins, over this machine's speed."""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Iterable

import msgspec

from lab.builds.guests import guest_steps
from lab.builds.images.candidates import Catalogue
from lab.builds.images.ensure import choose_steps
from lab.builds.steps.step import BuildStep
from lab.core.arm import NATIVE_RUNTIME
from lab.core.guest import GuestId
from lab.core.progress import silent
from lab.engines.docker_sdk import connect

SHARE_OF_CORES_USED = 0.85
"""Two compilations at a time leave some of the cores idle: downloads, and link-time optimisation on one core."""
_CHAIN_SHARE = 0.7
"""Of the CPU time of the longest chain of steps, so much is on one core at a time."""
_REFERENCE_S = 0.27
"""What `_a_fixed_piece_of_work` takes on the machine that the pins' CPU-minutes were measured on."""


class Missing(msgspec.Struct, frozen=True):
    """CPU-minutes of the steps that are not here yet.

    Attributes:
        guests: by guest, of the guest alone.
        shared: of what guests and native rest on: compiler, probe, native's image.
        runtimes: by runtime, of what it needs beside that; 0 if its image is here, or cannot be had at all.
    """

    guests: dict[GuestId, float]
    shared: float
    runtimes: dict[str, float]

    def minutes(self, runtimes: Iterable[str], guests: Iterable[GuestId]) -> float:
        """CPU-minutes for these runtimes and guests."""
        chosen = [self.runtimes.get(name, 0.0) for name in set(runtimes)]
        return self.shared + sum(chosen) + sum(self.guests.get(guest, 0.0) for guest in set(guests))


def missing(runtimes: Iterable[str], guests: Iterable[GuestId], edition: str) -> Missing:
    """What is still to be built for these runtimes and guests.

    Raises:
        EngineMissing, EngineForbidden: no engine to ask.
        ExperimentError: there is no such edition, or it has no such runtime.
    """
    client = connect()
    catalogue = Catalogue(edition, client)
    there: dict[str, bool] = {}

    def needed(step: BuildStep) -> dict[str, BuildStep]:
        """The step and all it rests on, less what is here and what that rests on."""
        if step.tag not in there:
            there[step.tag] = step.is_there(client)
        if there[step.tag]:
            return {}
        found = {step.tag: step}
        for parent in step.parents:
            found |= needed(parent)
        return found

    wanted = guest_steps(guests, catalogue)
    own = {guest: 0.0 if not needed(step) else step.minutes for guest, step in wanted.items()}
    common: dict[str, BuildStep] = {}
    for step in wanted.values():
        common |= {tag: each for tag, each in needed(step).items() if tag != step.tag}
    steps, _ = choose_steps(catalogue, dict.fromkeys((NATIVE_RUNTIME, *runtimes)), silent)
    by_runtime = {step.runtime: needed(step) for step in steps}
    common |= by_runtime.pop(NATIVE_RUNTIME, {})
    return Missing(
        own,
        sum(step.minutes for step in common.values()),
        {
            name: sum(step.minutes for tag, step in of_runtime.items() if tag not in common)
            for name, of_runtime in by_runtime.items()
        },
    )


def seconds_for(cpu_minutes: float, longest_minutes: float = 0.0) -> float:
    """About how many seconds builds take on this machine while nothing else runs.

    Args:
        cpu_minutes: of all of them.
        longest_minutes: of the longest one, which two cores cannot share evenly.
    """
    cores = max(1, os.cpu_count() or 1)
    minutes = max(cpu_minutes / (cores * SHARE_OF_CORES_USED), longest_minutes * _CHAIN_SHARE)
    return 60 * minutes / _speed()


def _speed() -> float:
    """How fast one core is, where the machine that the pins were measured on has 1; a third of a second's work."""
    took_s = min(_a_fixed_piece_of_work() for _ in range(3))
    return _REFERENCE_S / took_s


def _a_fixed_piece_of_work() -> float:
    """Seconds of processor time that compressing the same 4 MiB takes."""
    data = b"".join((number * number).to_bytes(8, "little") for number in range(1 << 19))
    begun = time.process_time()
    zlib.compress(data, 6)
    return max(time.process_time() - begun, 1e-6)
