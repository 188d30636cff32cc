"""Where two builds of the same thing differ: a page by diffoscope, where that is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from lab.disk.paths import LOGS

TOOL = "diffoscope"
_LIMIT_S = 600
_TO_FILE_NAME = str.maketrans("/ ", "--")
# As with diff: 1 says that they differ. Anything else is an error of the tool's.
_DIFFERENT = 1


def page_of_differences(expected: Path, other: Path, name: str) -> str:
    """Write ``logs/differences-NAME.html``, and say where it is.

    Args:
        expected: the file that is on this machine.
        other: the one that was built again.
        name: of what was built, for the page's own name.

    Returns:
        What to add to the line about the difference: the page, or why there is none.
    """
    tool = shutil.which(TOOL)
    if tool is None:
        return f"install {TOOL} (Debian: {TOOL}-minimal) to see where"
    page = LOGS / f"differences-{name.translate(_TO_FILE_NAME)}.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    argv = [tool, "--no-progress", "--html", str(page), str(expected), str(other)]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return f"{TOOL} did not end within {_LIMIT_S} s"
    if done.returncode != _DIFFERENT or not page.is_file():
        return f"{TOOL} failed with status {done.returncode}: {done.stderr.strip()[-200:]}"
    return f"where they differ: {page}"
