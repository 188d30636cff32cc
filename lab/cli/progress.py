"""Progress of a campaign on stderr: a live line on a terminal, one plain line a trial elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from rich.console import Console
from rich.markup import escape

from lab.core.plain_text import printable_line
from lab.core.trial import Kind, Trial
from lab.core.units import show_bytes, show_duration

# Rendering a report takes seconds: not after every block of a campaign whose blocks take as long.
REFRESH_EVERY_S = 60.0
# A block of a large campaign lasts the better part of an hour: its report is refreshed within it, too.
LONG_BLOCK_S = 300.0


class CampaignProgress:
    """Draws a campaign's progress, and refreshes its report: a minute after the start, then between blocks.

    Args:
        refresh: renders the report again.
    """

    def __init__(self, refresh: Callable[[], object]) -> None:
        self._refresh = refresh
        self._fresh_until = time.monotonic() + REFRESH_EVERY_S
        self._stale_from = self._fresh_until
        self._console = Console(stderr=True)
        self._status = self._console.status("") if sys.stderr.isatty() else None
        if self._status is not None:
            self._status.start()
        self._left_s = 0.0

    def on_trial_start(self, what: str, block: int, left_s: float) -> None:
        """See `lab.campaign.session.Observer`."""
        self._left_s = left_s
        if self._status is not None:
            self._status.update(f"block {block}: {escape(printable_line(what))}; about {show_duration(left_s)} left")

    def on_trial_end(self, trial: Trial) -> None:
        """See `lab.campaign.session.Observer`."""
        left = f"; {show_duration(self._left_s)} left" if self._status is None and self._left_s else ""
        self._console.print(
            f"{trial.number:>5}  block {trial.block}  {escape(_summary(trial))}{left}",
            highlight=False,
            soft_wrap=True,
        )
        if time.monotonic() >= self._stale_from:
            self._render_again()

    def on_block_end(self, block: int, *, last: bool) -> None:  # noqa: ARG002
        """See `lab.campaign.session.Observer`."""
        if time.monotonic() >= self._fresh_until and not last:
            self._render_again()

    def _render_again(self) -> None:
        self._refresh()
        self._fresh_until = time.monotonic() + REFRESH_EVERY_S
        self._stale_from = time.monotonic() + LONG_BLOCK_S

    def close(self) -> None:
        """Give the terminal back."""
        if self._status is not None:
            self._status.stop()


def _summary(trial: Trial) -> str:
    what = trial.case.id if trial.model else trial.arm.id
    what = what if trial.kind is Kind.RUN else f"{what} {trial.kind.noun}"
    if trial.why is not None:
        return printable_line(f"{what}: {trial.outcome}, {trial.why}")
    seconds = show_duration((trial.total_ns or 0) / 1e9)
    infer = f", inference {trial.first_infer_ns / 1e6:.1f} ms" if trial.first_infer_ns is not None else ""
    peak = f", peak {show_bytes(trial.rss_peak_bytes)}" if trial.rss_peak_bytes is not None else ""
    return f"{what}: {seconds}{infer}{peak}"
