"""Commands that measure or build wait for each other, or say who is in the way."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from lab.cli.output import note
from lab.core.plain_text import printable_line
from lab.core.units import show_duration
from lab.disk.measuring_lock import Holder, MeasuringLock, measuring_lock

Wait = Annotated[bool, typer.Option("--wait", help="Wait while another lab measures or builds on this machine.")]

# Elsewhere than on a terminal, who is waited for is said so often.
QUIET_S = 60.0


@contextmanager
def alone(activity: str, *, wait: bool) -> Iterator[MeasuringLock]:
    """Have this machine to itself while the context lasts.

    Args:
        activity: what for.
        wait: whether to wait for another lab that measures or builds.

    Raises:
        MachineBusy: another lab does, and `wait` is false.
    """
    progress = _WaitProgress() if wait else None
    command = shlex.join(["lab", *sys.argv[1:]])
    try:
        with measuring_lock(command, activity, waiting=progress) as held:
            if progress is not None:
                progress.close()
            yield held
    finally:
        if progress is not None:
            progress.close()


class _WaitProgress:
    """Says who is waited for: a live line on a terminal, a plain line a minute elsewhere."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._said: float | None = None
        self._status = Console(stderr=True).status("") if sys.stderr.isatty() else None

    def __call__(self, holder: Holder | None) -> None:
        now = time.monotonic()
        text = f"waiting for {holder or 'another lab'}; {show_duration(now - self._started)} so far"
        if self._status is not None:
            self._status.start()
            self._status.update(escape(printable_line(text)))
        elif self._said is None or now - self._said >= QUIET_S:
            self._said = now
            note(text)

    def close(self) -> None:
        """Give the terminal back."""
        if self._status is not None:
            self._status.stop()
