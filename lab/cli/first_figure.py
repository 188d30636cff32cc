"""When the first figure will be there: said before anything is built, and compared with the clock once it is there."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from pathlib import Path

from lab.campaign.outlook import Outlook
from lab.cli.output import note
from lab.core.units import show_duration
from lab.store.campaigns import REPORT_NAME


class FirstFigure:
    """What a campaign promises of its first figure and its report.

    Args:
        outlook: how it begins.
        budget_s: seconds that it may measure.
    """

    def __init__(self, outlook: Outlook, budget_s: float) -> None:
        self._first_s = outlook.first_s
        self._report_s = outlook.build_s + budget_s
        self._begun = time.monotonic()
        self._is_there = False

    def announce(self) -> None:
        """Say when both are expected."""
        note(
            f"first figure expected {_when(self._first_s)}, the report {_when(self._report_s)} at the latest, "
            "if nothing else runs on this machine"
        )

    def reached(self, directory: Path) -> None:
        """The campaign's report has figures in it; said once."""
        if not self._is_there:
            self._is_there = True
            took = show_duration(time.monotonic() - self._begun)
            page = directory / REPORT_NAME / "index.html"
            note(f"first figure after {took} (predicted: {show_duration(self._first_s)}): {page}")

    def ended(self) -> None:
        """The campaign's report is complete."""
        took = show_duration(time.monotonic() - self._begun)
        note(f"report after {took} (predicted: {show_duration(self._report_s)} at most)")


def _when(seconds: float) -> str:
    """``at 22:41 (in 13 min 5 s)``, by the clock of the terminal's user."""
    return f"at {datetime.now().astimezone() + timedelta(seconds=seconds):%H:%M} (in {show_duration(seconds)})"
