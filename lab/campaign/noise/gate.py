"""The quiet gate: before a trial the lab waits, within limits, while the machine is visibly busy with something else.

It looks at what the machine does while the lab itself does nothing, over windows of a tenth of a second. Averages that
the kernel keeps (load, pressure over ten seconds) would show the lab's own trial before this one.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from lab.engines.activity import Activity, read_activity

WINDOW_S = 0.1
"""Of one look at the machine."""
MOST_COMPUTING = 0.3
"""Processors that others may keep busy on a quiet machine."""
MOST_STEAL = 0.05
"""Processors that a hypervisor may give to others on a quiet machine."""
MOST_WAITING = 0.05
"""Share of a window in which some task may wait for a processor on a quiet machine."""
LONGEST_WAIT_S = 10.0
"""Before one trial."""
SHARE_OF_WAITING = 0.25
"""All waits together may be so much of the time measured, and `LONGEST_WAIT_S` more."""


class Waited(msgspec.Struct, frozen=True):
    """What became of a wait.

    Attributes:
        seconds: how long it was, at least a window.
        is_quiet: whether the machine was quiet in the last window.
    """

    seconds: float
    is_quiet: bool

    @property
    def ns(self) -> int:
        """As a trial carries it."""
        return round(self.seconds * 1e9)


class QuietGate:
    """Waits for a quiet machine.

    Args:
        read: the machine's counters.
        pause: waits for so many seconds.
    """

    def __init__(
        self, read: Callable[[], Activity] = read_activity, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._read, self._pause = read, pause

    def wait(self, longest_s: float) -> Waited:
        """Wait until one window is quiet, or the time is over; one window is always looked at.

        Args:
            longest_s: when to give up.
        """
        first = before = self._read()
        while True:
            self._pause(WINDOW_S)
            now = self._read()
            quiet, waited_s = is_quiet(before, now), now.at_s - first.at_s
            if quiet or waited_s + WINDOW_S > longest_s:
                return Waited(waited_s, quiet)
            before = now


def is_quiet(before: Activity, now: Activity) -> bool:
    """Whether the machine did next to nothing between two readings; what the kernel does not count is taken for quiet.

    A tick of the kernel's clock is a tenth of a window, so that a single one of the lab's own does not count.
    """
    span_s = now.at_s - before.at_s
    shares = (
        (before.computing_s, now.computing_s, MOST_COMPUTING),
        (before.steal_s, now.steal_s, MOST_STEAL),
        (before.waiting_s, now.waiting_s, MOST_WAITING),
    )
    return all(
        start is None or end is None or end - start <= most * span_s for start, end, most in shares if span_s > 0
    )


def longest_wait_s(measured_s: float, waited_s: float) -> float:
    """How long the next trial may wait.

    Args:
        measured_s: seconds of measuring so far, waits not counted.
        waited_s: seconds waited so far.
    """
    return max(0.0, min(LONGEST_WAIT_S, LONGEST_WAIT_S + SHARE_OF_WAITING * measured_s - waited_s))
