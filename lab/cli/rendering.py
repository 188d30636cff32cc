"""Reports made by a process of their own while a campaign goes on.

Rendering needs libraries that take 150 MB of memory, and may fail; the process that measures needs neither.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from lab.core.errors import NothingToReport

_TIMEOUT_S = 600.0


def _command(directory: Path) -> list[str]:
    return [sys.executable, "-m", "lab", "report", str(directory)]


def refresh_report(directory: Path, complain: Callable[[str], None]) -> bool:
    """Render a campaign's report again; whether that succeeded.

    A campaign that holds no trial yet is left without a report. Any other failure is passed on as a sentence, and ends
    nothing: the trials are in the journal, and a later refresh may succeed.

    Args:
        directory: of the campaign.
        complain: called with one line if rendering failed.
    """
    try:
        done = subprocess.run(_command(directory), capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        complain(f"the report could not be refreshed: {error}")
        return False
    if done.returncode not in {0, NothingToReport.exit_code}:
        said = next((line.strip() for line in reversed(done.stderr.splitlines()) if line.strip()), "no message")
        complain(f"the report could not be refreshed (exit code {done.returncode}): {said}")
    return done.returncode == 0


def short_report(directory: Path) -> tuple[int, str]:
    """Render a campaign's report, and take from it what a terminal shows at the end: the answer, and the page's place.

    Args:
        directory: of the campaign.

    Returns:
        The exit code of `lab report`, what it complained of being on standard error; and the text.
    """
    command = [*_command(directory), "--short"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stdout
