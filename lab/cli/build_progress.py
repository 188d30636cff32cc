"""Progress of builds on stderr: a line per running item on a terminal, a plain line per new step elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from lab.core.plain_text import printable_line
from lab.core.progress import Progress as BuildsProgress

# Elsewhere than on a terminal, an item that only counts up is reported this often.
QUIET_S = 20.0


@contextmanager
def build_progress() -> Iterator[BuildsProgress]:
    """What builds and freezing report to while the context lasts."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.fields[item]}"),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        yield _Bars(bars)


class _Bars:
    """One bar per item."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._lock = threading.Lock()

    def __call__(self, item: str, message: str, fraction: float | None = None) -> None:
        with self._lock:
            if item not in self._tasks:
                self._tasks[item] = self._bars.add_task(message, item=item, total=None)
            total, step = None if fraction is None else 1.0, escape(printable_line(message[:60]))
            self._bars.update(self._tasks[item], description=step, total=total, completed=fraction or 0.0)


class _Lines:
    """One line per step, none more often than every `QUIET_S` for the same item unless it ends."""

    def __init__(self) -> None:
        self._said: dict[str, float] = {}
        self._started = time.monotonic()
        self._lock = threading.Lock()

    def __call__(self, item: str, message: str, fraction: float | None = None) -> None:
        now = time.monotonic()
        with self._lock:
            if fraction != 1.0 and now - self._said.get(item, float("-inf")) < QUIET_S:
                return
            self._said[item] = now
            share = "" if fraction is None else f" {fraction:4.0%}"
            sys.stderr.write(f"{now - self._started:6.0f} s  {item}:{share} {printable_line(message)}\n")
            sys.stderr.flush()
